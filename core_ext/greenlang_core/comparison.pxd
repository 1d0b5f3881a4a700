"""Comparing rows, and choosing between them. None comes back for what is no number."""

from greenlang_core.masks cimport Mask
from greenlang_core.rows cimport Rows


# Bits of the signs of left - right for which a relation holds.
cdef enum Relation:
    LESS = 1
    EQUAL = 2
    GREATER = 4


cdef Mask compared(object left, object right, int relation)
cdef Rows chosen(object condition, object left, object right, object out)
cdef Rows nearer(Rows left, object right, int relation, object out)     # left where it is in `relation`
cdef Py_ssize_t extreme_row(Rows column, int relation) except -1        # first row that no other surpasses
