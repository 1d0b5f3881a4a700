"""Runs programs that wait: a step starts when its inputs are ready, and nothing is left running behind.

Synchronous steps run in place, coroutines as `crew` says.  A step that failed and has a guard is handed to it as a
coroutine of its own; so is one whose guard comes before it.

A run is one object that is its own coroutine: ten thousand of them that wait are ten thousand of it.
"""

from cpython.list cimport PyList_New
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.math cimport INFINITY
from libc.stdint cimport int32_t
from libc.string cimport memcpy

from greenlang_core.crew cimport PENDING, Crew, give
from greenlang_core.limits import Limit, StepTimeout
from greenlang_core.recording cimport END, FAIL, Recorder
from greenlang_core.runs cimport Run, clock_now, coarse_now
from greenlang_core.scheduler cimport (
    CALL, CHOOSE, FILTER, GROUP, MAP, Program, Step, check_deadline, check_decimals, exact_context,
)
from greenlang_core.tasks cimport result_of
from greenlang_core.tasks import give_up, look_at

cdef extern from "Python.h":
    void PyList_SET_ITEM(object items, Py_ssize_t index, object value)
    ctypedef struct PyListObject:
        PyObject** ob_item

cdef enum:
    STACK_SLOTS = 24


cdef inline PyObject** _items(list slots) noexcept:
    """The slots of an asynchronous run as an array; the list lets the garbage collector see them."""
    return (<PyListObject*>slots).ob_item


def arun(Program program, value, list trail, Run run=None, teller=None):
    """Run any program; its asynchronous steps run at once where their inputs allow it.

    An error cancels the steps that are still at work, and is raised when every one of them has ended, or was given
    up and named in `run.abandoned`; `teller.annotate(error, trail, value, run)` is told first.
    """
    cdef Execution execution = Execution.__new__(Execution)
    execution.prepare(program, value, trail, Run() if run is None else run)
    execution.is_whole = True
    execution.teller = teller
    execution.value = value if teller is not None else None
    return _recorded(program, -1, execution, execution.run)


cdef object run_of(Program program, Py_ssize_t item, object value, list trail, Run run):
    """The coroutine of a run of a program inside another one's run, which watches the deadline for it."""
    cdef Execution execution = Execution.__new__(Execution)
    execution.prepare(program, value, trail, run)
    return _recorded(program, item, execution, run) if item >= 0 else execution


cdef object _recorded(Program program, Py_ssize_t item, object coroutine, Run run):
    """A coroutine that runs a program, in a span of its own where the run is recorded."""
    cdef Recorder recorder = run.recorder
    if recorder is None:
        return coroutine
    return recorder.recorded(recorder.open(program, -1, item, 1), coroutine, False)


