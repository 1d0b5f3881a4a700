"""Numbers by code, such as emission factors, gathered inside the loops that use them."""

from greenlang_core.buffers cimport Borrowed, Memory
from greenlang_core.ratios cimport Ratios
from libc.stdint cimport int64_t


cdef class CodeBook:
    # Every number is a ratio of its own scale; those that share one within 38 digits are integers too.
    cdef readonly tuple numbers     # as they were given
    cdef readonly object scale      # places that hold every number exactly; None: there are none
    cdef Py_ssize_t length
    cdef Memory entries             # unscaled at `scale`; None without it
    cdef int64_t* words             # the entries again if all fit 64 bits, else NULL
    cdef list _terms                # (numerator, denominator)
    cdef dict _ratios               # places gained -> Ratios

    cdef int common_scale(self) except -1
    cdef Ratios ratios(self, int places_gained)


cdef class Gathered:
    # book.numbers[codes[i]] for every row i, never stored.
    cdef readonly CodeBook book
    cdef Borrowed code_rows

    cdef int check_length(self, Py_ssize_t length) except -1
    cdef object unscaled(self, Py_ssize_t row)
    cdef object number(self, Py_ssize_t row)
    cdef Py_ssize_t code(self, Py_ssize_t row) noexcept


# Numerator, denominator, and the places that hold their ratio exactly, None if no number of them does.
cdef tuple terms_of(object number, str place)
