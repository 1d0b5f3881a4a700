"""Columns of exact fixed-point numbers."""

from greenlang_core.buffers cimport Memory
from greenlang_core.wide cimport int128


cdef class DecimalColumn:
    # Row i is rows[i] / 10^scale. Rows never change, and every one is within 38 digits.
    cdef const int128* rows         # aligned to 8 bytes
    cdef Py_ssize_t length
    cdef readonly int scale         # 0 to 38
    cdef object owner               # keeps `rows` alive: a Memory, a memoryview, or an Arrow array


# The one way to make a column over rows that are known to be within 38 digits.
cdef DecimalColumn column_over(object owner, const int128* rows, Py_ssize_t length, int scale)
cdef DecimalColumn column_of(Memory memory, int scale)
