"""The integers of wider.h: 256 bits, for what leaves 128."""

from greenlang_core.wide cimport int128, ratio_t

cdef extern from "wider.h" nogil:
    ctypedef struct wide_t "gl_wide":
        pass

    # Each gives a status of wide.pxd; BEYOND says that 256 bits do not hold the result.
    wide_t widened "gl_widened" (int128 value)
    int narrowed "gl_narrowed" (const wide_t* value, int128* result)
    int wide_multiply "gl_wide_multiply" (const wide_t* left, const wide_t* right, wide_t* result)
    int wide_add "gl_wide_add" (const wide_t* left, const wide_t* right, bint subtract, wide_t* result)
    int wide_compare "gl_wide_compare" (const wide_t* left, const wide_t* right)
    int wide_scale_up "gl_wide_scale_up" (wide_t* value, int exponent)
    int wide_apply_ratio "gl_wide_apply_ratio" (const wide_t* value, const ratio_t* ratio, int mode, wide_t* result)
    int wide_divide "gl_wide_divide" (
        const wide_t* left, const wide_t* right, int gained, int mode, wide_t* result
    )
