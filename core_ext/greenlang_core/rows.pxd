"""What a column is in C: rows over memory, and how results come by theirs."""

from greenlang_core.buffers cimport Borrowed, Memory
from greenlang_core.decimal_loops cimport Codes, Operand
from greenlang_core.validity cimport Validity
from greenlang_core.wide cimport int128, total_t


cdef class Rows:
    # Row i is rows[i] / 10^scale, within 38 digits, and 0 where it is null. Rows change only where a result
    # is written over them.
    cdef const int128* rows         # aligned to 8 bytes
    cdef Py_ssize_t length
    cdef readonly int scale         # 0 to 38
    cdef object owner               # keeps `rows` alive: a Memory, a Borrowed, or an Arrow array
    cdef Validity validity          # None: no row is null
    cdef Py_ssize_t views           # buffers given out and not yet released
    cdef total_t total              # of all rows, where `totalled`
    cdef bint totalled


cdef Rows rows_over(type kind, object owner, const int128* rows, Py_ssize_t length, int scale)

# A result is begun, its memory written, and then finished; `out` stays empty if an error comes between.
cdef Rows begin(Rows left, object right, object out, Py_ssize_t length)
cdef Rows finish(Rows result, Py_ssize_t length, int scale, Validity validity)
cdef inline int128* memory_of(Rows begun) noexcept:
    return (<Memory> begun.owner).rows

cdef Rows with_value(Rows column, Validity validity, int128 value)   # in place of its nulls and these
cdef Rows as_rows(object value)                       # None for what is no number
cdef Operand operand(Rows column, Py_ssize_t length, int scale)
cdef Py_ssize_t common_length(object left, object right) except -1

cdef int checked_scale(object scale) except -1
cdef Borrowed codes_for(Rows column, object codes)
cdef Codes codes_in(Borrowed rows, Py_ssize_t limit)  # without `rows` every code is 0
cdef bint is_code(Codes codes, Py_ssize_t row) noexcept
cdef object bad_code(Codes codes, Py_ssize_t row, str what)
cdef object overflow(Py_ssize_t row, str what, object unscaled, int scale, str mend, str place=*)
cdef str text_at(Rows column, Py_ssize_t row)
