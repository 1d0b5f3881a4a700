import asyncio
import copy
import pickle
from decimal import Decimal
from typing import Any

import pytest

from greenlang.agents import Agent, Example, Option, agent
from greenlang.errors import AgentError


@agent(name="acme.scale", version="1.0.0", effects={"pure", "calculates"})
def scale(value: Decimal, *, times: int, places: int = 2) -> Decimal:
    """Scale a number.

    More of it here.
    """
    return round(value * times, places)


def test_an_agent_is_still_the_function_it_was():
    assert scale(Decimal("1.5"), times=2) == Decimal("3.00")
    assert scale(value=Decimal("1.5"), times=2) == Decimal("3.00")
    assert scale.__name__ == "scale"
    assert scale.__doc__.startswith("Scale a number.")


@agent(name="acme.sum", version="1.0.0")
class Sum:
    def __call__(self, values: list[int]) -> int:
        return sum(values)


@pytest.mark.parametrize("made", [scale, Sum])
def test_an_agent_is_pickled_and_copied_as_the_function_it_was(made):
    assert pickle.loads(pickle.dumps(made)) is made  # noqa: S301  its own
    assert copy.deepcopy(made) is made


def test_an_async_agent_is_still_awaited():
    @agent(name="acme.wait", version="1.0.0", needs_task=True)
    async def wait(value: int) -> int:
        return value + 1

    assert wait.spec.is_async
    assert wait.spec.needs_task
    assert asyncio.run(wait(1)) == 2


def test_types_and_options_come_from_the_annotations():
    spec = scale.spec
    assert (spec.input_type, spec.output_type) == (Decimal, Decimal)
    assert spec.options == (Option("times", int, None, True), Option("places", int, 2, False))
    assert spec.effects == {"pure", "calculates"}
    assert spec.summary == "Scale a number."
    assert not spec.is_async


def test_a_missing_annotation_means_anything():
    @agent(name="acme.echo", version="1.0.0")
    def echo(value, *, twice=False):
        return value

    assert echo.spec.input_type is echo.spec.output_type is Any
    assert echo.spec.options == (Option("twice", Any, False, False),)
    assert echo.spec.effects == frozenset()


def test_annotations_may_be_texts():
    @agent(name="acme.late", version="1.0.0")
    def late(value: "Decimal | None") -> "list[Decimal]":
        return []

    assert late.spec.input_type == Decimal | None
    assert late.spec.output_type == list[Decimal]


def test_a_call_with_options_alone_configures_the_step():
    assert str(scale(times=3)) == "acme.scale(times=3)"
    assert scale(times=3).node.agent is scale


def test_an_agent_composes_and_pins():
    assert str(scale(times=3) >> scale.at("1.0")) == "acme.scale(times=3) >> acme.scale@1.0"
    assert (str(scale), repr(scale)) == ("acme.scale", "<agent acme.scale 1.0.0>")


@pytest.mark.parametrize(
    "name",
    ["double", "Acme.double", "acme.", ".double", "acme.do-uble", "acme..x", "acme.1x", "", None, "acme.x\n"],
)
def test_a_wrong_name_is_told_what_is_allowed(name):
    with pytest.raises(AgentError, match=r"cannot name an agent; write pack\.agent in lower case"):
        agent(name=name, version="1.0.0")


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "1.0.0-rc.1", "01.0.0", "1.0.0.dev1", "", 1, "1.0.0\n"])
def test_a_wrong_version_is_told_what_is_allowed(version):
    with pytest.raises(AgentError, match=r"is not an agent's version; write three numbers"):
        agent(name="acme.x", version=version)


def no_input():
    return 1


def keyword_input(*, value):
    return value


def two_inputs(value, other):
    return value


def variadic(value, *others, **options):
    return value


def yields(value):
    yield value


async def yields_async(value):
    yield value


def unreadable(value: "NoSuchType"):  # noqa: F821 - the missing name is the point
    return value


class Callable:
    def __call__(self, value):
        return value


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (no_input, "takes no input; give it one positional parameter"),
        (keyword_input, "takes no input"),
        (two_inputs, r"takes other beside its input value; write `\*, other`"),
        (variadic, r"takes \*others, \*\*options; name each option"),
        (yields, "yields, but a step gives one value; return a list"),
        (yields_async, "yields"),
        (unreadable, "an annotation of agent 'acme.x' cannot be read: name 'NoSuchType' is not defined"),
        (Callable(), "is neither a function nor a class"),
        (scale, "is neither a function nor a class"),
    ],
)
def test_a_function_that_cannot_be_a_step_is_refused(function, told):
    with pytest.raises(AgentError, match=told):
        agent(name="acme.x", version="1.0.0")(function)


@pytest.mark.parametrize(
    ("effects", "told"),
    [
        ({"magic"}, "declares the effect magic; declare some of pure, io, llm, random, clock, calculates"),
        ({"pure", "io"}, "declares pure and io, which exclude each other; leave out 'pure'"),
        ([3], "declares the effect 3"),
    ],
)
def test_effects_are_checked(effects, told):
    with pytest.raises(AgentError, match=told):
        agent(name="acme.x", version="1.0.0", effects=effects)


def test_one_effect_may_stand_alone():
    assert agent(name="acme.x", version="1.0.0", effects="pure")(two := lambda value: value).spec.effects == {
        "pure"
    }
    assert isinstance(two, type(lambda: None))


def test_blocking_is_for_synchronous_and_tasks_for_asynchronous_agents():
    async def waits(value):
        return value

    def works(value):
        return value

    with pytest.raises(AgentError, match="asynchronous and blocking"):
        agent(name="acme.x", version="1.0.0", blocking=True)(waits)
    with pytest.raises(AgentError, match="needs a task but is synchronous"):
        agent(name="acme.x", version="1.0.0", needs_task=True)(works)
    assert isinstance(agent(name="acme.x", version="1.0.0", blocking=True)(works), Agent)


def test_examples_stand_beside_the_agent():
    @agent(name="acme.times", version="1.0.0", examples=[Example(2, 6, options={"times": 3})])
    def multiply(value: int, *, times: int) -> int:
        return value * times

    (example,) = multiply.spec.examples
    assert multiply.spec.function(example.input, **example.options) == example.output


@pytest.mark.parametrize(
    ("example", "told"),
    [
        ((2, 6), r"example 1 of agent 'acme.times' is \(2, 6\); write Example\(input, output\)"),
        (Example(2, 6), "does not set times; give its required options"),
        (Example(2, 6, options={"times": 3, "place": 2}), "sets place, which is no option of it"),
    ],
)
def test_an_example_that_cannot_be_run_is_refused(example, told):
    with pytest.raises(AgentError, match=told):

        @agent(name="acme.times", version="1.0.0", examples=[example])
        def multiply(value: int, *, times: int) -> int:
            return value * times
