"""Compares the columnar form of an agent with the agent: one column of the inputs of its examples."""

from __future__ import annotations

__all__ = ["columnar_findings"]

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from greenlang.agents import Agent, AgentSpec, Registry
from greenlang.packs.findings import Finding

_RULE = "agent.columns"


def columnar_findings(
    name: str, spec: AgentSpec, registry: Registry, runs_of_form: Callable[[], int]
) -> Iterator[Finding]:
    """What speaks against the columnar form of an agent.

    Parameters
    ----------
    runs_of_form : callable
        How often the form has given a column so far. A plan runs items one by one where the form raises, so
        that only this tells that it did.
    """
    from greenlang.gcel import compile as compile_program
    from greenlang.gcel import map as map_items
    from greenlang.ledger import canonical_bytes

    assert spec.columns is not None  # noqa: S101 - only such agents are asked
    if not spec.examples:
        fix = "give @agent some examples=[Example(input, output)]"
        yield Finding(_RULE, "it has no examples, on which its columnar form is compared", fix, name)
    for options, inputs in _by_options(spec):
        agent = Agent(spec)(**options) if options else Agent(spec)
        one = compile_program(agent, registry=registry)
        many = compile_program(map_items(agent), registry=registry)
        # Longer than the examples, in both orders: what it gives for an item does not depend on the others.
        items = [*inputs, *reversed(inputs)]
        before = runs_of_form()
        try:
            by_item = [one.run(item) for item in items]
            by_column = many.run(_column(spec.columns.takes, items))
        except Exception as error:  # foreign code may raise anything, and the kit tells of it
            yield Finding(_RULE, f"its columnar form fails: {error}", "mend it", name)
            continue
        if runs_of_form() == before:
            message = f"its columnar form gives no column for {len(items)} inputs of its examples"
            yield Finding(_RULE, message, "let it take whatever the agent takes", name)
        elif canonical_bytes(by_column) != canonical_bytes(by_item):
            message = "its columnar form gives other values than the agent for the inputs of its examples"
            yield Finding(_RULE, message, "compute the same, item by item", name)


def _by_options(spec: AgentSpec) -> list[tuple[Mapping[str, Any], list[Any]]]:
    """The inputs of the examples that set the same options."""
    groups: list[tuple[Mapping[str, Any], list[Any]]] = []
    for example in spec.examples:
        inputs = next((inputs for options, inputs in groups if options == example.options), None)
        if inputs is None:
            inputs = []
            groups.append((example.options, inputs))
        inputs.append(example.input)
    return groups


def _column(takes: type, items: Sequence[Any]) -> Any:
    from greenlang_core.decimals import DecimalColumn

    if takes is not DecimalColumn:
        return takes(items)
    numbers = [Decimal(item) for item in items]
    return DecimalColumn.from_decimals(numbers, max(0, *(-int(n.as_tuple().exponent) for n in numbers)))
