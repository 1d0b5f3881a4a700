"""Runs of programs that wait."""

from cpython.object cimport PyObject

from greenlang_core.crew cimport Crew
from greenlang_core.runs cimport Run
from greenlang_core.scheduler cimport Program, Step


cdef class Execution:
    # One run of a program with asynchronous steps: which slots are filled, which steps can start.
    cdef Program program
    cdef list slots                 # (count + 1,) NULL until filled and again once read for the last time
    cdef int* waiting               # (count,) inputs that a step still waits for
    cdef int* unread                # (count + 1,) readers that a slot still waits for
    cdef Py_ssize_t* starting       # queue of asynchronous steps that can start: they leave first, so that
    cdef Py_ssize_t* computing      # waiting overlaps computing; queue of the synchronous ones
    cdef Py_ssize_t first_starting, last_starting, first_computing, last_computing
    cdef Crew crew
    cdef Run run
    cdef bint watched               # whether the run has a deadline
    cdef list trail
    cdef dict trails                # of steps that run programs of their own, until they end
    cdef dict started               # when timed steps started
    cdef set recovering             # steps that failed and are in the hands of their guards

    cdef bint advance(self) except -1
    cdef int enqueue(self, Py_ssize_t index) except -1
    cdef int start(self, Py_ssize_t index) except -1
    cdef object started_output(self, Py_ssize_t index)
    cdef object in_hands_of_guard(self, Py_ssize_t index, object error)
    cdef bint can_recover(self, Py_ssize_t index, object error) except -1
    cdef bint waits(self, Step* step) except -1
    cdef int complete(self, Py_ssize_t index, object output) except -1
    cdef int note(self, Py_ssize_t index) except -1
    cdef object recorded(self, Py_ssize_t index, int attempt, bint later)
    cdef object output_of(self, Py_ssize_t index, int attempt)
    cdef object performed(self, Py_ssize_t index)
    cdef object coroutine_of(self, Py_ssize_t index)
