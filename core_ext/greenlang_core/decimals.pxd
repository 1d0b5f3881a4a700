"""Columns of exact fixed-point numbers."""

from greenlang_core.buffers cimport Memory
from greenlang_core.rows cimport Rows
from greenlang_core.wide cimport int128


cdef class DecimalColumn(Rows):
    cdef int check_no_nulls(self, str mend, object kind) except -1


# The one way to make a column over rows that are known to be within 38 digits.
cdef DecimalColumn column_over(object owner, const int128* rows, Py_ssize_t length, int scale)
cdef DecimalColumn column_of(Memory memory, int scale)
