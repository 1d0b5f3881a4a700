"""Runs of programs that wait."""

from greenlang_core.crew cimport Crew
from greenlang_core.runs cimport Run
from greenlang_core.scheduler cimport Program, Step


cdef class Execution(Crew):
    # One run of a program with asynchronous steps: which slots are filled, which steps can start.
    cdef Program program
    cdef list slots                 # (count + 1,) NULL until filled and again once read for the last time
    cdef Py_ssize_t* starting       # queue of asynchronous steps that can start: they leave first, so that
    cdef Py_ssize_t* computing      # waiting overlaps computing; queue of the synchronous ones
    cdef int* waiting               # (count,) inputs that a step still waits for
    cdef int* unread                # (count + 1,) readers that a slot still waits for
    cdef Py_ssize_t first_starting, last_starting, first_computing, last_computing
    cdef Run run
    cdef bint watched               # whether the run has a deadline
    cdef list trail
    cdef dict trails                # of steps that run programs of their own, until they end
    cdef dict started               # when timed steps started
    cdef set recovering             # steps that failed and are in the hands of their guards
    cdef dict limits                # task -> timer of what becomes of it when its time is over
    cdef set late                   # tasks whose time is over
    cdef bint is_whole              # whether it is a run of its own, not one of a step's
    cdef double started_s
    cdef object timer               # of the deadline
    cdef object teller              # told of an error (`annotate`); None for nobody
    cdef object value               # kept for the teller

    cdef int prepare(self, Program program, object value, list trail, Run run) except -1
    cdef int pass_in(self, object exception) except -1
    cdef bint advance(self) except -1
    cdef int settle(self, Py_ssize_t index, object task) except -1
    cdef int enqueue(self, Py_ssize_t index) except -1
    cdef int start_step(self, Py_ssize_t index) except -1
    cdef object started_output(self, Py_ssize_t index)
    cdef object in_hands_of_guard(self, Py_ssize_t index, object error)
    cdef object came_of(self, Py_ssize_t index, object task)
    cdef int end_limits(self) except -1
    cdef bint can_recover(self, Py_ssize_t index, object error) except -1
    cdef double started_at(self, Py_ssize_t index) except *
    cdef list trail_of(self, Py_ssize_t index)
    cdef bint waits(self, Step* step) except -1
    cdef int complete(self, Py_ssize_t index, object output) except -1
    cdef int note(self, Py_ssize_t index) except -1
    cdef object recorded(self, Py_ssize_t index, int attempt, bint later)
    cdef object output_of(self, Py_ssize_t index, int attempt)
    cdef object performed(self, Py_ssize_t index)
    cdef object coroutine_of(self, Py_ssize_t index)


cdef object run_of(Program program, Py_ssize_t item, object value, list trail, Run run)
cdef bint is_async_source(object value) except -1
