"""Comparing rows, and choosing between them."""

from cpython.bytes cimport PyBytes_AS_STRING

from greenlang_core.conversions cimport to_integer
from greenlang_core.decimal_loops cimport Operand, choose_rows, compare_rows, find_extreme
from greenlang_core.masks cimport Mask, as_mask, empty_mask
from greenlang_core.rows cimport (
    Rows, as_rows, begin, common_length, finish, memory_of, operand, overflow, text_at, with_value,
)
from greenlang_core.validity cimport Validity, both, is_valid, truths_of, validity_of
from greenlang_core.wide cimport from_word, int128


cdef Mask compared(object left, object right, int relation):
    cdef:
        Py_ssize_t length = common_length(left, right)
        Rows a = as_rows(left), b = as_rows(right)
        Operand left_operand, right_operand
        Mask mask
        unsigned char* truths
    if a is None or b is None:
        return None
    scale = max(a.scale, b.scale)
    left_operand = operand(a, length, scale)
    right_operand = operand(b, length, scale)
    mask = empty_mask(length)
    mask.validity = both(a.validity, b.validity)
    truths = mask.bytes_of()
    with nogil:
        compare_rows(left_operand, right_operand, relation, truths, length)
    return mask


cdef Rows chosen(object condition, object left, object right, object out):
    """Rows of `left` where `condition` is true, of `right` elsewhere, at the larger of their scales."""
    cdef:
        Py_ssize_t length = common_length(left, right), row, source
        Rows a = as_rows(left), b = as_rows(right), result, column
        Operand left_operand, right_operand
        Mask mask
        Validity validity
        unsigned char* truths
        int128* memory
        int scale
    if a is None or b is None:
        return None
    mask = as_mask(condition, length)
    scale = max(a.scale, b.scale)
    result = begin(a if isinstance(left, Rows) else b, b if isinstance(left, Rows) else a, out, length)
    truths = mask.bytes_of()
    validity = chosen_validity(mask, a.validity, b.validity)
    a, b = with_value(a, validity, from_word(0)), with_value(b, validity, from_word(0))
    left_operand = operand(a, length, scale)
    right_operand = operand(b, length, scale)
    memory = memory_of(result)
    with nogil:
        row = choose_rows(truths, left_operand, right_operand, memory, length)
    if row == length:
        return finish(result, length, scale, validity)
    column = a if truths[row] else b
    source = row * (left_operand.step if truths[row] else right_operand.step)
    unscaled = to_integer(column.rows[source]) * 10 ** <object> (scale - column.scale)
    raise overflow(row, text_at(column, source), unscaled, scale, "round the other to fewer places first")


cdef Validity chosen_validity(Mask mask, Validity left, Validity right):
    """Null where the condition is, and where the side that it takes is."""
    cdef:
        Py_ssize_t row
        const unsigned char* truths = mask.bytes_of()
        Validity side
        bytes valid
        char* target
    if left is None and right is None:
        return mask.validity
    valid = truths_of(mask.validity, mask.length)
    target = PyBytes_AS_STRING(valid)
    for row in range(mask.length):
        side = left if truths[row] else right
        if side is not None and not is_valid(side.bits, side.offset + row):
            target[row] = 0
    return validity_of(valid)


cdef Rows nearer(Rows left, object right, int relation, object out):
    mask = compared(left, right, relation)
    return None if mask is None else chosen(mask, left, right, out)


cdef Py_ssize_t extreme_row(Rows column, int relation) except -1:
    cdef Py_ssize_t row
    if column.length == 0:
        raise ValueError("a column without rows has no least and no greatest; test its length first")
    with nogil:
        row = find_extreme(column.rows, relation, column.length)
    return row
