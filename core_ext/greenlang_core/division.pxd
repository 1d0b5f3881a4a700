"""Quotients and products of two columns, each rounded once, and the mean."""

from greenlang_core.rows cimport Rows


cdef Rows quotient_of(Rows left, object right, int scale, int mode, object out)     # None: no number
cdef Rows rounded_columns(Rows left, Rows right, int scale, int mode, object out)
cdef object mean_of(object total, Py_ssize_t count, int scale, int places, int mode)
