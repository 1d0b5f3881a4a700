"""Coded texts beside a plain dict of strings."""

import pickle
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_core.decimals import DecimalColumn, DecimalTextError
from greenlang_core.texts import TextCoder, Texts

texts = st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=60)


def coded_plainly(rows: list[str]) -> tuple[list[int], list[str]]:
    """The twin: a dict from each text to its code, in order of first appearance."""
    codes: dict[str, int] = {}
    return [codes.setdefault(text, len(codes)) for text in rows], list(codes)


@given(texts, texts)
def test_codes_are_those_of_a_dict(first, second):
    coder = TextCoder()
    coder.add(first)
    coder.add_column([["other", text] for text in second], 1)
    codes, values = coder.finish()
    assert (np.asarray(codes).tolist(), list(values)) == coded_plainly(first + second)


@given(texts, st.data())
def test_codes_of_arrow_memory_are_those_of_a_dict(rows, data):
    import pyarrow as arrow

    nulls = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    first = data.draw(st.integers(0, len(rows)))
    kind = data.draw(st.sampled_from([arrow.string(), arrow.large_string()]))
    given_rows = [None if null else text for text, null in zip(rows, nulls, strict=True)]
    column = arrow.array(given_rows, type=kind)[first:]
    validity, offsets, content = column.buffers()
    width = np.int64 if kind == arrow.large_string() else np.int32
    coder = TextCoder()
    if len(column):
        starts = np.frombuffer(offsets, dtype=width)
        coder.add_utf8(starts, content, len(column), first=column.offset, validity=validity)
    codes, values = coder.finish()
    assert (np.asarray(codes).tolist(), list(values)) == coded_plainly(
        [text or "" for text in given_rows[first:]]
    )


def test_many_texts_keep_their_codes_while_the_table_grows():
    rows = [f"R-{row % 70_000}" for row in range(100_000)]
    coder = TextCoder()
    for start in range(0, len(rows), 777):
        coder.add(rows[start : start + 777])
    codes, values = coder.finish()
    assert (np.asarray(codes).tolist(), list(values)) == coded_plainly(rows)
    assert len(coder) == 0


@given(
    st.lists(texts.map(sorted), max_size=3).map(lambda runs: [text for run in runs for text in run]),
    st.integers(0, 3000),
)
def test_texts_that_ascend_at_first_keep_their_codes(more, ascending):
    rows = [f"R-{row // 2:05}" for row in range(ascending)]
    for given_rows in (rows + more, more + rows, rows + more + rows):
        coder = TextCoder()
        coder.add(given_rows)
        codes, values = coder.finish()
        assert (np.asarray(codes).tolist(), list(values)) == coded_plainly(given_rows)


@given(texts, texts, st.sampled_from([0, 1, 100, 1 << 42]))
def test_codes_do_not_depend_on_how_many_rows_were_expected(first, second, rows):
    coder = TextCoder()
    coder.add(first)
    coder.expect(rows)
    coder.add(second)
    codes, values = coder.finish()
    assert (np.asarray(codes).tolist(), list(values)) == coded_plainly(first + second)


def test_rows_coded_elsewhere_are_mapped():
    coder = TextCoder()
    coder.add(["a", "b"])
    known = np.asarray(coder.codes_of(["c", "a"]))
    assert len(coder) == 2
    coder.add_codes(known[[1, 0, 1]])
    codes, values = coder.finish()
    assert [values[code] for code in np.asarray(codes)] == ["a", "b", "a", "c", "a"]


@pytest.mark.parametrize(
    ("add", "error"),
    [
        (lambda coder: coder.add([1.5]), TypeError),
        (lambda coder: coder.add([None]), TypeError),
        (lambda coder: coder.add(["\ud800"]), UnicodeEncodeError),
        (lambda coder: coder.add_column([["a"], []], 0), TypeError),
        (lambda coder: coder.add_codes(array("i", [0])), ValueError),
        (lambda coder: coder.add_codes(array("q", [0])), ValueError),
        (lambda coder: coder.add_utf8(array("i", [0, 5]), b"abc", 1), ValueError),
        (lambda coder: coder.add_utf8(array("i", [3, 1]), b"abc", 1), ValueError),
        (lambda coder: coder.add_utf8(array("i", [0]), b"abc", 1), ValueError),
        (lambda coder: coder.add_utf8(array("i", [0, 1]), b"abc", 1, validity=b""), ValueError),
    ],
)
def test_what_is_no_text_is_refused(add, error):
    with pytest.raises(error):
        add(TextCoder())


@given(texts)
def test_texts_are_a_sequence_of_strings(rows):
    kept = Texts(rows)
    assert kept == rows
    assert list(kept) == rows
    assert kept[:] == tuple(rows)
    assert list(reversed(kept)) == rows[::-1]
    assert pickle.loads(pickle.dumps(kept)) == kept  # noqa: S301 - our own
    assert kept.take(np.arange(len(rows), dtype=np.int32)) == rows
    assert kept.plain == (not any(sign < " " or sign in '"\\' for text in rows for sign in text))
    for text in rows:
        assert text in kept
        assert kept.index(text) == rows.index(text)
    if any(text != text.strip() for text in rows):
        assert kept.may_have_space()


def test_what_is_not_among_texts_is_said():
    kept = Texts(["a"])
    assert "b" not in kept
    assert 1 not in kept
    for wrong in (lambda: kept[1], lambda: kept.take(array("i", [1])), lambda: kept.take(array("i", [-1]))):
        with pytest.raises(IndexError):
            wrong()
    with pytest.raises(ValueError, match="'b'"):
        kept.index("b")


@given(
    st.lists(st.sampled_from(["1", "-2.50", "1e3", "", "x", "1,5", "0.1234567", "é", "9" * 40]), max_size=5)
)
def test_numbers_are_read_from_texts_as_from_strings(rows):
    outcomes = []
    for given_rows in (rows, Texts(rows)):
        try:
            outcomes.append(DecimalColumn.from_strings(given_rows, 6, name="quantity").to_strings())
        except DecimalTextError as error:
            outcomes.append((str(error), error.row, error.text))
    assert outcomes[0] == outcomes[1]


def test_hashes_of_equal_texts_are_equal_and_last():
    texts = Texts(["", "a", "R-00000001", "R-00000002", "ü" * 9, "a" * 100])
    hashes = np.asarray(texts.hashes())
    assert len(set(hashes.tolist())) == len(texts)
    assert hashes[2:4].tolist() == np.asarray(Texts(["R-00000001", "R-00000002"]).hashes()).tolist()
    # They are kept in files, so they may not change from one process or release to the next.
    assert hashes[2].item() == 4207105879011383146
