"""Wide tables: each cell becomes an activity, and its mistakes are told where they stand in the file."""

import io

import pytest

from greenlang.carbon import AccountingPolicy, InventoryInput, read_csv
from greenlang.carbon.agents import unpivot
from greenlang.errors import DataError, InputError

OPTIONS = {
    "id": "building",
    "columns": ["power_kbtu", "gas_kbtu"],
    "activities": ["Electricity", "Natural Gas"],
    "unit": "kBtu",
    "period": "2016",
}


def read(text: str, on_error: str = "stop", **changed: object):
    table = read_csv(io.BytesIO(text.encode()), name="wide.csv")
    given = InventoryInput(table, AccountingPolicy(on_error=on_error))
    return unpivot.spec.function(given, **{**OPTIONS, **changed})


def test_one_row_a_site_becomes_one_row_an_activity():
    data = read("building,year,power_kbtu,gas_kbtu\nB1,1990,10.5,20\nB2,1991,30,0\n")
    assert data.id.texts() == ["B1/Electricity", "B2/Electricity", "B1/Natural Gas", "B2/Natural Gas"]
    assert data.site.texts() == ["B1", "B2", "B1", "B2"]
    assert data.activity.texts() == ["Electricity", "Electricity", "Natural Gas", "Natural Gas"]
    assert [str(number.normalize()) for number in data.quantity.to_decimals()] == [
        "10.5",
        "3E+1",
        "2E+1",
        "0",
    ]
    assert {unit.symbol for unit in data.units.values()} == {"kBtu"}
    assert [data.table.line(row) for row in range(4)] == [2, 3, 2, 3]


def test_a_wrong_cell_is_told_by_the_column_that_it_stands_in():
    with pytest.raises(DataError) as refused:
        read("building,power_kbtu,gas_kbtu\nB1,10,20\nB2,30,4O\n,1,2\n")
    places = {(problem.row, problem.column) for problem in refused.value.problems}
    assert places == {(3, "gas_kbtu"), (4, "building")}
    assert len(refused.value.problems) == 2


def test_a_site_that_stands_twice_is_told_by_its_column():
    with pytest.raises(DataError, match=r"row 3, column 'building': id 'B1/Electricity' stands in row 2"):
        read("building,power_kbtu,gas_kbtu\nB1,10,20\nB1,30,40\n")


def test_under_skip_a_wrong_cell_leaves_the_others_of_its_row():
    data = read("building,power_kbtu,gas_kbtu\nB1,10,x\nB2,30,40\n", on_error="skip")
    assert data.usable.tolist() == [True, True, False, True]


def test_a_row_of_the_wrong_width_is_left_out_whole():
    data = read("building,power_kbtu,gas_kbtu\nB1,1,234,20\nB2,30,40\n", on_error="skip")
    assert data.usable.tolist() == [False, True, False, True]
    with pytest.raises(DataError) as refused:
        read("building,power_kbtu,gas_kbtu\nB1,1,234,20\nB2,30,40\n")
    (problem,) = refused.value.problems
    assert problem.row == 2
    assert "4 cells" in problem.message


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"unit": "kBtuu"}, "there is no unit 'kBtuu'"),
        ({"period": "last year"}, "'last year' is not a period"),
        ({"region": "ZZ"}, "there is no region 'ZZ'"),
        ({"activities": ["Electricity"]}, "2 columns are given and 1 activities"),
    ],
)
def test_a_mistake_of_the_program_is_told_once(changed, words):
    with pytest.raises(InputError, match=words) as refused:
        read("building,power_kbtu,gas_kbtu\nB1,10,20\nB2,30,40\n", **changed)
    assert not isinstance(refused.value, DataError)


def test_a_missing_column_is_told():
    with pytest.raises(DataError, match="column 'gas_kbtu': the column is missing"):
        read("building,power_kbtu\nB1,10\n")
