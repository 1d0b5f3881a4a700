"""Modifiers (docs/gcel.md, 5)."""

import asyncio
import itertools
from decimal import Decimal

import pytest

import greenlang as gl
from greenlang.agents import agent

from ..conftest import text

D = Decimal


@pytest.mark.rule("5.1", "5.2")
def test_a_modifier_covers_one_step(registry):
    """A modifier follows a step with `>>` and covers that one step; on `xs * f` it covers the map."""
    plan = gl.compile("acme.numbers * acme.double >> retry(1)", registry=registry)
    first, mapped = plan.programs[0].steps
    assert (first.modifiers, [each.name for each in mapped.modifiers]) == ((), ["retry"])


@pytest.mark.rule("5.4")
def test_modifiers_nest_in_written_order_each_kind_once(registry, refusals):
    """Modifiers nest in written order, the first innermost; each kind at most once a step."""
    plan = gl.compile("acme.later >> timeout(1) >> retry(2)", registry=registry)
    assert [each.name for each in plan.programs[0].steps[0].modifiers] == ["timeout", "retry"]
    assert "covers this step twice" in refusals("acme.double >> retry(1) >> retry(2)")[0]


@pytest.mark.rule("5.5")
def test_catch(run):
    """`catch(handler)`: on an error, `handler` gets `{error, input}` and its output goes on."""
    assert run('acme.refuse >> catch(get("input")) >> acme.double', D(4)) == 8


@pytest.mark.rule("5.7", "5.8")
def test_retry(registry):
    """`retry(n, …)`: up to n tries after the first. Bugs are not retried unless named."""
    tried = []

    @agent(name="test.fail", version="1.0.0")
    def fail(kind):
        tried.append(kind)
        raise kind

    for kind, modifier, times in [
        (OSError, gl.retry(2, base=0), 3),
        (TypeError, gl.retry(2, base=0), 1),
        (TypeError, gl.retry(2, base=0, on=["TypeError"]), 3),
    ]:
        tried.clear()
        with pytest.raises(kind):
            gl.compile(fail >> modifier).run(kind)
        assert len(tried) == times


@pytest.mark.rule("5.9")
def test_timeout(registry, refusals):
    """`timeout(seconds)`: on a synchronous step that runs in place it is refused."""
    assert "cannot be interrupted" in refusals("acme.double >> timeout(1)")[0]

    @agent(name="test.sleep", version="1.0.0", effects=["io"])
    async def sleep(seconds):
        await asyncio.sleep(seconds)

    with pytest.raises(TimeoutError):
        gl.compile(sleep >> gl.timeout(D("0.01"))).run(5)


@pytest.mark.rule("5.10")
def test_cache(refusals, registry):
    """`cache(ttl=seconds)`: stores successes of pure steps only."""
    assert "does not say that it is pure" in refusals("acme.later >> cache(ttl=1)")[0]
    gl.compile("acme.double >> cache(ttl=1)", registry=registry)


@pytest.mark.rule("5.14")
def test_words_of_options(same, refusals):
    """Options that take one of a few words take them as strings; bare words are also read where declared."""
    same("acme.text(style=loud)", 'acme.text(style="loud")', text(style="loud"))
    same("acme.later >> retry(3, backoff=linear)", 'acme.later >> retry(3, backoff="linear")')
    assert refusals("acme.text(tags=loud)")


@pytest.mark.rule("5.3")
@pytest.mark.parametrize(
    ("program", "covered"),
    [
        ("(acme.double >> acme.add) >> retry(1)", "acme.add"),
        ("x = acme.double >> acme.add\nmain = x >> retry(1)", "acme.add"),
        ("(acme.numbers & sum) >> retry(1)", "sum"),
    ],
)
def test_a_modifier_after_parentheses(registry, program, covered):
    """Right after a sequence in parentheses it covers the last step only, and a warning says so."""
    plan = gl.compile(program, registry=registry)
    (warning,) = plan.warnings
    assert warning.message == f"'retry' covers only the last step of the sequence before it, {covered}"
    assert warning.fix == "write group(…) around the sequence to cover all of it"
    assert [bool(step.modifiers) for step in plan.programs[0].steps] == [False, True]
    for plain in ["group(acme.double >> acme.add) >> retry(1)", "(acme.double) >> retry(1)"]:
        assert gl.compile(plain, registry=registry).warnings == ()


