"""Quotients and products of two columns, each rounded once, and the mean."""

from greenlang_core.code_books cimport Gathered, terms_of
from greenlang_core.conversions cimport to_decimal, to_integer, to_row
from greenlang_core.decimal_loops cimport divide_rows, multiply_rounded
from greenlang_core.ratios cimport Ratios, power_ratio, ratios_of
from greenlang_core.rows cimport Rows, begin, common_length, finish, memory_of, overflow, text_at, with_value
from greenlang_core.scaling cimport scaled
from greenlang_core.validity cimport Validity, both
from greenlang_core.wide cimport BEYOND, DIVISION_BY_ZERO, from_word, int128


cdef str MEND = "use fewer places or a larger unit"


cdef Rows quotient_of(Rows left, object right, int scale, int mode, object out):
    """round(left / right, scale): by a column, or by one Decimal, integer or Fraction."""
    if isinstance(right, Gathered):
        return None
    if isinstance(right, Rows):
        return divided(left, right, scale, mode, out)
    numerator, denominator, _ = terms_of(right, "")
    if numerator == 0:
        raise ZeroDivisionError(f"a column divided by {right}; leave out or replace what is 0")
    if numerator < 0:
        numerator, denominator = -numerator, -denominator
    return scaled(left, ratios_of((denominator,), (numerator,), scale - left.scale), None, scale, mode, out)


cdef Rows divided(Rows left, Rows right, int scale, int mode, object out):
    cdef:
        Py_ssize_t length = common_length(left, right), row = 0
        Rows result = begin(left, right, out, length)
        Validity validity = both(left.validity, right.validity)
        int128* memory = memory_of(result)
        int gained = scale - left.scale + right.scale
        int status = 0
    left, right = with_value(left, validity, from_word(0)), with_value(right, validity, from_word(1))
    while True:
        with nogil:
            row = divide_rows(left.rows, right.rows, gained, mode, memory, row, length, &status)
        if row == length:
            return finish(result, length, scale, validity)
        if status == DIVISION_BY_ZERO:
            raise ZeroDivisionError(
                f"row {row}: {text_at(left, row)} / {text_at(right, row)}; leave out or replace what is 0"
            )
        divisor = to_integer(right.rows[row])
        sign = -1 if divisor < 0 else 1
        value = ratios_of((sign,), (sign * divisor,), gained).rounded(0, to_integer(left.rows[row]), mode)
        if status != BEYOND or not to_row(value, &memory[row]):
            raise overflow(row, f"{text_at(left, row)} / {text_at(right, row)}", value, scale, MEND)
        row += 1


cdef Rows rounded_columns(Rows left, Rows right, int scale, int mode, object out):
    """round(left * right, scale), of intermediates of 256 bits."""
    cdef:
        Py_ssize_t length = common_length(left, right), row = 0
        Rows result = begin(left, right, out, length)
        Validity validity = both(left.validity, right.validity)
        Ratios ratio = power_ratio(scale - left.scale - right.scale)
        int128* memory = memory_of(result)
        int status = 0
    left, right = with_value(left, validity, from_word(0)), with_value(right, validity, from_word(0))
    while True:
        with nogil:
            row = multiply_rounded(left.rows, right.rows, ratio.entries, mode, memory, row, length, &status)
        if row == length:
            return finish(result, length, scale, validity)
        value = ratio.rounded(0, to_integer(left.rows[row]) * to_integer(right.rows[row]), mode)
        if status != BEYOND or not to_row(value, &memory[row]):
            raise overflow(row, f"{text_at(left, row)} * {text_at(right, row)}", value, scale, MEND)
        row += 1


cdef object mean_of(object total, Py_ssize_t count, int scale, int places, int mode):
    """total / count at `places`, where `total` is unscaled."""
    if count == 0:
        raise ValueError("a column without rows has no mean; test its length first")
    return to_decimal(ratios_of((1,), (count,), places - scale).rounded(0, total, mode), places)