cdef class Execution(Crew):
    """One run of a program with asynchronous steps; a coroutine, which a task steps."""

    cdef int prepare(self, Program program, object value, list trail, Run run) except -1:
        cdef Py_ssize_t count = program.count, index
        self.program = program
        self.run = run
        self.watched = run.deadline_s < INFINITY
        # What must be ended from outside needs a task.
        self.holds = not self.watched
        self.trail = trail
        self.slots = PyList_New(count + 1)
        Py_INCREF(value)
        PyList_SET_ITEM(self.slots, 0, value)
        self.starting = <Py_ssize_t*>PyMem_Malloc(2 * count * sizeof(Py_ssize_t) + (2 * count + 1) * sizeof(int))
        if self.starting == NULL:
            raise MemoryError()
        self.computing = self.starting + count
        self.waiting = <int*>(self.computing + count)
        self.unread = self.waiting + count
        memcpy(self.waiting, program.edges, count * sizeof(int))
        memcpy(self.unread, program.readers, (count + 1) * sizeof(int))
        for index in range(count):
            if not self.waiting[index]:
                self.enqueue(index)
        return 0

    def __dealloc__(self):
        PyMem_Free(self.starting)

    def __del__(self):
        if self.is_whole and not self.begun and not self.over:
            from warnings import warn

            warn("a run was made and never awaited", RuntimeWarning, stacklevel=2)
        self.close()

    cdef int begin(self) except -1:
        if self.program.context is not None:
            self.context = exact_context(self.program.context)
            self.run.decimals = self.program.context
        if self.is_whole:
            self.started_s = coarse_now(self.run)
            if self.watched:
                self.timer = self.expire_after(self.run.left())
        return 0

    cdef bint proceed(self, object exception, PyObject** outcome) except -1:
        if exception is not None:
            if self.held is not None:
                self.pass_in(exception)
            raise exception
        if self.advance():
            return False
        if self.run.decimals is not None:
            check_decimals(self.run.decimals)
        give(<object>_items(self.slots)[self.program.result], outcome)
        self.over = True
        self.leave(None)
        return True

    cdef int pass_in(self, object exception) except -1:
        """Cancel the step that waits without a task, as the task of the run was cancelled."""
        cdef Py_ssize_t index = self.held_number
        try:
            self.resume(exception)
        except BaseException:
            # As of other steps that are told to end: what they raise is nobody's any more.
            pass
        self.asked = True
        if not self.trail:
            self.note(index)
        return 0

    cdef int leave(self, object error) except -1:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.end_limits()
        if error is not None and self.is_whole:
            self.trail.append(max(0.0, clock_now(self.run) - self.started_s))
            if self.teller is not None:
                self.teller.annotate(error, self.trail, self.value, self.run)
        self.value = self.teller = None
        return 0

    async def end(self, error):
        """End what is still at work, and note what did not end; where we are ended ourselves, note at what."""
        if not self.is_at_work():
            return
        from asyncio import CancelledError

        self.end_limits()
        ours = isinstance(error, CancelledError) or self.expired
        at_work = self.numbers()
        for index in await self.stop(self.run.patience_s, self.asked):
            self.run.abandon(self.program.label(index))
        if ours and not self.trail:
            self.note(at_work[0])

    cdef int enqueue(self, Py_ssize_t index) except -1:
        if self.program.steps[index].is_async:
            self.starting[self.last_starting] = index
            self.last_starting += 1
        else:
            self.computing[self.last_computing] = index
            self.last_computing += 1
        return 0

    cdef bint advance(self) except -1:
        """Take what has ended and start what can start; whether anything is still at work."""
        cdef Py_ssize_t index
        if self.expired:
            raise TimeoutError("the deadline of the run passed while this step was at work")
        if self.held is not None:
            self.settle(self.held_number, None)
        while (task := self.take()) is not None:
            self.settle(self.live.pop(task), task)
            task = None
        while True:
            if self.first_starting < self.last_starting:
                index = self.starting[self.first_starting]
                self.first_starting += 1
            elif self.first_computing < self.last_computing:
                index = self.computing[self.first_computing]
                self.first_computing += 1
            else:
                return self.is_at_work()
            self.start_step(index)

    cdef int settle(self, Py_ssize_t index, object task) except -1:
        """Take what came of a step that waited: from its task, or, without one, by letting it go on."""
        failure = None
        try:
            output = self.resume(None) if task is None else self.came_of(index, task)
        except BaseException as error:
            if not self.can_recover(index, error):
                self.note(index)
                raise
            failure = error
        if failure is not None:
            output = self.in_hands_of_guard(index, failure)
        if output is not PENDING:
            self.complete(index, output)
        return 0

    cdef int start_step(self, Py_ssize_t index) except -1:
        cdef Step* step = &self.program.steps[index]
        failure = None
        if step.is_timed:
            self.started_at(index)
        try:
            if self.watched:
                check_deadline(self.run)
            output = self.started_output(index)
        except BaseException as error:
            if not self.can_recover(index, error):
                self.note(index)
                raise
            failure = error
        if failure is not None:
            output = self.in_hands_of_guard(index, failure)
        if output is not PENDING:
            self.complete(index, output)
        return 0

    cdef object started_output(self, Py_ssize_t index):
        cdef Step* step = &self.program.steps[index]
        if step.around:
            return self.in_hands_of_guard(index, None)
        if not self.waits(step):
            return self.output_of(index, 1)
        coroutine = self.recorded(index, 1, step.needs_task)
        return self.start(coroutine, index, step.needs_task, step.has_timeout)

    cdef object recorded(self, Py_ssize_t index, int attempt, bint later):
        """The coroutine of one try of a step, in a span of its own where the run is recorded."""
        cdef Recorder recorder = self.run.recorder
        if recorder is None:
            return self.coroutine_of(index)
        span = recorder.open(self.program, index, -1, attempt)
        return recorder.recorded(span, self.coroutine_of(index), later)

    cdef int limit(self, object task, Py_ssize_t index) except -1:
        guard = <object>self.program.steps[index].guard
        self.started_at(index)
        if self.limits is None:
            self.limits = {}
            self.late = set()
        self.limits[task] = self.loop.call_later(guard.timeout_s, self.end_late, task)
        return 0

    def end_late(self, task):
        """Cancel a step whose time is over."""
        if task.cancel():
            self.late.add(task)
            self.limits[task] = self.loop.call_later(self.run.patience_s, self.give_up_late, task)

    def give_up_late(self, task):
        """Give up a step that did not end when it was cancelled."""
        if not task.done():
            self.run.abandon(self.program.label(self.live[task]))
            task.remove_done_callback(self.on_end)
            give_up(task)
            self.on_end(task)

    cdef object came_of(self, Py_ssize_t index, object task):
        """What a task gave or raised; of one that was late, that it was."""
        if self.limits is not None and (timer := self.limits.pop(task, None)) is not None:
            timer.cancel()
            if task in self.late:
                self.late.remove(task)
                look_at(task)
                guard = <object>self.program.steps[index].guard
                raise StepTimeout.of(self.program, index, guard.timeout_s)
        return result_of(task)

    cdef int end_limits(self) except -1:
        """Leave it to whoever ends the run what becomes of its steps."""
        if self.limits:
            for timer in self.limits.values():
                timer.cancel()
            self.limits.clear()
        return 0

    cdef double started_at(self, Py_ssize_t index) except *:
        """When a step started: now, if nobody asked before."""
        if self.started is None:
            self.started = {}
        return self.started.setdefault(index, clock_now(self.run))

    cdef list trail_of(self, Py_ssize_t index):
        """Where what a step runs failed, kept apart from other steps' until it is known which failure is told."""
        if self.trails is None:
            self.trails = {}
        return self.trails.setdefault(index, [])

    cdef bint waits(self, Step* step) except -1:
        """Whether a step makes a coroutine: it is asynchronous, or runs over what gives items asynchronously."""
        if step.is_async or (step.kind != MAP and step.kind != FILTER):
            return step.is_async
        return is_async_source(<object>_items(self.slots)[self.program.inputs[step.first_input]])

    cdef bint can_recover(self, Py_ssize_t index, object error) except -1:
        if self.program.steps[index].guard == NULL or not isinstance(error, Exception):
            return False
        return self.recovering is None or index not in self.recovering

    cdef object in_hands_of_guard(self, Py_ssize_t index, object error):
        """Start the guard of a step, which tries it again, or first if there is no error yet."""
        cdef Step* step = &self.program.steps[index]
        cdef object value = <object>_items(self.slots)[self.program.inputs[step.last_input - 1]]
        if self.recovering is None:
            self.recovering = set()
        self.recovering.add(index)
        self.trail_of(index)
        attempt = AsynchronousAttempt(self, index, error is not None)
        coroutine = (<object>step.guard).arun(attempt, value, self.run, error, self.started_at(index))
        if self.run.recorder is not None:
            span = self.run.recorder.open(self.program, index, -1, 0)
            coroutine = self.run.recorder.recorded(span, coroutine, True)
        # In a task from its first line: it sets timeouts.
        return self.start(coroutine, index, True, False)

    cdef object output_of(self, Py_ssize_t index, int attempt):
        """The output of one try of a synchronous step."""
        cdef Recorder recorder = self.run.recorder
        if recorder is None:
            return self.performed(index)
        cdef int32_t outer = recorder.current, span = recorder.open(self.program, index, -1, attempt)
        recorder.current = span
        try:
            output = self.performed(index)
        except BaseException:
            recorder.mark(span, FAIL)
            raise
        finally:
            recorder.current = outer
        recorder.mark(span, END)
        return output

    cdef object performed(self, Py_ssize_t index):
        cdef:
            Step* step = &self.program.steps[index]
            PyObject* stack[STACK_SLOTS]
            PyObject** scratch = stack
            list trail = self.trail if self.trails is None else self.trails.get(index, self.trail)
        if self.program.scratch <= STACK_SLOTS:
            return self.program.perform(step, _items(self.slots), scratch, trail, self.run)
        scratch = <PyObject**>PyMem_Malloc(self.program.scratch * sizeof(PyObject*))
        if scratch == NULL:
            raise MemoryError()
        try:
            return self.program.perform(step, _items(self.slots), scratch, trail, self.run)
        finally:
            PyMem_Free(scratch)

    cdef object coroutine_of(self, Py_ssize_t index):
        """The coroutine of an asynchronous step: its function's own, or that of the programs that it runs."""
        cdef Step* step = &self.program.steps[index]
        cdef PyObject** slots = _items(self.slots)
        cdef list trail
        if step.kind == CALL:
            return self.performed(index)
        trail = self.trail_of(index)
        value = <object>slots[self.program.inputs[step.last_input - 1]]
        if step.kind == CHOOSE:
            return run_of(self.program.chosen(step, slots), -1, value, trail, self.run)
        inner = (<tuple>step.programs)[0]
        if step.kind == GROUP:
            return run_of(inner, -1, value, trail, self.run)
        from greenlang_core.items import outputs_of

        if not is_async_source(value):
            value = self.program.items_of(value)
        return outputs_of(inner, value, step.kind == MAP, trail, self.run)

    cdef int complete(self, Py_ssize_t index, object output) except -1:
        """Fill a step's slot, let go of what it read last, and queue what waited for it."""
        cdef Program program = self.program
        cdef Step* step = &program.steps[index]
        cdef PyObject** slots = _items(self.slots)
        cdef Py_ssize_t position, slot
        if self.trails:
            self.trails.pop(index, None)
        if step.is_timed:
            elapsed = clock_now(self.run) - self.started_at(index)
            if elapsed > step.sla_s:
                (<object>step.guard).late(elapsed, self.run)
        if self.run.recorder is not None:
            self.run.recorder.tell(program, index, -1, output)
        for position in range(step.first_input, step.last_input):
            slot = program.inputs[position]
            self.unread[slot] -= 1
            if not self.unread[slot]:
                Py_XDECREF(slots[slot])
                slots[slot] = NULL
        slot = index + 1
        if self.unread[slot]:
            Py_INCREF(output)
            slots[slot] = <PyObject*>output
        for position in range(program.first_reader[slot], program.first_reader[slot + 1]):
            index = program.reading[position]
            self.waiting[index] -= 1
            if not self.waiting[index]:
                self.enqueue(index)
        return 0

    cdef int note(self, Py_ssize_t index) except -1:
        """Add to the trail where the run failed."""
        if self.trails is not None:
            self.trail.extend(self.trails.pop(index, ()))
        self.trail.append((self.program, index))
        return 0


