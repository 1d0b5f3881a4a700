"""Memory that columns own, and integers that they read from outside."""

from greenlang_core.wide cimport int128
from libc.stdint cimport int32_t, int64_t


cdef class Memory:
    # Rows of a column, allocated and freed here; written only until a column over it is handed out.
    cdef int128* rows
    cdef readonly Py_ssize_t length


cdef class Integers:
    # Signed integers of 32 or 64 bits, contiguous; the source stays locked while this lives.
    cdef Py_buffer _view
    cdef const void* data
    cdef bint wide                  # 64 bits each, else 32
    cdef readonly Py_ssize_t length


cdef inline int64_t integer_at(const void* data, bint wide, Py_ssize_t row) noexcept nogil:
    # Compilers hoist the test out of a loop, so that one loop serves both widths.
    return (<const int64_t*> data)[row] if wide else (<const int32_t*> data)[row]


cdef Memory allocate(Py_ssize_t length)
cdef Integers integers_of(object source, str what)
cdef bint has_word_integers(object source)
