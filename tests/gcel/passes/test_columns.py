"""Maps by columns: the same results as item by item, the same item that fails, one call instead of many."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

import greenlang as gl
from greenlang.agents import agent
from greenlang.errors import StepError
from greenlang.gcel.passes import PASSES, Wiring
from greenlang.gcel.plan import Plan
from greenlang.gcel.steps import MapStep
from greenlang_core import DecimalColumn

D = Decimal
CALLS = []


@agent(name="c.double", version="1.0.0", effects=["pure"])
def double(x: Decimal) -> Decimal:
    CALLS.append("double")
    return x * 2


@double.columns
def double_columns(xs: DecimalColumn) -> DecimalColumn:
    CALLS.append("double by columns")
    return xs * 2


@agent(name="c.add", version="1.0.0", effects=["pure"])
def add(x: Decimal, *, amount: Decimal = Decimal("0.5")) -> Decimal:
    if x > 100:
        raise ValueError(f"{x} is too much")
    return x + amount


@add.columns
def add_columns(xs: DecimalColumn, *, amount: Decimal = Decimal("0.5")) -> DecimalColumn:
    if len(xs) and xs.max() > 100:
        raise ValueError("one of them is too much")
    return xs + amount


@agent(name="c.less", version="1.0.0", effects=["pure"])
def less(x: Decimal) -> Decimal:
    return x - 1


@agent(name="c.text", version="1.0.0", effects=["pure"])
def text(x: Decimal) -> str:
    return str(x)


@text.columns
def text_columns(xs: DecimalColumn) -> list[str]:
    return xs.to_strings()


@agent(name="c.lies", version="1.0.0", effects=["pure"])
def lies(x: Decimal) -> Decimal:
    return x


@lies.columns
def lies_columns(xs: DecimalColumn) -> DecimalColumn:
    return xs[:1]


@agent(name="c.later", version="1.0.0", effects=["io"])
async def later(x: Any) -> Any:
    await asyncio.sleep(0)
    return x


@agent(name="c.message", version="1.0.0", effects=["pure"])
def message(failure: dict[str, Any]) -> str:
    return str(failure["error"]["message"])


REGISTRY = gl.Registry([double, add, less, text, lies, later, message])


def compiled(program):
    return gl.compile(program, registry=REGISTRY)


def wiring(plan):
    return Wiring(plan.programs, plan.origins, plan.agents, plan.resources)


def maps(made):
    return [
        (step.columnar, step.column_kept)
        for program in made.programs
        for step in program.steps
        if isinstance(step, MapStep)
    ]


def after(program):
    return PASSES["use columns"](wiring(compiled(program)))


def column(values, scale=2):
    return DecimalColumn.from_decimals(values, scale)


# The pass


@pytest.mark.parametrize(
    ("program", "marked"),
    [
        ("identity * c.double", [(True, False)]),
        ("identity * (c.double >> c.add(amount=2))", [(True, False)]),
        ("identity * c.double & sum", [(True, True)]),
        ("identity * c.double * c.add & mean(2)", [(True, True), (True, True)]),
        ("identity * c.double * c.less", [(True, False), (False, False)]),
        ("identity * c.less * c.double", [(False, False), (True, False)]),
        ("x = identity * c.double\nmain = (x & sum) | (x & max)", [(True, True), (True, True)]),
        ("identity * c.double & first", [(True, False)]),
        ("identity * (c.double | c.add)", [(False, False)]),
        ("identity * (c.double >> c.less)", [(False, False)]),
        ("identity * (c.add >> catch(0))", [(False, False)]),
        ("identity * c.double >> retry(1)", [(False, False)]),
        ("identity * 5", [(False, False)]),
    ],
)
def test_maps_over_agents_with_a_columnar_form_are_marked(program, marked):
    assert maps(after(program)) == marked


def test_maps_by_columns_are_fused_among_themselves():
    made = compiled("identity * c.double * c.add * c.less * c.less * c.double").planned.wiring
    assert maps(made) == [(True, False), (False, False), (True, False)]


def test_the_pass_is_explained_and_hashed_nowhere():
    plan = compiled("identity * c.double * c.less")
    assert "use columns" in plan.explain()
    assert "map by columns" in plan.explain()
    assert "map by columns" not in plan.explain().partition("planned")[0]
    assert b"columnar" not in plan.to_json()


# Runs


@pytest.mark.rule("9.6")
def test_a_column_is_one_call_and_a_list_is_one_a_item():
    plan = compiled("identity * c.double")
    CALLS.clear()
    assert plan.run(column([D(1), D("2.50")])) == [D(2), D(5)]
    assert CALLS == ["double by columns"]
    CALLS.clear()
    assert plan.run([D(1), D("2.50")]) == [D(2), D(5)]
    assert CALLS == ["double", "double"]


def test_a_column_goes_from_map_to_aggregate_as_it_is():
    plan = compiled("identity * c.double * c.add & sum")
    CALLS.clear()
    assert plan.run(column([D(1), D("2.50")])) == D("8.00")
    assert CALLS == ["double by columns"]


def test_the_item_that_fails_is_named_as_without_columns():
    plan = compiled("identity * c.double * c.add & sum")
    with pytest.raises(ValueError, match=r"102\.00 is too much") as caught:
        plan.run(column([D(1), D(51), D(60)]))
    assert "(map[1] > c.add)" in caught.value.__notes__[0]
    caught_plan = compiled("group(identity * c.add) >> catch(c.message)")
    assert caught_plan.run(column([D(1), D(101)])) == "101.00 is too much"


def test_nulls_are_the_agents_to_judge_item_by_item():
    with pytest.raises(TypeError) as caught:
        compiled("identity * c.double").run(DecimalColumn.from_decimals([D(1), None], 0, nulls=True))
    assert "map[1]" in caught.value.__notes__[0]


def test_a_form_that_gives_another_number_of_items_is_refused():
    with pytest.raises(
        StepError, match=r"the columnar form of agent 'c\.lies' gives 1 items for 2; let it give one item"
    ):
        compiled("identity * c.lies").run(column([D(1), D(2)]))


def test_plans_that_wait_run_by_columns_too():
    plan = compiled("c.later * c.double >> c.later & sum")
    CALLS.clear()
    assert plan.run(column([D(1), D(2)])) == D("6.00")
    assert CALLS == ["double by columns"]


def test_a_plan_that_says_so_of_agents_without_the_form_runs_item_by_item():
    plan = compiled("identity * c.less")
    (step,) = (program := plan.programs[0]).steps
    marked = structs.replace(program, steps=(structs.replace(step, columnar=True),))
    changed = Plan(
        (marked, plan.programs[1]), plan.origins, plan.agents, plan.codes, plan.resources, plan.types
    )
    assert changed.run(column([D(3)])) == [D("2.00")]


# The same, whatever comes


def bits(value):
    """A result with the type and every digit of each number."""
    if isinstance(value, list | tuple):
        return [bits(item) for item in value]
    return type(value).__name__, str(value)


def outcome(run, value):
    try:
        return bits(run(value))
    except Exception as error:
        return type(error).__name__, str(error)


programs = st.lists(
    st.sampled_from(
        [" * c.double", " * c.add", " * c.add(amount=-3.125)", " * c.less", " * (c.double >> c.add)"]
    ),
    min_size=1,
    max_size=4,
).flatmap(
    lambda chain: st.sampled_from(
        ["", " & sum", " & count", " & min", " & max", " & mean(3)", " * c.text", " & sort", " & first"]
    ).map(lambda last: "identity" + "".join(chain) + last)
)

columns = st.integers(0, 6).flatmap(
    lambda scale: st.lists(
        st.integers(-(10**9), 10**9).map(lambda units: Decimal(units).scaleb(-scale))
        | st.integers(-300, 300).map(Decimal)
        | st.just(Decimal(10) ** 30),
        max_size=8,
    ).map(lambda values: DecimalColumn.from_decimals(values, scale))
)


@settings(max_examples=400, deadline=None)
@given(programs, columns)
@pytest.mark.rule("9.6")
def test_columns_and_items_give_the_same_to_the_last_digit_and_fail_alike(program, values):
    by_columns = compiled(program)
    by_items = gl.compile(program, registry=PLAIN)
    given, singly = outcome(by_columns.run, values), outcome(by_items.run, values)
    assert given == outcome(by_columns.run, values.to_decimals())
    namespace = {}
    exec(compile(by_columns.to_python(), "<plan>", "exec"), namespace)  # noqa: S102  what it is for
    straight = outcome(namespace["run"], values)
    # Where maps are made one, each item goes through all of them, and another may be the first to fail.
    if given[:1] == ("ValueError",):
        assert singly[:1] == straight[:1] == given[:1]
    else:
        assert singly == straight == given


def without_columns(each):
    return type(each)(replace(each.spec, columns=None))


PLAIN = gl.Registry([without_columns(each) for each in [double, add, less, text, lies, later, message]])


@pytest.mark.rule("9.3")
def test_the_identity_of_code_covers_both_forms():
    for name, same in [("c.double", False), ("c.less", True)]:
        both, one = REGISTRY.resolve(name), PLAIN.resolve(name)
        assert (REGISTRY.code_identity(both) == REGISTRY.code_identity(one)) == same


def test_a_columnar_form_with_a_closure_makes_a_plan_not_portable():
    bound = 1

    @agent(name="c.loose", version="1.0.0", effects=["pure"])
    def loose(x: int) -> int:
        return x

    assert gl.compile(loose).portable

    @loose.columns
    def loose_columns(xs: list[int]) -> list[int]:
        return [x * bound for x in xs]

    assert not gl.compile(loose).portable
