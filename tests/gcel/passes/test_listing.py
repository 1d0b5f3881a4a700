"""What gives its items once: nobody who reads it finds items missing."""

import asyncio

import pytest

import greenlang as gl
from greenlang.agents import agent
from greenlang.errors import StepError

FAILURES = []


@agent(name="once.same", version="1.0.0")
def same(x):
    return x


@agent(name="once.later", version="1.0.0")
async def later(x):
    await asyncio.sleep(0)
    return x


@agent(name="once.fail", version="1.0.0")
def fail(x):
    """Fails at the second item, the first time."""
    if x == 2 and FAILURES:
        raise FAILURES.pop()
    return x


@agent(name="once.some", version="1.0.0")
def some(x) -> bool:
    return bool(list(x))


@agent(name="once.given", version="1.0.0", effects=["pure"])
def given(_):
    return iter([1, 2, 3])


@agent(name="once.name", version="1.0.0")
def name(x: int) -> str:
    return {3: "three"}[x]


@agent(name="once.listed", version="1.0.0")
def listed(x) -> list[int]:
    return list(x)


def runs_of(graph, value):
    """What a plan gives in place, in an event loop, and as plain Python."""
    plan = gl.compile(graph)
    space = {}
    for start in (plan.run, lambda value: asyncio.run(plan.arun(value))):
        FAILURES[:] = [OSError("once")]
        yield start(value())
    FAILURES[:] = [OSError("once")]
    exec(plan.to_python(), space)  # noqa: S102  what the plan says of itself
    given = space["run"](value())
    yield asyncio.run(given) if plan.is_async else given


@pytest.mark.parametrize("step", [same, later])
@pytest.mark.parametrize(
    "graph",
    [
        lambda step: (gl.identity * step) | (gl.identity & gl.count),
        lambda step: (gl.identity & gl.sum) | (gl.identity * step) | gl.sort,
        lambda step: given >> (gl.sum | gl.map(step)),
        lambda step: (given * step) | (given & gl.max),
        lambda step: given >> gl.group(gl.map(step) | gl.count),
        lambda step: gl.branch(a=gl.group(gl.map(step) >> gl.sum), b=gl.sum),
        lambda step: gl.identity * (fail >> step) >> gl.retry(1, base=0),
        lambda step: gl.group(gl.map(fail >> step) >> gl.sum) >> gl.retry(1, base=0),
        lambda step: gl.identity * (fail >> step) >> gl.catch(gl.get("input") >> gl.count),
        lambda step: gl.when(gl.map(step) >> some, gl.sum, 0),
        lambda step: gl.route(gl.map(step) >> gl.count >> name, three=gl.sum),
    ],
    ids=range(11),
)
def test_an_iterator_gives_what_a_list_gives(graph, step):
    made = graph(step)
    from_a_list = list(runs_of(made, lambda: [1, 2, 3]))
    assert list(runs_of(made, lambda: iter([1, 2, 3]))) == from_a_list
    assert from_a_list[0] == from_a_list[1] == from_a_list[2]


def test_an_iterator_with_one_reader_stays_one():
    for graph in (
        gl.identity * same,
        given * same >> gl.monitor(sla=1),
        given * same >> gl.catch(0),
        same >> (later | same),
        listed >> (gl.sum | gl.count),
        gl.group(gl.map(same)) >> gl.catch(0),
    ):
        assert "as list" not in gl.compile(graph).explain(planned=True)


def test_items_that_come_asynchronously_cannot_come_twice():
    async def numbers():
        yield 1

    for graph in (
        (gl.identity * later) | (gl.identity * later),
        gl.identity * later >> gl.retry(1),
    ):
        with pytest.raises(
            StepError, match="come once, and here they are wanted more than once; let an agent"
        ):
            asyncio.run(gl.compile(graph).arun(numbers()))
    assert asyncio.run(gl.compile(gl.identity * later >> gl.catch(0)).arun(numbers())) == [1]
