"""What is wrong with a row is told with its place, and what is right with the others goes on."""

import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang.carbon import AccountingPolicy, InventoryInput, StringColumn, read_activity_data, read_csv
from greenlang.carbon.activity import QUANTITY_PLACES, read_quantities
from greenlang.errors import DataError
from greenlang.exact import decimal_from_text

WRONG_CELLS = [
    ("unit", "bananas", ["there is no unit 'bananas'"], "unit such as kWh"),
    ("unit", "", ["empty"], "write a unit"),
    ("unit", "MBtu", ["'MBtu' may mean"], "write the one meant"),
    ("quantity", "1,234.5", ["1,234.5", "comma"], "write 1234.5"),
    ("quantity", "1 234.5", ["1 234.5"], "1234.5"),
    ("quantity", "1_000", ["1_000"], "1000"),
    ("quantity", "NaN", ["NaN"], ""),
    ("quantity", "-inf", ["-inf"], ""),
    ("quantity", "1e400", ["1e400", "38 digits"], "larger or smaller unit"),
    ("quantity", "1e25", ["20 digits before the point"], "larger unit"),
    ("quantity", "0.1234567890123456789", ["18 after it"], "larger unit"),
    ("quantity", "", ["empty"], ""),
    ("quantity", "12 kWh", ["12 kWh"], ""),
    ("activity", " ", ["empty"], "write the activity"),
    ("region", "ZZ", ["there is no region 'ZZ'"], ""),
    ("region", "Wales", ["there is no region 'Wales'"], ""),
    ("region", "WA", ["there is no region 'WA'"], "write US-WA"),
    ("period", "March 2025", ["'March 2025' is not a period"], "a month (2025-03)"),
    ("period", "2025-02-30", ["not in the calendar"], "2025-03-31"),
    ("period", "2025-03/2025-01", ["ends before it starts"], "earlier day first"),
    ("period", "", ["the period is empty"], "write a year"),
    ("tags", "supplier", ["'supplier' is not 'key=value'"], "write tags as"),
    ("tags", "a=1; A=2", ["tag 'a' stands twice"], "write tags as"),
    ("id", "", ["empty"], "write the id"),
]


@pytest.mark.parametrize(("column", "text", "words", "mend"), WRONG_CELLS)
def test_a_wrong_cell_is_told_with_its_place_and_what_would_mend_it(activity_data, column, text, words, mend):
    with pytest.raises(DataError) as refused:
        activity_data({}, {column: text})
    (problem,) = refused.value.problems
    assert (problem.row, problem.column) == (3, column)
    for word in words:
        assert word in problem.message
    assert mend in problem.fix
    assert str(refused.value).startswith(f"data.csv, row 3, column '{column}': ")


@pytest.mark.parametrize(("column", "text", "words", "mend"), WRONG_CELLS)
def test_under_skip_the_other_rows_go_on(activity_data, column, text, words, mend):
    data = activity_data({}, {column: text}, {"quantity": "7.5"}, on_error="skip")
    assert data.usable.tolist() == [True, False, True]
    assert [(skip.row, skip.problem.row, skip.problem.column) for skip in data.skipped] == [(1, 3, column)]
    assert [data.quantity[row] for row in (0, 2)] == [Decimal(1500), Decimal("7.5")]


def test_every_mistake_of_a_file_is_told_at_once(activity_data):
    with pytest.raises(DataError) as refused:
        activity_data({"quantity": "x", "unit": "y"}, {}, {"period": "z", "region": "ZZ"})
    assert sorted((problem.row, problem.column) for problem in refused.value.problems) == [
        (2, "quantity"),
        (2, "unit"),
        (4, "period"),
        (4, "region"),
    ]


def test_a_repeated_id_names_the_row_that_has_it_already_and_that_row_goes_on(activity_data):
    rows = [{"id": "A"}, {"id": "B"}, {"id": " A "}]
    with pytest.raises(DataError, match=r"row 4, column 'id': id 'A' stands in row 2 already"):
        activity_data(*rows)
    assert activity_data(*rows, on_error="skip").usable.tolist() == [True, True, False]


