"""Items written column by column are those that would be written one by one."""

from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang.engine.calculations import KeptSeries, Outcome
from greenlang.engine.calculations.outcome import Refused
from greenlang.exact import canonical_text
from greenlang.service.items import encode_items, failures
from greenlang.service.messages import Fault, ItemData
from greenlang_core.listing import write_rows

SCALE = 12
ENTRIES = (None, ("0",), ("0", "1"))
SELECTIONS = (
    {"rates": [{"factors": [{"ef_cid": "ef_b"}, {"ef_cid": "ef_a"}]}]},
    {"rates": [{"factors": [{"ef_cid": "ef_c"}]}, {"factors": [{"ef_cid": "ef_a"}]}]},
)
#: The same for a row that has them all, its last one and none.
FACTORS = ([], ["ef_a", "ef_b"], ["ef_a", "ef_b", "ef_c"])

ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
figures = st.integers(-(10**38) + 1, 10**38 - 1) | st.integers(0, 10**6).map(lambda whole: whole * 10**SCALE)
rows = st.tuples(ids, st.integers(0, 2), st.lists(st.none() | figures, min_size=3, max_size=3))


def made(given_rows, refused=()):
    """An outcome of rows as `rows` gives them."""
    series = []
    for position, name in enumerate(("scope1.CO2", "scope1.CH4", 'scope3."odd".CO2')):
        column = [row[2][position] for row in given_rows]
        present = [number for number, figure in enumerate(column) if figure is not None]
        whole = len(present) == len(column)
        kept = b"".join(column[number].to_bytes(16, "little", signed=True) for number in present)
        series.append(KeptSeries(name, None if whole else np.array(present, dtype=np.int32).tobytes(), kept))
    return Outcome(
        ids=tuple(row[0] for row in given_rows),
        scale=SCALE,
        series=tuple(series),
        code_bytes=np.array([row[1] for row in given_rows], dtype=np.int32).tobytes(),
        entries=ENTRIES,
        selections=SELECTIONS,
        refused=tuple(refused),
        leaves=b"",
    )


def one_by_one(outcome, given_rows, refused):
    """The same items, each made by itself."""
    failed = failures(outcome, refused)
    names = [one.name for one in outcome.series]
    items = []
    for number, (identifier, code, cells) in enumerate(given_rows):
        shown = {
            name: canonical_text(Decimal(f"{cell}E-{SCALE}"))
            for name, cell in zip(names, cells, strict=True)
            if cell is not None
        }
        plain = ItemData(number + 2, identifier, "computed", shown, list(ENTRIES[code] or ()), FACTORS[code])
        items.append(failed.get(number, plain))
    return items


@given(st.lists(rows, min_size=1, max_size=8), st.sets(st.integers(0, 7)))
def test_every_item_is_what_it_would_be_by_itself(given_rows, failing):
    refused = {row: [Fault("quantity", 'a "word" too many', "quantity")] for row in failing}
    refused = {row: faults for row, faults in refused.items() if row < len(given_rows)}
    outcome = made(given_rows)
    assert encode_items(outcome, refused) == msgspec.json.encode(one_by_one(outcome, given_rows, refused))


def test_rows_that_were_refused_stand_in_their_places():
    given_rows = [("a", 1, [1, None, 2]), ("b", 0, [None, None, None]), ("c", 2, [3, 4, 5])]
    outcome = made(given_rows, [Refused(3, "b", "unit", "unknown", "write kWh")])
    told = msgspec.json.decode(encode_items(outcome, {}), type=list[ItemData])
    assert told == one_by_one(outcome, given_rows, {})
    assert told[1].status == "failed"


@pytest.mark.parametrize(
    ("codes", "series", "said"),
    [
        (np.zeros(1, dtype=np.int32), [], "1 codes for 2 rows"),
        (np.zeros(2, dtype=np.int64), [], "2 codes for 2 rows"),
        (np.zeros(2, dtype=np.int32), [(b'"a":', None, bytes(16))], "16 bytes of figures for 2 rows"),
        (
            np.zeros(2, dtype=np.int32),
            [(b'"a":', np.zeros(1, dtype=np.int64), bytes(16))],
            "rows of a series are int32",
        ),
    ],
)
def test_columns_of_different_lengths_are_refused(codes, series, said):
    with pytest.raises(ValueError, match=said):
        write_rows(["a", "b"], codes, series, [b"}"], {}, scale=0, first_number=2)
