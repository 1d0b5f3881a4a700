"""The steps of a formula, run over a chunk of rows in 128 bits or over one row in 256."""

from greenlang_core.decimal_loops cimport Codes, Operand
from greenlang_core.wide cimport int128, ratio_t
from greenlang_core.wider cimport wide_t
from libc.stdint cimport int64_t

# What a step does with its operands.
cdef enum:
    TAKE            # entries[codes], or the one entry for every row
    ADD
    SUBTRACT
    MULTIPLY
    CHOOSE          # operands 2 or 3, after how 0 compares with 1
    ROUND           # operand 0 times ratios[codes]
    DIVIDE          # operand 0 by 1, with `detail` places gained

cdef enum:
    MOST_OPERANDS = 4
    CHUNK_ROWS = 512    # registers of 8 KiB: those of ten steps stay in a second-level cache


# A register holds the rows of an operand of the formula, a constant, or what a step before gave, in this order.
cdef struct Step:
    int kind
    int[MOST_OPERANDS] registers
    int[MOST_OPERANDS] exponents    # of the power of ten that brings an operand to the scale of its neighbour
    int detail                      # relation of CHOOSE (see `compare_rows`), places gained by DIVIDE
    int mode                        # of rounding
    int table                       # of TAKE and ROUND
    int codes                       # which column of codes names the entry; -1: all rows take the first


cdef struct StepTable:
    const ratio_t* ratios           # of ROUND
    const int128* entries           # of TAKE
    int64_t length
    bint complete                   # every entry is within 38 digits


# A row's value while it is computed alone; one that failed counts only if the result depends on it.
cdef struct Cell:
    wide_t value
    int status


# False: a row of the chunk failed, or leaves 128 bits on the way.
cdef bint run_chunk(
    const Step* steps,
    Py_ssize_t count,
    Py_ssize_t first,
    Operand* registers,
    const StepTable* tables,
    const Codes* codes,
    unsigned char* truths,
    Py_ssize_t length,
) noexcept nogil

# The status of the last register, whose value `result` gets; `cells` holds those before the steps.
cdef int run_row(
    const Step* steps,
    Py_ssize_t count,
    Py_ssize_t first,
    Cell* cells,
    const StepTable* tables,
    const Codes* codes,
    Py_ssize_t row,
    int128* result,
) noexcept nogil
