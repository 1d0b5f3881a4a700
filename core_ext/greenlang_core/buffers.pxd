"""Memory that columns own, and integers that they read from outside."""

from greenlang_core.blocks cimport Block
from greenlang_core.wide cimport int128
from libc.stdint cimport int32_t, int64_t


cdef class Memory:
    # Rows of a column, owned by this object; written only until a column over it is handed out.
    cdef int128* rows
    cdef Py_ssize_t length
    cdef Block _block


cdef class Borrowed:
    # Contiguous memory of somebody else's, which stays locked while this lives.
    cdef Py_buffer view
    cdef Py_ssize_t items           # of view.itemsize bytes each


cdef inline int64_t integer_at(const void* data, bint wide, Py_ssize_t row) noexcept nogil:
    # Compilers hoist the test out of a loop, so that one loop serves both widths.
    return (<const int64_t*> data)[row] if wide else (<const int32_t*> data)[row]


cdef Memory allocate(Py_ssize_t length)
cdef Borrowed integers_of(object source, str what)     # of 4 or 8 bytes, signed
cdef bint has_word_integers(object source)
