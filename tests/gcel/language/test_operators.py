"""Operators (docs/gcel.md, 3)."""

from decimal import Decimal

import pytest

import greenlang as gl

from ..conftest import above, add, anything, double, numbers

D = Decimal


@pytest.mark.rule("3.1")
def test_map(run, same):
    """`xs * f` map: run `xs`, which gives a list or a table; `f` on each item; keeps order."""
    assert run("acme.numbers * acme.double", 4) == [0, 2, 4, 6]
    same("acme.numbers * acme.double", numbers * double)


@pytest.mark.rule("3.2")
def test_filter(run, same):
    """`xs / p` filter: keep the items for which `p` is true."""
    assert run("acme.numbers / acme.above(limit=1)", 4) == [2, 3]
    same("acme.numbers / acme.above(limit=1)", numbers / above(limit=1))


@pytest.mark.rule("3.3")
def test_sequence(run, same):
    """`a >> b` sequence: the output of `a` is the input of `b`."""
    assert run("acme.double >> acme.add", D(2)) == 5
    same("acme.double >> acme.add", double >> add)


@pytest.mark.rule("3.4")
def test_reduce(run, same, refusals):
    """`a & r` reduce: `r` takes the whole list that `a` gives."""
    assert run("acme.numbers & sum", 4) == 6
    assert "'&' takes a list" in refusals("acme.double & acme.add")[0]
    same("acme.numbers & sum", numbers & gl.sum)


@pytest.mark.rule("3.5")
def test_parallel(run, same):
    """`a | b` parallel: every branch gets the same input; gives the outputs in written order."""
    assert run("acme.double | acme.add | identity", D(2)) == [4, 3, 2]
    same("acme.double | acme.add", double | add)


@pytest.mark.rule("3.6")
def test_conditional(run, same):
    """`p ? a : b`: `p` sees the input; the chosen side gets that same input. In Python: `when(p, a, b)`."""
    program = "acme.above(limit=2) ? acme.double : acme.add"
    assert [run(program, D(3)), run(program, D(1))] == [6, 2]
    same(program, gl.when(above(limit=2), double, add))


@pytest.mark.rule("3.7")
def test_precedence_is_that_of_python(same):
    """Precedence and associativity are Python's, in both faces."""
    same(
        "acme.numbers * acme.double >> acme.any & count | acme.any",
        numbers * double >> anything & gl.count | anything,
        "(((acme.numbers * acme.double) >> acme.any) & count) | acme.any",
    )
    same("acme.any * acme.any / acme.any", "(acme.any * acme.any) / acme.any", anything * anything / anything)
    same("acme.any ? 1 : acme.any ? 2 : 3", "acme.any ? 1 : (acme.any ? 2 : 3)")


@pytest.mark.rule("3.8")
def test_parentheses_never_group(same, registry):
    """Parentheses only set precedence; they never group."""
    same("(acme.double >> acme.add) >> acme.double", "acme.double >> acme.add >> acme.double")


@pytest.mark.rule("3.9")
def test_flattening(run):
    """`>>` and `|` flatten on their left side; a parallel written on the right of another stays nested."""
    assert run("(1 | identity) | 3", 2) == [1, 2, 3]
    assert run("1 | (identity | 3)", 2) == [1, [2, 3]]
    assert gl.compile(gl.identity | (gl.identity | 3)).run(2) == [2, [2, 3]]


@pytest.mark.rule("3.10")
def test_group_groups(run, same):
    """What groups is `group(...)`, in both faces."""
    assert run("group(identity | 2) | 3", 1) == [[1, 2], 3]
    same("group(identity | 2) | 3", gl.group(gl.identity | 2) | 3)


@pytest.mark.rule("3.11")
def test_reduce_reads_both_ways(same):
    """`xs & sum >> fmt` means the same whether one reads it as `(xs & sum) >> fmt` or `xs & (sum >> fmt)`."""
    same(
        "(acme.numbers & sum) >> acme.text",
        "acme.numbers & (sum >> acme.text)",
        "acme.numbers & sum >> acme.text",
    )


@pytest.mark.rule("3.12")
def test_operators_as_steps(same):
    """`map(f)`, `filter(p)`, `reduce(r)` are the same three as steps, for use inside a sequence."""
    same("acme.numbers >> map(acme.double) >> reduce(sum)", "acme.numbers * acme.double & sum")
    same("acme.numbers >> filter(acme.above(limit=1))", numbers >> gl.filter(above(limit=1)))
    same(numbers >> gl.map(double) >> gl.reduce(gl.sum), numbers * double & gl.sum)
