"""Exact ratios by code: what a value is multiplied with before its one rounding."""

from greenlang_core.wide cimport ratio_t


cdef class Ratios:
    # A ratio in lowest terms for every code; those past 128 bits are marked and left to `rounded`.
    cdef ratio_t* entries
    cdef readonly Py_ssize_t length
    cdef list _terms                # (numerator, divisor) by code, as Python integers

    cdef object rounded(self, Py_ssize_t code, object unscaled, int mode)


cdef Ratios ratios_of(object numerators, object denominators, int places_gained)
cdef Ratios power_ratio(int places_gained)
cdef int mode_number(object mode) except -1
