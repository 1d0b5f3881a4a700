"""What a column is in C: rows over memory, how results come by theirs, and what refusals say."""

from decimal import Decimal

from greenlang_core.refusals import DecimalOverflow, float_refusal, is_float

from cpython.object cimport PyObject
from libc.string cimport memcpy

from greenlang_core.buffers cimport Borrowed, Memory, allocate, integers_of
from greenlang_core.conversions cimport scalar_to_row, to_decimal, to_text
from greenlang_core.decimal_loops cimport Codes, Operand, code_at
from greenlang_core.validity cimport Validity, set_nulls
from greenlang_core.wide cimport MAX_DIGITS, from_word, int128


cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject* value)


cdef class Rows:
    """Rows over memory: the base of `DecimalColumn`, and a scalar operand as one row."""


cdef Rows rows_over(type kind, object owner, const int128* rows, Py_ssize_t length, int scale):
    """Rows of class `kind` over integers that are known to be within 38 digits."""
    cdef Rows column = <Rows> kind.__new__(kind)
    column.owner = owner
    column.rows = rows
    column.length = length
    column.scale = scale
    return column


# ---- results ---------------------------------------------------------------------------------------------

cdef Rows begin(Rows left, object right, object out, Py_ssize_t length):
    """A result of `length` rows, not yet written: of new memory, or `out` with its own."""
    cdef:
        Rows result
        Memory memory
    if out is None:
        memory = allocate(length)
        return rows_over(type(left), memory, memory.rows, 0, 0)
    if type(out) is not type(left):
        raise TypeError(f"out is a {type(out).__name__}; give a DecimalColumn")
    if out is left or out is right:
        raise ValueError("out is an operand too; give another column")
    result = out
    # Slices and Arrow hold the memory itself, buffers hold the column.
    if result.views or type(result.owner) is not Memory or Py_REFCNT(<PyObject*> result.owner) != 1:
        raise BufferError("the memory of out is shared with a slice, a view or a library; give a column of its own")
    memory = result.owner
    if memory.length < length:
        raise ValueError(f"out has room for {memory.length} rows, the result has {length}; give a longer column")
    result.length = 0
    result.totalled = False
    result.validity = None
    return result


cdef Rows finish(Rows result, Py_ssize_t length, int scale, Validity validity):
    """Show the rows that were written, but for nulls."""
    if validity is not None:
        set_nulls(validity, from_word(0), memory_of(result))
        result.validity = validity
    result.length = length
    result.scale = scale
    return result


# ---- operands --------------------------------------------------------------------------------------------

cdef Rows as_rows(object value):
    """A column as it is, a Decimal or integer as one row."""
    cdef Memory memory
    if isinstance(value, Rows):
        return value
    if is_float(value):
        raise float_refusal(value)
    if not isinstance(value, Decimal) and not hasattr(value, "__index__"):
        return None
    memory = allocate(1)
    scale = scalar_to_row(value, memory.rows)
    return rows_over(Rows, memory, memory.rows, 1, scale)


cdef Rows with_value(Rows column, Validity validity, int128 value):
    """The column with `value` where a result is null, so that no loop stops at such a row."""
    cdef Memory memory
    if validity is None or column.length != validity.length:
        return column
    memory = allocate(column.length)
    memcpy(memory.rows, column.rows, column.length * sizeof(int128))
    set_nulls(validity, value, memory.rows)
    return rows_over(Rows, memory, memory.rows, column.length, column.scale)


cdef Operand operand(Rows column, Py_ssize_t length, int scale):
    return Operand(column.rows, 1 if column.length == length else 0, scale - column.scale)


cdef Py_ssize_t common_length(object left, object right) except -1:
    """Rows of the result of an operator; at least one operand is a column."""
    if not isinstance(left, Rows):
        return (<Rows> right).length
    if isinstance(right, Rows) and (<Rows> right).length != (<Rows> left).length:
        raise ValueError(
            f"columns of {(<Rows> left).length} and {(<Rows> right).length} rows do not align; "
            "use columns of one length, or a Decimal"
        )
    return (<Rows> left).length


# ---- checks and refusals ---------------------------------------------------------------------------------

cdef int checked_scale(object scale) except -1:
    if is_float(scale):
        raise TypeError(f"scale {scale} is a float; write an integer")
    if not 0 <= scale <= MAX_DIGITS:
        raise ValueError(f"scale {scale} is not in 0 to {MAX_DIGITS}")
    return scale


cdef Borrowed codes_for(Rows column, object codes):
    cdef Borrowed rows = integers_of(codes, "code")
    if rows.items != column.length:
        raise ValueError(f"{rows.items} codes for {column.length} rows; give one each row")
    return rows


cdef Codes codes_in(Borrowed rows, Py_ssize_t limit):
    """Codes as the loops take them."""
    if rows is None:
        return Codes(NULL, False, limit)
    return Codes(rows.view.buf, rows.view.itemsize == 8, limit)


cdef bint is_code(Codes codes, Py_ssize_t row) noexcept:
    return 0 <= code_at(codes, row) < codes.limit


cdef object bad_code(Codes codes, Py_ssize_t row, str what):
    return IndexError(
        f"row {row}: code {code_at(codes, row)} is outside the {codes.limit} {what}, which are numbered from 0"
    )


cdef object overflow(Py_ssize_t row, str what, object unscaled, int scale, str mend, str place="row"):
    digits = len(str(abs(unscaled)))
    return DecimalOverflow(
        f"{place} {row}: {what} = {to_decimal(unscaled, scale)} needs {digits} digits at scale {scale}, a column holds "
        f"{MAX_DIGITS}; {mend}",
        row,
    )


cdef str text_at(Rows column, Py_ssize_t row):
    return to_text(column.rows[row], column.scale)
