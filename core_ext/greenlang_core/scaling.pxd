"""Rounding, changes of scale, and products with ratios, each of them rounded once."""

from greenlang_core.buffers cimport Borrowed
from greenlang_core.ratios cimport Ratios
from greenlang_core.rows cimport Rows


cdef Rows rescaled(Rows column, int scale, int mode, object out)
cdef Rows scaled(Rows column, Ratios ratios, Borrowed code_rows, int scale, int mode, object out)
cdef Rows rounded_product(Rows column, object factor, int scale, int mode, object out)  # None: no number
