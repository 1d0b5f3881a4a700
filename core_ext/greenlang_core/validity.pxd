"""Which rows of a column are null: a bitmap as Arrow has it, a set bit for every row that is not."""

from greenlang_core.decimal_loops cimport Codes
from greenlang_core.wide cimport int128
from libc.stdint cimport uint8_t


cdef class Validity:
    # Row i is null unless bit `offset + i` is set, counted from the lowest bit of the first byte.
    cdef const uint8_t* bits
    cdef Py_ssize_t offset
    cdef Py_ssize_t length
    cdef Py_ssize_t nulls           # at least 1: a column without nulls has no Validity
    cdef object owner               # keeps `bits` alive


cdef inline bint is_valid(const uint8_t* bits, Py_ssize_t bit) noexcept nogil:
    return bits[bit >> 3] >> (bit & 7) & 1


# Of these, None stands for "no row is null".
cdef Validity validity_over(object owner, const uint8_t* bits, Py_ssize_t offset, Py_ssize_t length)
cdef Validity validity_of(bytes truths)                             # a byte for each row, 1 where it is not null
cdef bytes truths_of(Validity validity, Py_ssize_t length)
cdef Validity both(Validity left, Validity right)
cdef Validity part_of(Validity validity, Py_ssize_t start, Py_ssize_t length)
cdef Validity taken(Validity validity, Codes codes, Py_ssize_t length)
cdef bytes bitmap_of(Validity validity)                             # from bit 0 of the first byte

cdef void set_nulls(Validity validity, int128 value, int128* rows) noexcept
cdef Py_ssize_t first_null(Validity validity) noexcept
