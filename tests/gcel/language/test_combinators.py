"""Combinators and built-ins (docs/gcel.md, 4 and 6)."""

from decimal import Decimal

import pytest

import greenlang as gl
from greenlang.errors import StepError

from ..conftest import double

D = Decimal


@pytest.mark.rule("4.1", "4.2")
def test_branch(run, same):
    """`branch(name=step, …)`: gives a record `{name: output}`; no identifier: a string, or a dict."""
    assert run('branch("natural gas"=acme.double, b=identity)', D(1)) == {"natural gas": 2, "b": 1}
    same('branch("natural gas"=acme.double)', gl.branch({"natural gas": double}))


@pytest.mark.rule("4.3")
def test_route(run, same):
    """`route(key, name=step, …, default=step)`: `key` is a field's name or a step that gives a string."""
    program = 'route("kind", gas=get("n"), default=0)'
    assert [run(program, {"kind": kind, "n": 7}) for kind in ["gas", "coal"]] == [7, 0]
    assert run('route(acme.text, "1"=acme.double, "2"=identity)', D(1)) == 2
    same(program, gl.route("kind", gas=gl.get("n"), default=0))


@pytest.mark.rule("4.4")
def test_a_value_without_a_route(run):
    """A value with no route and no default is an error that names the value and the routes."""
    with pytest.raises(StepError, match=r'no route is named "coal"; the routes are "gas"'):
        run('route("kind", gas=identity)', {"kind": "coal"})


@pytest.mark.rule("4.5", "4.6")
def test_merge(run):
    """`merge`: records by key, lists and tables end to end; two different values for one key is an error."""
    assert run("branch(a=branch(x=1), b=branch(y=2)) >> merge") == {"x": 1, "y": 2}
    assert run("(identity | [2, 3]) >> merge", [1]) == [1, 2, 3]
    with pytest.raises(StepError, match="merge finds two values for 'x'"):
        run("(branch(x=1) | branch(x=2)) >> merge")


@pytest.mark.rule("6.1", "6.2", "6.3", "6.4", "6.5")
@pytest.mark.parametrize(
    ("program", "value", "result"),
    [
        ("identity", 1, 1),
        ("continue", 1, 1),
        ("sum", [D("0.1"), D("0.2")], D("0.3")),
        ("count", [1, 2], 2),
        ("min", [2, 1], 1),
        ("max", [2, 1], 2),
        ("mean(2)", [1, 2, 2], D("1.67")),
        ("mean(0)", [0, 1], 0),
        ("first", [1, 2], 1),
        ("last", [1, 2], 2),
        ("sort", [2, 1], [1, 2]),
        ('sort("n")', [{"n": 2}, {"n": 1}], [{"n": 1}, {"n": 2}]),
        ('group_by("k")', [{"k": "a"}, {"k": "b"}], {"a": [{"k": "a"}], "b": [{"k": "b"}]}),
        ('get("n")', {"n": 1}, 1),
        ("merge", [[1], [2]], [1, 2]),
    ],
)
def test_builtins(run, program, value, result):
    """Arithmetic ones are exact on decimals; `mean` rounds half-even to its declared places."""
    assert run(program, value) == result


@pytest.mark.rule("4.7")
def test_group_makes_one_step_of_several(run):
    """A modifier on a group covers all of its steps."""
    assert run("acme.refuse >> acme.double >> catch(0)", D(3)) == 6
    with pytest.raises(ValueError, match="no four"):
        run("acme.refuse >> acme.double >> catch(0)", D(4))
    assert run("group(acme.refuse >> acme.double) >> catch(0)", D(4)) == 0


@pytest.mark.rule("6.5")
def test_sums_are_exact_and_means_are_rounded_half_even(run):
    """No digit is lost in a sum, however far apart its items are; halves go to the even neighbour."""
    assert run("sum", [D("1e30"), D("1e-30")]) == D(
        "1000000000000000000000000000000.000000000000000000000000000001"
    )
    assert [run("mean(1)", [D(low), D(high)]) for low, high in [("0.1", "0.2"), ("0.2", "0.3")]] == [
        D("0.2"),
        D("0.2"),
    ]
