"""Maps and filters whose steps or items wait."""

from cpython.object cimport PyObject

from greenlang_core.crew cimport Crew
from greenlang_core.runs cimport Run
from greenlang_core.scheduler cimport Program


cdef enum Taking:
    ONE         # the next output
    READY       # what is ready, at least one
    ALL         # every one, as a list


cdef class Outputs(Crew):
    # A window of items at work, and the outputs that come out of it.
    cdef Program program
    cdef object iterator
    cdef bint is_async_source
    cdef bint is_map
    cdef bint is_ordered
    cdef Py_ssize_t window
    cdef list trail
    cdef Run run
    cdef object decimals            # the decimal context to run in; None for that of whoever steps it
    cdef object timer               # of the deadline
    cdef bint is_whole              # whether nobody else watches the deadline
    cdef Taking taking_what
    cdef list gathered              # outputs that are given together
    cdef Py_ssize_t pulled          # how many items there were so far
    cdef Py_ssize_t given           # how many of them were given, or dropped by a filter
    cdef bint pulling               # whether an asynchronous source is at the next item
    cdef bint exhausted
    cdef dict items                 # number -> item of those at work, where a filter may keep it
    cdef dict outputs               # number -> output of those done that wait for an earlier one
    cdef dict trails                # number -> where it failed

    cdef object postponed           # error that comes after what was ready before it

    cdef bint gather(self, PyObject** outcome) except -1
    cdef int give_gathered(self, PyObject** outcome) except -1
    cdef bint has_room(self) noexcept
    cdef int pull(self) except -1
    cdef int started(self, object item) except -1
    cdef int settle(self, object task) except -1
    cdef int done(self, Py_ssize_t number, object output) except -1
    cdef int hand_over(self, Py_ssize_t number, object output) except -1
    cdef int note(self, Py_ssize_t number, list inner) except -1
    cdef object noted(self, Py_ssize_t number, list inner, object error)


cdef class Computed:
    # The same for steps that compute in place: one item at a time.
    cdef Program program
    cdef object iterator
    cdef bint is_map
    cdef list trail
    cdef Run run
    cdef object decimals            # the decimal context to run in
    cdef object context             # the context variables, with it among them
    cdef Py_ssize_t number          # of the item at work, or done last

    cdef object computed(self, object item)
