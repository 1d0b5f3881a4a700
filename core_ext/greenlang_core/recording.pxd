"""What a run did and when: spans of steps, and the moments at which they were at work."""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, int64_t


cdef enum Moment:
    START       # a span begins and is at work
    SUSPEND     # it waits
    RESUME      # it is at work again
    END         # it gave its output
    FAIL        # it raised


cdef struct Span:
    PyObject* program       # owned
    Py_ssize_t step         # its number in the program; -1 for a run of the program: the whole one, or an item's
    Py_ssize_t item         # the item of a map that the program runs on; -1 for none
    int32_t parent          # the span that it is a part of; -1 for none
    int32_t attempt         # from 1; 0 for what covers a step, from when it acts


cdef struct Event:
    int64_t ns
    int32_t span
    int32_t moment


cdef class Recorder:
    cdef readonly object on_output  # told every output; None for nobody
    cdef readonly object clock      # that of the run; None for the machine's own
    cdef Span* span_array
    cdef Event* event_array
    cdef Py_ssize_t span_count, span_room, event_count, event_room
    cdef int32_t current            # the span at work in this thread; -1 for none

    cdef int32_t open(self, object program, Py_ssize_t step, Py_ssize_t item, int32_t attempt) except -1
    cdef int mark(self, int32_t span, Moment moment) except -1
    cdef int tell(self, object program, Py_ssize_t step, Py_ssize_t item, object output) except -1
    cdef object recorded(self, int32_t span, object coroutine, bint later)
