import asyncio
from decimal import Decimal

import pytest

import greenlang as gl
from greenlang.agents import Discovery, Registry
from greenlang.errors import AgentError, InputError


def counted(name, told, *, waits=False, fails=False):
    """A class agent that notes its setup and close; asynchronous if it `waits`."""

    class Plain:
        def setup(self):
            told.append(f"setup {name}")

        def __call__(self, value: Decimal) -> Decimal:
            return value + 1

        def close(self):
            told.append(f"close {name}")
            if fails:
                raise OSError(f"{name} hangs")

    class Waiting(Plain):
        async def setup(self):
            await asyncio.sleep(0)
            Plain.setup(self)

        async def __call__(self, value: Decimal) -> Decimal:
            return value + 1

        async def close(self):
            await asyncio.sleep(0)
            Plain.close(self)

    return gl.agent(name=f"own.{name}", version="1.0.0")(Waiting if waits else Plain)


def runtime_of(*agents):
    return gl.Runtime(registry=Registry(agents, discovery=Discovery((), ())))


def test_agents_are_opened_for_the_plans_that_run_and_closed_last_first():
    told = []
    with runtime_of(*(counted(name, told) for name in ("one", "two", "three"))) as runtime:
        plan = runtime.compile("own.two >> own.one >> own.two")
        assert told == []
        assert [runtime.run(plan, Decimal(number)) for number in (1, 2)] == [4, 5]
        assert told == ["setup two", "setup one"]
    assert told == ["setup two", "setup one", "close one", "close two"]


def test_asynchronous_agents_live_in_one_event_loop():
    told = []

    async def use():
        async with runtime_of(counted("one", told), counted("two", told, waits=True)) as runtime:
            plan = runtime.compile("own.one >> own.two")
            outputs = await asyncio.gather(*(runtime.arun(plan, Decimal(number)) for number in range(5)))
            assert outputs == [2, 3, 4, 5, 6]
            assert told == ["setup one", "setup two"]

    asyncio.run(use())
    assert told == ["setup one", "setup two", "close two", "close one"]


def test_an_agent_with_an_asynchronous_setup_needs_an_asynchronous_runtime():
    with runtime_of(counted("one", [], waits=True)) as runtime:
        plan = runtime.compile("own.one")
        with pytest.raises(
            AgentError, match=r"agent 'own.one' is set up or closed asynchronously, .* with arun"
        ):
            runtime.run(plan, Decimal(1))


@pytest.mark.parametrize("waits", [False, True])
def test_every_agent_is_closed_though_some_cannot_be(waits):
    told = []

    async def use():
        agents = [counted(name, told, waits=waits, fails=name != "two") for name in ("one", "two", "three")]
        runtime = runtime_of(*agents)
        await runtime.arun(runtime.compile("own.one >> own.two >> own.three"), Decimal(1))
        await runtime.aclose()

    with pytest.raises(AgentError) as failure:
        asyncio.run(use())
    assert [line for line in told if line.startswith("close")] == ["close three", "close two", "close one"]
    assert str(failure.value).startswith(
        "agent 'own.three' could not be closed: OSError: three hangs; agent 'own.one'"
    )


def test_two_runtimes_share_an_agent_until_both_are_closed():
    told = []
    agent = counted("one", told)
    first, second = runtime_of(agent), runtime_of(agent)
    for runtime in (first, second):
        runtime.run(runtime.compile("own.one"), Decimal(1))
    first.close()
    assert told == ["setup one"]
    second.close()
    assert told == ["setup one", "close one"]


def test_a_closed_runtime_runs_nothing():
    runtime = runtime_of(counted("one", []))
    plan = runtime.compile("own.one")
    runtime.close()
    with pytest.raises(InputError, match="this runtime is closed; make another one"):
        runtime.run(plan, Decimal(1))


def test_an_execution_is_proved_the_same_waiting_or_not():
    with runtime_of(counted("one", [])) as runtime:
        plan = runtime.compile("own.one")
        execution = runtime.execute(plan, Decimal("1.5"), tenant="acme")
        again = asyncio.run(runtime.aexecute(plan, Decimal("1.5")))
    assert execution.value == Decimal("2.5")
    assert execution.record.result_hash == again.record.result_hash
    assert (execution.record.tenant, again.record.tenant) == ("acme", "default")


def test_a_float_is_refused_at_this_door_too():
    with (
        runtime_of(counted("one", [])) as runtime,
        pytest.raises(InputError, match=r"write Decimal\('0.1'\)"),
    ):
        runtime.run(runtime.compile("own.one"), 0.1)
