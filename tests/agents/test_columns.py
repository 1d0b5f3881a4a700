"""The columnar form of an agent: what it may be, and what is refused at definition."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from greenlang.agents import agent
from greenlang.errors import AgentError
from greenlang_core import DecimalColumn


def scale():
    @agent(name="acme.scale", version="1.0.0", effects={"pure"})
    def scale(value: Decimal, *, times: int = 2) -> Decimal:
        return value * times

    return scale


def test_the_form_is_part_of_the_contract_and_still_the_function_it_was():
    agent_ = scale()

    @agent_.columns
    def scale_columns(values: DecimalColumn, *, times: int = 2) -> DecimalColumn:
        return values * times

    assert agent_.spec.columns.function is scale_columns
    assert agent_.spec.columns.takes is DecimalColumn
    assert scale_columns(DecimalColumn.from_integers([1], 0), times=3).to_decimals() == [3]


def test_collections_of_other_classes_are_told_by_their_class():
    agent_ = scale()

    @agent_.columns
    def scale_list(values: list[Decimal], *, times: int = 2) -> list[Decimal]:
        return [value * times for value in values]

    assert agent_.spec.columns.takes is list


def plain(values: DecimalColumn, *, times: int = 2) -> Any: ...
def other_default(values: DecimalColumn, *, times: int = 3) -> Any: ...
def other_option(values: DecimalColumn, *, scale: int = 2) -> Any: ...
def untyped(values, *, times: int = 2) -> Any: ...
def anything(values: Any, *, times: int = 2) -> Any: ...
def endless(values: Iterator[Decimal], *, times: int = 2) -> Any: ...
async def waiting(values: DecimalColumn, *, times: int = 2) -> Any: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (other_default, "has other options than the agent; give it the same keyword-only parameters"),
        (other_option, "has other options than the agent"),
        (untyped, "does not say which collections it takes; annotate its input with a class"),
        (anything, "does not say which collections it takes"),
        (endless, "does not say which collections it takes"),
        (waiting, "is not a plain function"),
        (len, "is not a plain function; put @scale.columns on a function made with def"),
    ],
)
def test_a_function_that_cannot_be_the_form_is_refused(function, message):
    with pytest.raises(AgentError, match=message):
        scale().columns(function)


def test_an_agent_has_one_form():
    agent_ = scale()
    agent_.columns(plain)
    with pytest.raises(AgentError, match="has a columnar form already; keep one of the two"):
        agent_.columns(plain)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"effects": {"io"}}, "does not say that it is pure; declare effects"),
        ({"effects": {"pure"}, "blocking": True}, "waits for something"),
    ],
)
def test_only_a_pure_agent_that_does_not_wait_has_one(options, message):
    @agent(name="acme.scale", version="1.0.0", **options)
    def scale(value: Decimal, *, times: int = 2) -> Decimal: ...

    with pytest.raises(AgentError, match=message):
        scale.columns(plain)
