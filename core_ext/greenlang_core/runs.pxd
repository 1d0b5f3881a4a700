"""What the steps of one run share: its clock, its deadline, what became of it."""

from libc.math cimport INFINITY


cdef class Run:
    cdef readonly object clock      # None for the machine's own
    cdef readonly double deadline_s # on that clock; infinite for none
    cdef readonly double patience_s # how long a cancelled step may take to end
    cdef readonly object report     # takes what happened (`note`); None if nobody asked
    cdef readonly str tenant
    cdef readonly list abandoned    # (program, step) of what was cancelled and did not end in time

    cpdef double now(self) except *
    cpdef double left(self) except *


cdef double machine_now() noexcept nogil
cdef double clock_now(Run run) except *
cdef double coarse_now(Run run) except *
