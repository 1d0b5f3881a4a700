"""Masks are joined and turned, nulls as in SQL, and loops over columns run beside other threads."""

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_core.decimals import CodeBook, DecimalColumn
from greenlang_core.masks import Mask

Truth = bool | None

truths = st.lists(st.sampled_from([True, False, None]), max_size=70)


def mask_of(values: list[Truth]) -> Mask:
    column = DecimalColumn.from_integers([int(bool(value)) for value in values], 0)
    return column.with_nulls([value is None for value in values]).equal(1)


def both(left: Truth, right: Truth) -> Truth:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def either(left: Truth, right: Truth) -> Truth:
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


@given(st.lists(st.tuples(*[st.sampled_from([True, False, None])] * 2), max_size=70))
def test_masks_are_joined_as_in_sql(pairs: list[tuple[Truth, Truth]]) -> None:
    left, right = (mask_of([pair[side] for pair in pairs]) for side in (0, 1))
    assert (left & right).to_list() == [both(*pair) for pair in pairs]
    assert (left | right).to_list() == [either(*pair) for pair in pairs]
    assert (left & right).null_count == (left & right).to_list().count(None)


@given(truths)
def test_a_mask_is_turned_and_nulls_stay(values: list[Truth]) -> None:
    assert (~mask_of(values)).to_list() == [None if value is None else not value for value in values]
    assert (~~mask_of(values)).to_list() == values


def test_an_array_or_a_list_of_bools_is_a_mask_too() -> None:
    mask = mask_of([True, True, None])
    assert (mask & np.array([True, False, False])).to_list() == [True, False, False]
    assert (mask | [False, False, True]).to_list() == [True, True, True]


def test_a_joined_mask_chooses() -> None:
    column = DecimalColumn.from_integers([1, 2, 3, 4], 0)
    inside = (column > 1) & ~(column >= 4)
    assert DecimalColumn.where(inside, column, 0).to_strings() == ["0", "2", "3", "0"]


@pytest.mark.parametrize(
    ("join", "error", "message"),
    [
        (lambda mask: mask & [True], ValueError, "a condition of 1 rows for 2"),
        (lambda mask: mask | [1, 0], TypeError, "row 0: 1 is not a bool"),
        (bool, TypeError, "join masks with & and |"),
    ],
)
def test_what_is_no_mask_is_refused(join: Callable[[Mask], object], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        join(mask_of([True, False]))


ROWS = 2_000_000
QUANTITY = DecimalColumn.from_integers(np.arange(ROWS), 3)
CODES = (np.arange(ROWS) % 7).astype(np.int32)
BOOK = CodeBook(DecimalColumn.from_integers(range(1, 8), 5))


@pytest.mark.parametrize(
    "loop",
    [
        lambda: QUANTITY * BOOK[CODES],
        lambda: QUANTITY + QUANTITY,
        lambda: QUANTITY.divide(7, 6),
        lambda: QUANTITY.round(1),
        lambda: QUANTITY.group_sum(CODES, 7),
        lambda: (QUANTITY > 5) & (QUANTITY < 9),
        lambda: QUANTITY[:].sum(),  # of a column that does not know its total yet
    ],
    ids=["multiply", "add", "divide", "round", "group_sum", "compare", "sum"],
)
def test_loops_run_without_the_interpreter_lock(loop: Callable[[], object]) -> None:
    """A thread that wants the lock gets it while a loop runs, and not only between loops."""
    seen: list[float] = []
    running = threading.Event()
    done = threading.Event()

    def watch() -> None:
        running.set()
        while not done.is_set():
            seen.append(time.perf_counter())
            time.sleep(0)

    for _ in range(20):
        watcher = threading.Thread(target=watch)
        watcher.start()
        running.wait()
        start = time.perf_counter()
        loop()
        stop = time.perf_counter()
        done.set()
        watcher.join()
        margin = (stop - start) / 4
        if any(start + margin < moment < stop - margin for moment in seen):
            return
        seen.clear()
        running.clear()
        done.clear()
    pytest.fail("no other thread ran in the middle of a loop")
