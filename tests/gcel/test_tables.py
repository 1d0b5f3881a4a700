"""Tables and columns in programs: run over row by row, joined end to end."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import greenlang as gl
from greenlang.agents import agent
from greenlang.carbon.tables import Table
from greenlang.errors import DataError, GcelError, StepError
from greenlang.gcel.tables import RowTable
from greenlang.gcel.types import is_list, item_type
from greenlang_core import DecimalColumn

D = Decimal
METERS = Table.from_rows("meters.csv", ["site", "kwh"], [["north", "10"], ["south", "2.5"], ["north", "1"]])
OTHERS = Table.from_rows("others.csv", ["kwh", "site"], [["7", "east"]])


@agent(name="meter.energy", version="1.0.0", effects=["pure"])
def energy(row: dict[str, str]) -> Decimal:
    if row["kwh"] == "7":
        raise ValueError("broken meter")
    return Decimal(row["kwh"])


@agent(name="meter.is_north", version="1.0.0", effects=["pure"])
def is_north(row: dict[str, str]) -> bool:
    return row["site"] == "north"


@agent(name="meter.read", version="1.0.0", effects=["io"])
def read(name: str) -> Table:
    return METERS


@agent(name="meter.read_more", version="1.0.0", effects=["io"])
def read_more(name: str) -> Table:
    return OTHERS


@agent(name="meter.rows", version="1.0.0", effects=["pure"])
def rows(table: Table) -> int:
    return len(table)


@agent(name="meter.text", version="1.0.0", effects=["pure"])
def text(x: str) -> str:
    return x


@agent(name="meter.column", version="1.0.0", effects=["io"])
def column(name: str) -> DecimalColumn:
    return DecimalColumn.from_decimals([D(3), D("1.50"), D(2)], 2)


REGISTRY = gl.Registry([energy, is_north, read, read_more, rows, text, column])


def run(program, value=None):
    return gl.compile(program, registry=REGISTRY).run(value)


class Pairs:
    """The least that a table is."""

    def __init__(self, *numbers):
        self.numbers = numbers

    def __len__(self):
        return len(self.numbers)

    def __iter__(self) -> Iterator[dict[str, int]]:
        return iter({"n": number} for number in self.numbers)

    def joined(self, others):
        return Pairs(*self.numbers, *(number for other in others for number in other.numbers))


# Run over


@pytest.mark.rule("3.13")
def test_a_map_over_a_table_runs_over_its_rows_in_order():
    assert run("identity * meter.energy", METERS) == [D(10), D("2.5"), D(1)]
    assert run("meter.read * meter.energy & sum") == D("13.5")
    assert run('identity * get("n")', Pairs(1, 2)) == [1, 2]


def test_a_filter_keeps_rows():
    assert run("meter.read / meter.is_north") == [
        {"site": "north", "kwh": "10"},
        {"site": "north", "kwh": "1"},
    ]


def test_the_row_that_fails_is_named():
    with pytest.raises(ValueError, match="broken meter") as caught:
        run("(meter.read | meter.read_more) >> merge * meter.energy", "all")
    assert "map[3] > meter.energy" in caught.value.__notes__[0]


def test_built_ins_run_over_rows():
    assert run('count | (sort("kwh") >> first) | last', METERS) == [
        3,
        {"site": "north", "kwh": "1"},
        {"site": "north", "kwh": "1"},
    ]
    assert {site: len(found) for site, found in run('group_by("site")', METERS).items()} == {
        "north": 2,
        "south": 1,
    }


def test_rows_are_pulled_one_at_a_time():
    plan = gl.compile("identity * meter.energy", registry=REGISTRY)
    assert next(plan.each(METERS)) == D(10)


@pytest.mark.rule("3.13")
def test_a_column_is_a_list_of_its_numbers():
    assert run("meter.column & sort") == [D("1.50"), D("2.00"), D("3.00")]
    assert run("meter.column & (sum | count | min | max | mean(3))") == [
        D("6.50"),
        3,
        D("1.50"),
        D("3.00"),
        D("2.167"),
    ]


@pytest.mark.parametrize(
    ("values", "program", "result"),
    [
        ([], "sum", 0),
        ([], "count", 0),
        ([], "min", StepError),
        ([D(1), None], "sum", StepError),
        ([D(1), None], "count", 2),
        ([D(9) * 10**37] * 9, "sum", 9 * D(9) * 10**37),
    ],
)
def test_an_aggregate_of_a_column_is_that_of_its_list(values, program, result):
    given = DecimalColumn.from_decimals(values, 0, nulls=True)
    for value in [given, given.to_decimals()]:
        if result is StepError:
            with pytest.raises(StepError):
                run(program, value)
        else:
            assert run(program, value) == result
            assert type(run(program, value)) is type(result)


# Joined


@pytest.mark.rule("4.5")
def test_merge_puts_tables_end_to_end():
    joined = run("(meter.read | meter.read_more) >> merge")
    assert list(joined) == [*METERS, {"site": "east", "kwh": "7"}]
    assert [joined.line(row) for row in range(4)] == [2, 3, 4, 2]
    assert joined.name == "meters.csv and others.csv"
    assert run("merge", [Pairs(1), Pairs(2, 3)]).numbers == (1, 2, 3)


def test_merge_of_tables_and_lists_is_a_list():
    assert run("merge", [OTHERS, [5], DecimalColumn.from_integers([1], 0)]) == [
        {"site": "east", "kwh": "7"},
        5,
        D(1),
    ]


def test_widths_of_rows_stay_with_their_rows():
    short = Table("short.csv", OTHERS.columns, widths={0: 1})
    assert METERS.joined([short]).widths == {3: 1}
    assert METERS.joined([short]).problem(3, "kwh", "wrong").row == 2


def test_tables_with_other_columns_are_refused():
    wider = Table.from_rows("wider.csv", ["site", "kwh", "note"], [["a", "1", ""]])
    with pytest.raises(
        DataError, match=r"wider\.csv, row 1, column 'note': the column is not in meters\.csv"
    ):
        run("merge", [METERS, wider])
    with pytest.raises(DataError, match=r"meters\.csv, row 1, column 'note': the column is missing"):
        run("merge", [wider, METERS])


# Types


def test_what_is_a_table_is_told_by_its_methods_alone():
    assert isinstance(METERS, RowTable)
    assert isinstance(Pairs(), RowTable)
    assert not isinstance([], RowTable)
    assert not isinstance({}, RowTable)


@pytest.mark.parametrize(
    ("kind", "item"), [(Table, dict[str, str]), (Pairs, dict[str, int]), (DecimalColumn, Decimal)]
)
def test_the_checker_knows_what_is_in_a_table_or_a_column(kind, item):
    assert is_list(kind)
    assert item_type(kind) == item


def test_edges_from_tables_are_checked():
    for program, message in [
        (
            "meter.read * meter.text",
            r"'meter\.text' takes str, and an item of 'meter\.read' .* dict\[str, str\]",
        ),
        ("meter.column * meter.text", r"'meter\.text' takes str, and an item of 'meter\.column' .* Decimal"),
    ]:
        with pytest.raises(GcelError, match=message):
            gl.compile(program, registry=REGISTRY)
    plan: Any = gl.compile("(meter.read | meter.read_more) >> merge >> meter.rows", registry=REGISTRY)
    assert plan.run("") == 4
