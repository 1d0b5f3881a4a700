"""Steps and the two faces (docs/gcel.md, 1 and 2)."""

from decimal import Decimal

import pytest

import greenlang as gl

from ..conftest import add, double, numbers

D = Decimal


@pytest.mark.rule("1.1", "1.2")
def test_two_faces_one_meaning(same):
    """both build the same `Graph`, print to the same canonical text, and compile to the same `Plan`."""
    graph = numbers * double & gl.sum
    assert str(graph) == str(gl.parse("acme.numbers*acme.double&sum")) == "acme.numbers * acme.double & sum"
    assert graph == gl.parse(str(graph))
    same(graph, str(graph))


@pytest.mark.rule("2.2", "2.3")
def test_names(run, same):
    """A name refers to an agent (pinned: `agent@1.2`, `agent.at("1.2")`), a binding, or a built-in."""
    assert run("x = acme.double\nmain = x >> identity", D(2)) == 4
    same("acme.double@1.0", double.at("1.0"))


@pytest.mark.rule("2.4")
def test_configuration_is_part_of_the_hash(same, registry):
    """`agent(x=1)` configures an agent; configuration is part of the plan's hash."""
    same("acme.add(amount=2)", add(amount=2))
    compiled = [gl.compile(f"acme.add(amount={amount})", registry=registry) for amount in (2, 3)]
    assert compiled[0] != compiled[1]


@pytest.mark.rule("2.5")
def test_a_literal_is_a_constant_step(run):
    """A literal standing as a step is a constant step: it ignores its input."""
    assert run("acme.double >> 5", D(1)) == 5


@pytest.mark.rule("2.6")
def test_operators_between_literals(refusals):
    """Operators between literals alone are refused (GCEL composes; formulas compute)."""
    for operator in [">>", "|", "&", "*", "/"]:
        assert "between two literals" in refusals(f"1 {operator} 2")[0]


@pytest.mark.rule("2.1")
def test_one_value_in_and_one_out(run):
    """A step takes one value and gives one value, whatever the value is."""
    for value in [None, 1, "text", [1, [2]], {"a": 1}, object()]:
        assert run("identity >> acme.any", value) is value
