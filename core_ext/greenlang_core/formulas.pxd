"""Formulas made for certain operands: programs over columns and over single records."""

from greenlang_core.formula_steps cimport Cell, Step, StepTable
from greenlang_core.wide cimport int128


cdef class Program:
    cdef readonly tuple scales      # of the operands that have a value for every row
    cdef readonly int scale         # of the result
    cdef object shift               # minus the scale, as a Decimal
    cdef Step* steps
    cdef Py_ssize_t count
    cdef int128* constants          # registers after those of the operands
    cdef Py_ssize_t constant_count
    cdef Py_ssize_t first           # register of the first step
    cdef StepTable* tables
    cdef list kept                  # what the tables point into
    cdef Cell* cells                # of single records; used under the lock alone

    cdef int set_step(self, Py_ssize_t index, object step) except -1
    cdef int set_table(self, Py_ssize_t index, object table) except -1
    cdef void load_constants(self, Cell* cells) noexcept nogil
