"""The bytes that hashes cover, straight from columns."""

from greenlang_core.texts cimport Texts
from libc.stdint cimport int32_t


cdef class RangeBytes:
    cdef char* _data
    cdef Py_ssize_t _size
    cdef Py_ssize_t _room
    cdef Py_ssize_t _views      # buffers given out and not yet released: the memory must not move

    cdef char* reserve(self, Py_ssize_t size) except NULL
    cdef void fill_cells(self, const int32_t* codes, Texts texts, Py_ssize_t count, bint quoted) noexcept