class AsynchronousAttempt:
    """One more try of a step, for its guard to await."""

    def __init__(self, execution, index, tried):
        self._execution = execution
        self._index = index
        self._tried = tried

    async def __call__(self):
        cdef Execution execution = self._execution
        cdef Py_ssize_t index = self._index
        # Of tries that failed only the last is told.
        execution.trail_of(index).clear()
        check_deadline(execution.run)
        self._tried += 1
        if execution.waits(&execution.program.steps[index]):
            return await execution.recorded(index, self._tried, False)
        return execution.output_of(index, self._tried)

    @property
    def trail(self):
        """Where the last try failed."""
        cdef Execution execution = self._execution
        return execution.trail_of(self._index)

    def timed_out(self, error):
        """Whether an error is that of the step's own timeout, not of one inside it."""
        cdef Execution execution = self._execution
        return isinstance(error, StepTimeout) and error.step == (execution.program, self._index)

    async def within(self, coroutine, seconds):
        """Await a coroutine for at most this long."""
        from contextvars import copy_context

        cdef Execution execution = self._execution
        limit = Limit(seconds, execution.run, execution.program, self._index)
        return await limit(coroutine, copy_context())


cdef bint is_async_source(object value) except -1:
    return type(value) is not list and hasattr(type(value), "__aiter__")
