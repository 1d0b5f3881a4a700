"""Agents of a tenant: what may follow what, what is told of it, and what is refused to run."""

import itertools
import json

import pytest

from greenlang.engine.tenancy import (
    BEGINNINGS,
    EVENTS,
    TRANSITIONS,
    Registrations,
    Tenants,
    audit_page,
    may_move,
)
from greenlang.errors import InputError
from greenlang.stores import EventMetadata
from greenlang.stores.rows import Administrator
from greenlang.stores.tables import AgentState

MIA = EventMetadata("mia", "request-1")
OPERATOR = Administrator("operations", "key:1")


def path_to(state):
    """States from a draft to a state, by way of the table."""
    paths = {AgentState.DRAFT: [AgentState.DRAFT]}
    waiting = [AgentState.DRAFT]
    while waiting:
        here = waiting.pop(0)
        for after in sorted(TRANSITIONS[here]):
            if after not in paths:
                paths[after] = [*paths[here], after]
                waiting.append(after)
    return paths[state]


async def brought_to(registrations, state, agent="acme.double"):
    made = await registrations.register("acme", agent, "1.0", state=AgentState.DRAFT, by=MIA)
    for after in path_to(state)[1:]:
        made = await registrations.move("acme", agent, "1.0", after, by=MIA)
    return made


def test_every_state_is_reached_and_all_but_the_last_are_left():
    assert all(path_to(state)[-1] is state for state in AgentState)
    assert [state for state in AgentState if not TRANSITIONS[state]] == [AgentState.RETIRED]


def test_the_events_are_those_of_the_lifecycle():
    assert {*EVENTS.values(), *BEGINNINGS.values()} == {
        "created",
        "generated",
        "built",
        "validated",
        "registered",
        "deployed",
        "started",
        "stopped",
        "paused",
        "resumed",
        "retired",
        "failed",
    }


def test_each_pair_of_states_is_moved_between_as_the_table_says(run):
    async def use(store):
        registrations = Registrations(store.rows)
        for number, (state, other) in enumerate(itertools.product(AgentState, repeat=2)):
            agent = f"acme.a{number}"
            await brought_to(registrations, state, agent)
            if may_move(state, other):
                moved = await registrations.move("acme", agent, "1.0", other, reason="so", by=MIA)
                assert (moved.state, moved.reason) == (other, "so")
            else:
                with pytest.raises(InputError, match=f"is {state}, and does not become {other} from there"):
                    await registrations.move("acme", agent, "1.0", other, by=MIA)
            kept = await registrations.registration("acme", agent, "1.0")
            assert kept.state is (other if may_move(state, other) else state)

    run(use)


def test_each_change_is_an_event_and_an_entry_of_the_audit_log(run):
    async def use(store):
        registrations = Registrations(store.rows)
        await brought_to(registrations, AgentState.ACTIVE)
        await registrations.move("acme", "acme.double", "1.0", AgentState.PAUSED, reason="wrong", by=MIA)
        told = ["created", "generated", "built", "validated", "registered", "deployed", "paused"]
        events = await store.events("acme", "acme.double@1.0", aggregate_type="agent")
        assert [event.event_type for event in events] == [f"agent.{name}" for name in told]
        assert {event.metadata for event in events} == {MIA}
        assert json.loads(bytes(events[-1].payload)) == {"from": "active", "to": "paused", "reason": "wrong"}
        entries = (await audit_page(store.rows, "acme")).entries
        assert [entry.action for entry in reversed(entries)] == [f"agent.{name}" for name in told]
        assert {(entry.actor, entry.subject) for entry in entries} == {("mia", "acme.double@1.0")}
        assert json.loads(entries[0].before)["state"] == "active"

    run(use)


def test_agents_of_one_tenant_are_nobody_elses(run):
    async def use(store):
        registrations = Registrations(store.rows)
        await registrations.register("acme", "acme.double", "1.0", by=MIA)
        assert await registrations.register("acme", "acme.double", "1.0", by=MIA) is None
        assert await registrations.move("other", "acme.double", "1.0", AgentState.ACTIVE, by=MIA) is None
        assert await registrations.registrations("other") == ()
        assert await registrations.register("other", "acme.double", "1.0", by=MIA) is not None

    run(use)


def test_an_agent_begins_as_a_draft_or_waiting_to_be_deployed(run):
    async def use(store):
        registrations = Registrations(store.rows)
        for state in AgentState:
            if state in BEGINNINGS:
                await registrations.register("acme", f"a.{state}", "1", state=state, by=MIA)
            else:
                with pytest.raises(InputError, match="does not begin as"):
                    await registrations.register("acme", f"a.{state}", "1", state=state, by=MIA)

    run(use)


def test_no_tenant_has_more_agents_than_its_quota_says(run):
    async def use(store):
        await Tenants(store.rows).create(OPERATOR, "acme", name="Acme", tier="free")
        await Tenants(store.rows).set_quotas(OPERATOR, "acme", agents=2)
        registrations = Registrations(store.rows)
        for name in ("a.a", "a.b"):
            await registrations.register("acme", name, "1", by=MIA)
        with pytest.raises(InputError, match="has 2 agents, which is as many as it may"):
            await registrations.register("acme", "a.c", "1", by=MIA)
        await registrations.move("acme", "a.a", "1", AgentState.RETIRED, by=MIA)
        assert await registrations.register("acme", "a.c", "1", by=MIA) is not None

    run(use)
