"""The words of the language in Python: `gl.sum`, `gl.branch({...})`, `when(test, yes, no)`.

They give the nodes that the text parser gives. A built-in stands for its step as it is (`xs & sum`) and is
called for its options (`mean(2)`), and so are modifiers (`step >> gl.retry(3)`).
"""

from __future__ import annotations

# ruff: noqa: A001  the words of the language are what they are

__all__ = [
    "BuiltinExpression",
    "branch",
    "cache",
    "catch",
    "count",
    "filter",
    "first",
    "get",
    "group",
    "group_by",
    "identity",
    "last",
    "map",
    "max",
    "mean",
    "merge",
    "min",
    "monitor",
    "reduce",
    "retry",
    "route",
    "sort",
    "sum",
    "timeout",
    "when",
]

from collections.abc import Mapping
from typing import final

from greenlang.agents.expressions import Expression, Graph, step_of
from greenlang.agents.places import Line, diagnose, gcel_error, here
from greenlang.agents.syntax import Argument, Call, call, conditional, literal


@final
class BuiltinExpression(Expression):
    """A step of the language's own, with or without options."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def node(self) -> Call:
        """The step without options."""
        return call(self._name)

    def __call__(self, *values: object, **options: object) -> Graph:
        """The step with options, by position or by name."""
        place = here(2)
        arguments = [Argument(None, literal(value, place), place) for value in values]
        arguments += [Argument(name, literal(value, place), place) for name, value in options.items()]
        return Graph(call(self._name, arguments=arguments, origin=place))

    def __str__(self) -> str:
        return self._name

    def __repr__(self) -> str:
        return f"<built-in {self._name}>"


identity = BuiltinExpression("identity")
sum = BuiltinExpression("sum")
count = BuiltinExpression("count")
min = BuiltinExpression("min")
max = BuiltinExpression("max")
mean = BuiltinExpression("mean")
first = BuiltinExpression("first")
last = BuiltinExpression("last")
sort = BuiltinExpression("sort")
group_by = BuiltinExpression("group_by")
get = BuiltinExpression("get")
merge = BuiltinExpression("merge")

retry = BuiltinExpression("retry")
timeout = BuiltinExpression("timeout")
cache = BuiltinExpression("cache")
monitor = BuiltinExpression("monitor")


def catch(handler: object, /) -> Graph:
    """`step >> catch(handler)`: on an error of the step, `handler` takes `{error, input}` and goes on."""
    return _with_step("catch", handler, here(2))


def when(test: object, yes: object, no: object) -> Graph:
    """`test ? yes : no`: `test` sees the input, and the chosen side gets that same input."""
    place = here(2)
    return Graph(conditional(step_of(test, place), step_of(yes, place), step_of(no, place), place))


def branch(branches: Mapping[str, object] | None = None, /, **named: object) -> Graph:
    """Parallel steps whose outputs make a record; names that are no identifiers are given in a dict."""
    place = here(2)
    arguments = _named("branch", branches, named, place)
    return Graph(call("branch", arguments=arguments, origin=place))


def route(key: object, routes: Mapping[str, object] | None = None, /, **named: object) -> Graph:
    """The one step that `key` names (a field, or a step that gives the name); `default` takes the rest."""
    place = here(2)
    arguments = [Argument(None, step_of(key, place), place), *_named("route", routes, named, place)]
    return Graph(call("route", arguments=arguments, origin=place))


def group(step: object, /) -> Graph:
    """Make one step of several."""
    return _with_step("group", step, here(2))


def map(step: object, /) -> Graph:
    """`xs * step`, as a step of its own: for use inside a sequence."""
    return _with_step("map", step, here(2))


def filter(test: object, /) -> Graph:
    """`xs / test`, as a step of its own: for use inside a sequence."""
    return _with_step("filter", test, here(2))


def reduce(step: object, /) -> Graph:
    """`xs & step`, as a step of its own: for use inside a sequence."""
    return _with_step("reduce", step, here(2))


def _with_step(name: str, step: object, place: Line) -> Graph:
    return Graph(call(name, arguments=[Argument(None, step_of(step, place), place)], origin=place))


def _named(
    word: str, given: Mapping[str, object] | None, named: Mapping[str, object], place: Line
) -> list[Argument]:
    if given is not None and not (
        isinstance(given, Mapping) and all(isinstance(name, str) for name in given)
    ):
        told = f"the branches of '{word}' are given by name, and these are not"
        raise gcel_error(
            [diagnose(place, told, 'write a dict of texts, {"natural gas": step}, or name=step')]
        )
    steps = {**(given or {}), **named}
    return [Argument(name, step_of(step, place), place) for name, step in steps.items()]
