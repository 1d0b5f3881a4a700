"""What a run did and when: spans of steps, and the moments at which they were at work.

A span is one try of one step, or one run of a program; it is a part of the span that was at work when it began.
A moment is a look at the clock and sixteen bytes.

Spans nest, so at any instant one at most is the innermost at work. Time in which that is the call of an agent is the
agent's own, time in which it is another is the engine's, and the rest of the time the run waits.
"""

from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.math cimport llround

from greenlang_core.runs cimport machine_now_ns

cdef enum:
    FIRST_ROOM = 256

#: The names of moments, by their numbers.
MOMENTS = ("start", "suspend", "resume", "end", "fail")


cdef class Recorder:
    """Give one to a `Run`, and it records what the run does.

    Parameters
    ----------
    on_output : callable, optional
        Called as `on_output(program, step, item, parent, output)` when a step and all that covers it has its output,
        and with step -1 when a map is done with an item; `parent` is the number of the span that it is a part of.
    clock : object with `now()`, optional
        The machine's monotonic clock if not given.
    """

    def __cinit__(self, *, on_output=None, clock=None):
        self.on_output = on_output
        self.clock = clock
        self.current = -1

    def __dealloc__(self):
        cdef Py_ssize_t index
        for index in range(self.span_count):
            Py_XDECREF(self.span_array[index].program)
        PyMem_Free(self.span_array)
        PyMem_Free(self.event_array)

    cdef int32_t open(self, object program, Py_ssize_t step, Py_ssize_t item, int32_t attempt) except -1:
        """Begin a span as a part of the one at work; gives its number."""
        cdef Span* span
        cdef Py_ssize_t room
        cdef int32_t number = <int32_t>self.span_count
        if self.span_count == self.span_room:
            room = max(<Py_ssize_t>FIRST_ROOM, 2 * self.span_room)
            span = <Span*>PyMem_Realloc(self.span_array, room * sizeof(Span))
            if span == NULL:
                raise MemoryError()
            self.span_array, self.span_room = span, room
        span = &self.span_array[number]
        Py_INCREF(program)
        span.program = <PyObject*>program
        span.step = step
        span.item = item
        span.parent = self.current
        span.attempt = attempt
        self.span_count += 1
        self.mark(number, START)
        return number

    cdef int mark(self, int32_t span, Moment moment) except -1:
        cdef Event* event
        cdef Py_ssize_t room
        if self.event_count == self.event_room:
            room = max(<Py_ssize_t>FIRST_ROOM, 2 * self.event_room)
            event = <Event*>PyMem_Realloc(self.event_array, room * sizeof(Event))
            if event == NULL:
                raise MemoryError()
            self.event_array, self.event_room = event, room
        event = &self.event_array[self.event_count]
        event.ns = machine_now_ns() if self.clock is None else llround(<double>self.clock.now() * 1e9)
        event.span = span
        event.moment = moment
        self.event_count += 1
        return 0

    cdef int tell(self, object program, Py_ssize_t step, Py_ssize_t item, object output) except -1:
        if self.on_output is not None:
            self.on_output(program, step, item, self.current, output)
        return 0

    cdef object recorded(self, int32_t span, object coroutine, bint later):
        """A coroutine that records when it is at work; `later`, a task starts it."""
        cdef Recorded recorded = Recorded.__new__(Recorded)
        recorded.coroutine = coroutine
        recorded.recorder = self
        recorded.span = span
        if later:
            self.mark(span, SUSPEND)
            recorded.is_suspended = True
        return recorded

    @property
    def spans(self):
        """All spans by their numbers, each as `(program, step, item, parent, attempt)`."""
        return self.spans_since(0)

    @property
    def events(self):
        """All moments in their order, each as `(nanoseconds on the clock, span, name of the moment)`."""
        return self.events_since(0)

    def spans_since(self, Py_ssize_t first):
        """The spans from number `first` on, so that who follows a run reads each once."""
        cdef Py_ssize_t index
        cdef Span* span
        spans = []
        for index in range(max(<Py_ssize_t>0, first), self.span_count):
            span = &self.span_array[index]
            spans.append((<object>span.program, span.step, span.item, span.parent, span.attempt))
        return spans

    def events_since(self, Py_ssize_t first):
        """The moments from number `first` on."""
        cdef Py_ssize_t index
        cdef Event* event
        events = []
        for index in range(max(<Py_ssize_t>0, first), self.event_count):
            event = &self.event_array[index]
            events.append((event.ns, event.span, MOMENTS[event.moment]))
        return events


cdef class Recorded:
    """A coroutine of a span; while it is at work, what begins is a part of that span."""

    cdef object coroutine
    cdef Recorder recorder
    cdef int32_t span
    cdef bint is_suspended

    cdef object step(self, method, tuple arguments):
        cdef int32_t outer = self.recorder.current
        self.recorder.current = self.span
        if self.is_suspended:
            self.recorder.mark(self.span, RESUME)
        try:
            yielded = method(*arguments)
        except StopIteration:
            self.recorder.mark(self.span, END)
            raise
        except BaseException:
            self.recorder.mark(self.span, FAIL)
            raise
        finally:
            self.recorder.current = outer
        self.is_suspended = True
        self.recorder.mark(self.span, SUSPEND)
        return yielded

    def send(self, value):
        """Go on; a task calls this."""
        return self.step(self.coroutine.send, (value,))

    def throw(self, *exception):
        """Raise inside the coroutine, at the point where it waits."""
        return self.step(self.coroutine.throw, exception)

    def close(self):
        """End the coroutine."""
        self.coroutine.close()

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return self.send(None)
