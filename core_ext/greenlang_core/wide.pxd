"""The integers of wide.h.

Cython sees `int128` as opaque: only the functions below compute with one, so that no generated temporary
narrows it to 64 bits and none turns into a Python integer unnoticed.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

cdef extern from "wide.h" nogil:
    ctypedef struct int128 "gl_int128":
        pass
    ctypedef struct uint128 "gl_uint128":
        pass

    # Of a row: why a loop stopped there.
    enum:
        OK "GL_OK"
        OVERFLOW "GL_OVERFLOW"          # more than 38 digits
        INEXACT "GL_INEXACT"            # a remainder where none is allowed
        BEYOND "GL_BEYOND"              # its ratio does not fit 128 bits: compute it in Python
        BAD_CODE "GL_BAD_CODE"          # the code names no entry
        NOT_A_NUMBER "GL_NOT_A_NUMBER"  # text of another syntax
        DIVISION_BY_ZERO "GL_DIVISION_BY_ZERO"

    # Rounding modes, in the order of `ratios.ROUNDING_MODES`; EXACT allows no remainder.
    enum:
        HALF_EVEN "GL_HALF_EVEN"
        HALF_UP "GL_HALF_UP"
        HALF_DOWN "GL_HALF_DOWN"
        UP "GL_UP"
        DOWN "GL_DOWN"
        CEILING "GL_CEILING"
        FLOOR "GL_FLOOR"
        ZERO_FIVE_UP "GL_05UP"
        EXACT "GL_EXACT"

    enum:
        MAX_DIGITS "GL_MAX_DIGITS"

    int128 from_words "gl_from_words" (int64_t high, uint64_t low)
    int128 from_word "gl_from_word" (int64_t value)
    int64_t high_word "gl_high_word" (int128 value)
    uint64_t low_word "gl_low_word" (int128 value)
    bint in_range "gl_in_range" (int128 value)
    bint fits_word "gl_fits_word" (int128 value)
    bint same "gl_same" (int128 left, int128 right)
    int128 negative "gl_negative" (int128 value)
    uint128 power_of_ten "gl_power_of_ten" (int exponent)

    int add "gl_add" (int128 left, int128 right, int128* result)
    int add_scaled "gl_add_scaled" (int128 scaled, uint128 power, int128 other, int128* result)
    int multiply "gl_multiply" (int128 left, int128 right, int128* result)
    int multiply_by_word "gl_multiply_by_word" (int128 left, int64_t right, int128* result)
    int compare "gl_compare" (int128 left, uint128 left_power, int128 right, uint128 right_power)
    int scale_up "gl_scale_up" (int128 value, uint128 power, int128* result)

    # 192 bits, which the sum of 2^64 rows cannot leave.
    ctypedef struct total_t "gl_total":
        pass
    total_t no_total "gl_no_total" ()
    void accumulate "gl_accumulate" (total_t* total, int128 value)
    bint total_fits "gl_total_fits" (const total_t* total, int128* result)
    uint64_t total_word "gl_total_word" (const total_t* total, int word)

    # numerator / divisor with the divisor's reciprocal; one cache line.
    ctypedef struct ratio_t "gl_ratio":
        pass
    void set_ratio "gl_set_ratio" (
        ratio_t* ratio,
        uint64_t numerator_high,
        uint64_t numerator_low,
        uint64_t divisor_high,
        uint64_t divisor_low,
        bint negative,
    )
    void set_ratio_too_wide "gl_set_ratio_too_wide" (ratio_t* ratio)
    int apply_ratio "gl_apply_ratio" (int128 value, const ratio_t* ratio, int mode, int128* result)

    int divide "gl_divide" (
        int128 left, uint128 power, int128 right, uint128 right_power, int mode, int128* result
    )
    int multiply_ratio "gl_multiply_rounded" (
        int128 left, int128 right, const ratio_t* unit, int mode, int128* result
    )
