"""The loops of decimal columns: no Python object inside, no lock held.

A loop that can fail returns the row where it stopped, `length` if it finished. A `step` of 0 reads one
value for every row.
"""

from libc.stdint cimport int64_t

from greenlang_core.buffers cimport integer_at
from greenlang_core.wide cimport int128, ratio_t, total_t


cdef struct Operand:
    const int128* rows
    Py_ssize_t step         # 1, or 0 for a scalar
    int exponent            # of the power of ten that brings it to the common scale


cdef struct Codes:
    const void* data        # NULL: every row has code 0
    bint wide               # int64, else int32
    int64_t limit           # codes are in [0, limit)


cdef inline int64_t code_at(Codes codes, Py_ssize_t row) noexcept nogil:
    return 0 if codes.data == NULL else integer_at(codes.data, codes.wide, row)


cdef Py_ssize_t check_range(const int128* rows, Py_ssize_t length) noexcept nogil
cdef bint equal(Operand left, Operand right, Py_ssize_t length) noexcept nogil
cdef void negate(const int128* rows, bint only_negative, int128* result, Py_ssize_t length) noexcept nogil

# `relation` is a set of bits: 1 for less, 2 for equal, 4 for greater.
cdef void compare_rows(
    Operand left, Operand right, int relation, unsigned char* truths, Py_ssize_t length
) noexcept nogil
cdef Py_ssize_t choose_rows(
    const unsigned char* truths, Operand left, Operand right, int128* result, Py_ssize_t length
) noexcept nogil
cdef Py_ssize_t find_extreme(const int128* rows, int relation, Py_ssize_t length) noexcept nogil

cdef Py_ssize_t add_rows(
    Operand left, Operand right, bint subtract, int128* result, Py_ssize_t length
) noexcept nogil

# Products also count their total.
cdef Py_ssize_t multiply_rows(
    Operand left, Operand right, int128* result, Py_ssize_t length, total_t* total
) noexcept nogil
cdef Py_ssize_t multiply_words(
    const int128* rows, Codes codes, const int64_t* factors, int128* result, Py_ssize_t length, total_t* total
) noexcept nogil
cdef Py_ssize_t multiply_gathered(
    const int128* rows, Codes codes, const int128* factors, int128* result, Py_ssize_t length, total_t* total
) noexcept nogil

cdef Py_ssize_t take_rows(const int128* rows, Codes codes, int128* result, Py_ssize_t length) noexcept nogil
cdef Py_ssize_t apply_ratios(
    const int128* rows,
    Codes codes,
    const ratio_t* ratios,
    int mode,
    int128* result,
    Py_ssize_t start,
    Py_ssize_t length,
    int* status,
) noexcept nogil

# `gained`: places of the quotient beside those of left - right.
cdef Py_ssize_t divide_rows(
    const int128* left,
    const int128* right,
    int gained,
    int mode,
    int128* result,
    Py_ssize_t start,
    Py_ssize_t length,
    int* status,
) noexcept nogil
cdef Py_ssize_t multiply_rounded(
    const int128* left,
    const int128* right,
    const ratio_t* unit,
    int mode,
    int128* result,
    Py_ssize_t start,
    Py_ssize_t length,
    int* status,
) noexcept nogil

cdef total_t total_rows(const int128* rows, Py_ssize_t length) noexcept nogil
cdef Py_ssize_t total_groups(
    const int128* rows, Codes codes, total_t* totals, Py_ssize_t length
) noexcept nogil
