"""Memory that grows as it is written, of one kind of integer, and is read as a buffer."""

from greenlang_core.blocks cimport Block


cdef class Room:
    # What is written is counted by its owner, who says how much of it others see.
    cdef Block _block
    cdef Py_ssize_t _views
    cdef Py_ssize_t _shape          # items that others see
    cdef Py_ssize_t _stride
    cdef char _format[2]

    cdef char* bytes_of(self) noexcept nogil
    # Room for so many items at least; what lies in the first `used` of them is kept. It is not initialised.
    cdef int hold(self, Py_ssize_t items, Py_ssize_t used) except -1
    # The items that others see.
    cdef void show(self, Py_ssize_t items) noexcept


cdef Room room_of(char kind, Py_ssize_t items)      # of a format of `struct`: b for bytes, i and q for integers
