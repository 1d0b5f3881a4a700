"""Numbers and text of Python to and from rows; what is not exact is refused."""

from greenlang_core.buffers cimport Memory
from greenlang_core.wide cimport int128, total_t


cdef bint to_row(object value, int128* row) except -1   # False: more than 38 digits
cdef object to_integer(int128 row)
cdef object total_to_integer(const total_t* total)
cdef object to_decimal(object unscaled, int scale)
cdef str to_text(int128 row, int scale)
cdef str to_trimmed_text(int128 row, int scale)    # without the zeros at its end
cdef int parse_text(object text, int scale, int128* row) except -1   # a status
cdef int scalar_to_row(object value, int128* row) except -1   # the scale of a Decimal or integer

cdef Memory rows_from_strings(object values, int scale, str name)
cdef Memory rows_from_decimals(object values, int scale)
cdef Memory rows_from_integers(object values)
