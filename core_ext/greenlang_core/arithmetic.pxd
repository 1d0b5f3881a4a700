"""Sums, differences and products of rows, exact or refused.

Operands are columns, Decimals and integers, for products also gathered factors. None comes back for what
is no number. `out` is a column to write over, or None.
"""

from greenlang_core.rows cimport Rows


cdef Rows sum_of(object left, object right, bint subtract, object out)
cdef Rows product_of(object left, object right, object out)
cdef Rows negated(Rows column, bint only_negative, object out)    # or magnitudes