@pytest.mark.rule("5.6")
def test_what_was_caught_is_recorded(registry):
    """That something was caught is recorded with the result."""
    report = gl.Report()
    plan = gl.compile("acme.refuse >> catch(0)", registry=registry)
    assert [plan.run(D(x), report=report) for x in (3, 4)] == [3, 0]
    assert [(each.step, each.facts["error"]) for each in report.of("caught")] == [
        ("acme.refuse", "ValueError: no four")
    ]


@pytest.mark.rule("5.7")
@pytest.mark.parametrize(
    ("backoff", "waits"),
    [("exponential", [1, 2, 4, 5, 5]), ("linear", [1, 2, 3, 4, 5]), ("constant", [1, 1, 1, 1, 1])],
)
def test_back_off(backoff, waits):
    """The wait grows exponentially or linearly, or is constant; `max` is the longest."""
    clock, tried = gl.VirtualClock(), []

    @agent(name="test.fail", version="1.0.0")
    def fail(x):
        tried.append(clock.now())
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011  it says nothing
        gl.compile(fail >> gl.retry(5, backoff=backoff, base=1, max=5, jitter=False)).run(1, clock=clock)
    assert [round(later - sooner) for sooner, later in itertools.pairwise(tried)] == waits


def counting(log, name="test.count"):
    @agent(name=name, version="1.0.0", effects=["pure"])
    async def count(x):
        log.append(x)
        await asyncio.sleep(0)
        return len(log)

    return count


@pytest.mark.rule("5.11")
def test_what_is_kept_is_found_by_tenant_step_and_input():
    """The same input of the same step is found again, by the same tenant alone."""
    log = []
    count = counting(log)
    plan = gl.compile(count >> gl.cache(ttl=60))
    assert [plan.run(1), plan.run(1), plan.run(2)] == [1, 1, 2]
    assert plan.run(1, tenant="other") == 3
    assert gl.compile(counting(log) >> gl.cache(ttl=60)).run(1) == 4


@pytest.mark.rule("5.12")
def test_one_flight_at_a_time():
    """Of equal computations that are under way at once one is made, for every tenant."""
    log = []
    plan = gl.compile(gl.map(counting(log) >> gl.cache(ttl=60)))
    assert plan.run([7] * 10) == [1] * 10
    assert log == [7]


@pytest.mark.rule("5.13")
def test_monitor():
    """`monitor(sla=milliseconds)` tells the run's report when its step took longer."""
    clock = gl.VirtualClock()

    @agent(name="test.nap", version="1.0.0")
    async def nap(seconds):
        await asyncio.sleep(seconds)
        return seconds

    plan = gl.compile(nap >> gl.monitor(sla=1500))
    for seconds, late in [(1, []), (2, [2])]:
        report = gl.Report()
        assert plan.run(seconds, report=report, clock=clock) == seconds
        assert [round(each.facts["elapsed_s"]) for each in report.of("late")] == late
        assert {each.step for each in report.happenings} <= {"test.nap"}


@pytest.mark.rule("5.15")
def test_priority_and_deadline_belong_to_a_run(registry, refusals):
    """They are no part of a program, nor of its hash."""
    for word in ["priority", "deadline"]:
        assert f"there is no agent '{word}'" in refusals(f"acme.double >> {word}(1)")[0]
        assert f"has no option '{word}'" in refusals(f"acme.add({word}=1)")[0]
        assert f"has no option '{word}'" in refusals(f"acme.later >> retry(1, {word}=1)")[0]
    plan = gl.compile("acme.later", registry=registry)
    before = plan.hash, plan.to_json()
    plan.run(D(1), deadline=60)
    assert (plan.hash, plan.to_json()) == before
    assert set(plan.form()) == {"form", "agents", "programs", "resources"}
