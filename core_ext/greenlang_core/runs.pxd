"""What the steps of one run share: its clock, its deadline, what became of it."""

from libc.math cimport INFINITY
from libc.stdint cimport int64_t

from greenlang_core.recording cimport Recorder


cdef class Run:
    cdef readonly object clock      # None for the machine's own
    cdef readonly double deadline_s # on that clock; infinite for none
    cdef readonly double patience_s # how long a cancelled step may take to end
    cdef readonly object report     # takes what happened (`note`); None if nobody asked
    cdef readonly str tenant
    cdef readonly Recorder recorder # records what it does; None if nobody asked
    cdef bint is_watched            # whether a step is more than a call: there is a deadline, or a recorder
    cdef readonly list abandoned    # names of steps that were cancelled and did not end in time
    cdef readonly object decimals   # the decimal context of its steps, once they run; None for that of the caller

    cpdef double now(self) except *
    cpdef double left(self) except *
    cpdef int abandon(self, str step) except -1


cdef double machine_now() noexcept nogil
cdef int64_t machine_now_ns() noexcept nogil
cdef double clock_now(Run run) except *
cdef double coarse_now(Run run) except *
