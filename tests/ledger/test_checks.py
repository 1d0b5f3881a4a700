from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from greenlang.ledger.canonical import JSON
from greenlang.ledger.checks import changed_fields, check, field_checks, fields_of

VALUE: JSON = {
    "gwp_set": "AR5",
    "factors": [{"value": "1"}, {"value": "2"}],
    "totals": {"scope1.CO2": "3"},
    "none": [],
}


def test_every_field_has_a_path() -> None:
    assert dict(fields_of(VALUE)) == {
        "gwp_set": "AR5",
        "factors[0].value": "1",
        "factors[1].value": "2",
        'totals["scope1.CO2"]': "3",
        "none": [],
    }


def test_what_was_changed_added_or_taken_away_is_named() -> None:
    checks = field_checks(VALUE)
    assert list(changed_fields(VALUE, checks)) == []
    changed: JSON = {
        "gwp_set": "AR6",
        "factors": [{"value": "1"}],
        "totals": {"scope1.CO2": "3"},
        "none": ["x"],
    }
    assert sorted(changed_fields(changed, checks)) == [
        ("factors[1].value", "is missing"),
        ("gwp_set", "was changed"),
        ("none", "is missing"),
        ("none[0]", "was added"),
    ]


def test_text_and_number_are_different() -> None:
    assert list(changed_fields({"a": "1"}, field_checks({"a": 1}))) == [("a", "was changed")]


@given(st.binary(min_size=1, max_size=40), st.data())
def test_a_byte_that_changed_changes_the_check(data: bytes, draw: st.DataObject) -> None:
    place = draw.draw(st.integers(0, len(data) - 1))
    other = draw.draw(st.integers(1, 255))
    changed = data[:place] + bytes([data[place] ^ other]) + data[place + 1 :]
    assert check(changed) != check(data)
