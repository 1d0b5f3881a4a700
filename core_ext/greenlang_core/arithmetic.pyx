"""Sums, differences and products of rows, exact or refused."""

from greenlang_core.refusals import DecimalOverflow

from greenlang_core.code_books cimport Gathered
from greenlang_core.conversions cimport to_integer
from greenlang_core.decimal_loops cimport (
    Codes, Operand, add_rows, multiply_gathered, multiply_rows, multiply_words, negate,
)
from greenlang_core.rows cimport (
    Rows, as_rows, bad_code, begin, codes_in, common_length, finish, is_code, memory_of, operand, overflow, text_at,
    with_value,
)
from greenlang_core.validity cimport Validity, both
from greenlang_core.wide cimport MAX_DIGITS, from_word, int128, no_total, total_t


cdef str MEND = "round to fewer places first"


cdef Rows sum_of(object left, object right, bint subtract, object out):
    cdef:
        Py_ssize_t length = common_length(left, right), row
        Rows a = as_rows(left), b = as_rows(right), result
        Operand left_operand, right_operand
        Validity validity
        int128* memory
        int scale
    if a is None or b is None:
        return None
    scale = max(a.scale, b.scale)
    result = begin(a if isinstance(left, Rows) else b, b, out, length)
    validity = both(a.validity, b.validity)
    a, b = with_value(a, validity, from_word(0)), with_value(b, validity, from_word(0))
    left_operand = operand(a, length, scale)
    right_operand = operand(b, length, scale)
    memory = memory_of(result)
    with nogil:
        row = add_rows(left_operand, right_operand, subtract, memory, length)
    if row == length:
        return finish(result, length, scale, validity)
    x = integer_at(a, left_operand, row) * 10 ** <object> (scale - a.scale)
    y = integer_at(b, right_operand, row) * 10 ** <object> (scale - b.scale)
    what = f"{text_at(a, row * left_operand.step)} {'-' if subtract else '+'} {text_at(b, row * right_operand.step)}"
    raise overflow(row, what, x - y if subtract else x + y, scale, MEND)


cdef Rows product_of(object left, object right, object out):
    cdef:
        Py_ssize_t length, row
        Rows a, b, result
        Operand left_operand, right_operand
        Validity validity
        int128* memory
        total_t total = no_total()
    if isinstance(right, Gathered):
        return gathered_product(left, right, out)
    if isinstance(left, Gathered):
        return gathered_product(right, left, out)
    length = common_length(left, right)
    a, b = as_rows(left), as_rows(right)
    if a is None or b is None:
        return None
    check_places(a.scale, b.scale)
    result = begin(a if isinstance(left, Rows) else b, b, out, length)
    validity = both(a.validity, b.validity)
    a, b = with_value(a, validity, from_word(0)), with_value(b, validity, from_word(0))
    left_operand = operand(a, length, a.scale)
    right_operand = operand(b, length, b.scale)
    memory = memory_of(result)
    with nogil:
        row = multiply_rows(left_operand, right_operand, memory, length, &total)
    if row < length:
        what = f"{text_at(a, row * left_operand.step)} * {text_at(b, row * right_operand.step)}"
        unscaled = integer_at(a, left_operand, row) * integer_at(b, right_operand, row)
        raise overflow(row, what, unscaled, a.scale + b.scale, MEND)
    return with_total(finish(result, length, a.scale + b.scale, validity), total)


cdef Rows gathered_product(object left, Gathered factors, object out):
    """Each row times the factor of its code, gathered in the same loop."""
    cdef:
        Rows column, result
        Codes codes
        Py_ssize_t row
        int128* memory
        total_t total = no_total()
    if not isinstance(left, Rows):
        return None
    column = left
    factors.check_length(column.length)
    factor_scale = factors.book.common_scale()
    check_places(column.scale, factor_scale)
    codes = codes_in(factors.code_rows, factors.book.length)
    result = begin(column, None, out, column.length)
    memory = memory_of(result)
    with nogil:
        if factors.book.words != NULL:
            row = multiply_words(column.rows, codes, factors.book.words, memory, column.length, &total)
        else:
            row = multiply_gathered(column.rows, codes, factors.book.entries.rows, memory, column.length, &total)
    if row == column.length:
        return with_total(finish(result, column.length, column.scale + factor_scale, column.validity), total)
    if not is_code(codes, row):
        raise bad_code(codes, row, "factors")
    factor = factors.unscaled(row)
    what = f"{text_at(column, row)} * {factors.number(row)}"
    unscaled = to_integer(column.rows[row]) * factor
    raise overflow(row, what, unscaled, column.scale + factor_scale, "round with multiply(…, places=…)")


cdef Rows with_total(Rows result, total_t total):
    result.total = total
    result.totalled = True
    return result


cdef int check_places(int left, int right) except -1:
    if left + right > MAX_DIGITS:
        raise DecimalOverflow(
            f"scales {left} and {right} multiply to {left + right} decimal places, a column holds "
            f"{MAX_DIGITS}; {MEND}"
        )
    return 0


cdef object integer_at(Rows column, Operand side, Py_ssize_t row):
    return to_integer(column.rows[row * side.step])


cdef Rows negated(Rows column, bint only_negative, object out):
    cdef:
        Rows result = begin(column, None, out, column.length)
        int128* memory = memory_of(result)
    with nogil:
        negate(column.rows, only_negative, memory, column.length)
    return finish(result, column.length, column.scale, column.validity)