def test_a_row_of_the_wrong_width_is_one_problem_and_not_one_for_each_displaced_cell():
    content = (
        b"id,period,activity,quantity,unit\n1,2025,natural gas,1,234.5,MMBtu\n2,2025,natural gas,5,MMBtu\n"
    )
    given = InventoryInput(read_csv(io.BytesIO(content), name="data.csv"), AccountingPolicy(on_error="skip"))
    data = read_activity_data(given)
    assert data.usable.tolist() == [False, True]
    (skip,) = data.skipped
    assert "6 cells" in skip.problem.message


def test_missing_columns_are_told_together():
    table = read_csv(io.BytesIO(b"id,activity,quantty\n1,natural gas,5\n"), name="data.csv")
    with pytest.raises(DataError) as refused:
        read_activity_data(InventoryInput(table))
    assert [problem.column for problem in refused.value.problems] == ["period", "quantity", "unit"]
    assert "rename column 'quantty' to 'quantity'" in str(refused.value)


def test_columns_that_may_be_missing_are_empty():
    table = read_csv(io.BytesIO(b"id,period,activity,quantity,unit\n1,2025,x,5,kg\n"), name="data.csv")
    data = read_activity_data(InventoryInput(table))
    assert [data.site[0], data.region[0], data.method[0], data.tags[0]] == [""] * 4
    assert data.regions == (("",),)


@pytest.mark.parametrize(
    ("unit", "region", "meant"),
    [
        ("gal", "US", "gal (US)"),
        ("gal", "US-WA", "gal (US)"),
        ("gal", "NWPP", "gal (US)"),
        ("gal", "GB", "gal (imp)"),
        ("ton", "US", "short ton"),
        ("ton", "GB", "long ton"),
    ],
)
def test_the_region_of_a_row_settles_which_gallon_and_ton_it_means(activity_data, unit, region, meant):
    data = activity_data({"unit": unit, "region": region})
    assert {one.symbol for one in data.units.values()} == {meant}


@pytest.mark.parametrize("unit", ["gal", "ton"])
@pytest.mark.parametrize("region", ["", "DE"])
def test_a_gallon_or_ton_that_the_region_does_not_settle_is_refused(activity_data, unit, region):
    with pytest.raises(DataError, match=f"column 'unit': '{unit}' may mean"):
        activity_data({"unit": unit, "region": region})


def test_one_unit_may_mean_two_in_one_file(activity_data):
    data = activity_data({"unit": "gal"}, {"unit": "gal", "region": "GB"})
    assert sorted(unit.symbol for unit in data.units.values()) == ["gal (US)", "gal (imp)"]


def test_no_cell_is_rounded(activity_data):
    text = "12345678901234567890.123456789012345678"
    assert activity_data({"quantity": text}).quantity[0] == Decimal(text)


numbers = st.from_regex(r"[+-]?[0-9]{0,22}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)


@given(st.lists(st.one_of(numbers, st.text(max_size=6)), min_size=1, max_size=8, unique=True))
def test_whether_a_quantity_is_read_does_not_depend_on_its_neighbours(texts):
    together, errors = read_quantities(StringColumn.from_texts(texts))
    assert together.scale == QUANTITY_PLACES
    for row, text in enumerate(texts):
        alone, error = read_quantities(StringColumn.from_texts([text]))
        assert (row in errors) == (0 in error)
        assert together[row] == alone[0]
        if row not in errors and not together[row].is_zero():
            assert together[row] == decimal_from_text(text)


@given(st.text(max_size=10))
def test_no_text_is_read_that_the_strict_reader_refuses(text):
    _, errors = read_quantities(StringColumn.from_texts([text]))
    if 0 in errors:
        message, fix = errors[0]
        assert text in message or "empty" in message
        assert fix
    else:
        decimal_from_text(text)
