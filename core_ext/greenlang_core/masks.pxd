"""A truth for every row: what comparisons give and `where` takes."""

from greenlang_core.validity cimport Validity


cdef class Mask:
    # One byte a row, 0 or 1.
    cdef bytes truths
    cdef Py_ssize_t length
    cdef Validity validity      # None: no row is null

    cdef unsigned char* bytes_of(self) noexcept     # written only until the mask is handed out


cdef Mask empty_mask(Py_ssize_t length)
cdef Mask as_mask(object condition, Py_ssize_t length)
