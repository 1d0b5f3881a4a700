"""Texts in Arrow's memory, and columns of them coded by their distinct texts."""

from greenlang_core.rooms cimport Room
from libc.stdint cimport int64_t, uint64_t


cdef enum:
    PAD = 16


cdef class Texts:
    # Text i is the UTF-8 from starts[i] to starts[i + 1]; at least PAD bytes can be read from any start.
    cdef Room data
    cdef Room _starts           # int64, one more than there are texts
    cdef Py_ssize_t length
    cdef readonly bint plain    # whether JSON writes every text as it is

    cdef const int64_t* starts(self) noexcept
    cdef const char* bytes_of(self) noexcept
    cdef str text(self, Py_ssize_t position)


cdef enum:
    BATCH = 1024                # texts that are hashed before the first of them is looked up


cdef class TextCoder:
    cdef Room _data             # of the distinct texts; what is used of it is `_starts[_count]`
    cdef Room _starts           # int64
    cdef Room _codes            # int32, one a row
    cdef Room _slots            # uint64: the upper half of a hash and a code + 1; 0 where free. None while texts ascend
    cdef Py_ssize_t _slot_count # a power of two
    cdef int _shift             # a hash without its lower bits is its slot
    cdef Py_ssize_t _count      # distinct texts
    cdef Py_ssize_t _rows
    cdef bint _plain

    # The texts that are being added.
    cdef const char* _text[BATCH]
    cdef Py_ssize_t _size[BATCH]
    cdef uint64_t _hash[BATCH]

    cdef int gather(self, object text, Py_ssize_t place) except -1
    cdef int code(self, Py_ssize_t count) except -1
    cdef Py_ssize_t code_ascending(self, Py_ssize_t count) noexcept nogil
    cdef void code_batch(self, Py_ssize_t first, Py_ssize_t stop) noexcept nogil
    cdef int make_room(self, Py_ssize_t count) except -1
    cdef int make_slots(self, Py_ssize_t count) except -1
    cdef void enter_texts(self, uint64_t* new, uint64_t mask) noexcept nogil
    cdef void enter_slots(self, uint64_t* new, uint64_t mask) noexcept nogil


cdef bint same_text(const char* left, const char* right, Py_ssize_t size) noexcept nogil
