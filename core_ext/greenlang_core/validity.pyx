"""Which rows of a column are null: a bitmap as Arrow has it, a set bit for every row that is not."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cython cimport final
from libc.stdint cimport uint8_t
from libc.string cimport memset

from greenlang_core.decimal_loops cimport Codes, code_at
from greenlang_core.wide cimport int128


@final
cdef class Validity:
    """Which rows are null; of no column without nulls."""


cdef Validity validity_over(object owner, const uint8_t* bits, Py_ssize_t offset, Py_ssize_t length):
    cdef:
        Validity validity
        Py_ssize_t row, valid = 0
    with nogil:
        for row in range(offset, offset + length):
            valid += is_valid(bits, row)
    if valid == length:
        return None
    validity = Validity.__new__(Validity)
    validity.owner = owner
    validity.bits = bits + (offset >> 3)
    validity.offset = offset & 7
    validity.length = length
    validity.nulls = length - valid
    return validity


cdef Validity validity_of(bytes truths):
    cdef:
        const char* source = PyBytes_AS_STRING(truths)
        Py_ssize_t row, length = len(truths)
        bytes packed = PyBytes_FromStringAndSize(NULL, (length + 7) >> 3)
        uint8_t* bits = <uint8_t*> PyBytes_AS_STRING(packed)
    memset(bits, 0, (length + 7) >> 3)
    with nogil:
        for row in range(length):
            bits[row >> 3] |= (source[row] & 1) << (row & 7)
    return validity_over(packed, bits, 0, length)


cdef bytes truths_of(Validity validity, Py_ssize_t length):
    cdef:
        bytes truths = PyBytes_FromStringAndSize(NULL, length)
        char* target = PyBytes_AS_STRING(truths)
        Py_ssize_t row
    memset(target, 1, length)
    if validity is not None:
        for row in range(length):
            target[row] = is_valid(validity.bits, validity.offset + row)
    return truths


cdef Validity both(Validity left, Validity right):
    """Null where either is."""
    cdef:
        Py_ssize_t row
        bytes truths
        char* target
    if left is None or left is right:
        return right
    if right is None:
        return left
    truths = truths_of(left, left.length)
    target = PyBytes_AS_STRING(truths)
    for row in range(left.length):
        target[row] &= is_valid(right.bits, right.offset + row)
    return validity_of(truths)


cdef Validity part_of(Validity validity, Py_ssize_t start, Py_ssize_t length):
    if validity is None:
        return None
    return validity_over(validity.owner, validity.bits, validity.offset + start, length)


cdef Validity taken(Validity validity, Codes codes, Py_ssize_t length):
    """Of the rows at `codes`, which are in bounds."""
    cdef:
        Py_ssize_t row
        bytes truths
        char* target
    if validity is None:
        return None
    truths = PyBytes_FromStringAndSize(NULL, length)
    target = PyBytes_AS_STRING(truths)
    for row in range(length):
        target[row] = is_valid(validity.bits, validity.offset + code_at(codes, row))
    return validity_of(truths)


cdef bytes bitmap_of(Validity validity):
    cdef Validity aligned = validity
    if validity.offset:
        aligned = validity_of(truths_of(validity, validity.length))
    return (<const char*> aligned.bits)[: (aligned.length + 7) >> 3]


cdef void set_nulls(Validity validity, int128 value, int128* rows) noexcept:
    """Write `value` wherever a row is null."""
    cdef Py_ssize_t row
    for row in range(validity.length):
        if not is_valid(validity.bits, validity.offset + row):
            rows[row] = value


cdef Py_ssize_t first_null(Validity validity) noexcept:
    cdef Py_ssize_t row = 0
    while is_valid(validity.bits, validity.offset + row):
        row += 1
    return row
