"""Runs programs that wait: a step starts when its inputs are ready, and nothing is left running behind.

Synchronous steps run in place, coroutines as `crew` says.  A step that failed and has a guard is handed to it as a
coroutine of its own; so is one whose guard comes before it.
"""

from cpython.list cimport PyList_New
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.math cimport INFINITY
from libc.stdint cimport int32_t
from libc.string cimport memcpy

from greenlang_core.crew cimport PENDING, Crew, result_of
from greenlang_core.crew import give_up, look_at
from greenlang_core.recording cimport END, FAIL, Recorder
from greenlang_core.runs cimport Run, clock_now, coarse_now
from greenlang_core.scheduler cimport CALL, CHOOSE, FILTER, GROUP, MAP, Program, Step, check_deadline, enter_context, leave_context

cdef extern from "Python.h":
    void PyList_SET_ITEM(object items, Py_ssize_t index, object value)
    ctypedef struct PyListObject:
        PyObject** ob_item

cdef enum:
    STACK_SLOTS = 24
    # The number of the coroutine that pulls the next item from an asynchronous source.
    SOURCE = -1

#: How many items of a map are at work at once where they wait.
WINDOW = 64

cdef object EXHAUSTED = object()


cdef inline PyObject** _items(list slots) noexcept:
    """The slots of an asynchronous run as an array; the list lets the garbage collector see them."""
    return (<PyListObject*>slots).ob_item


def arun(Program program, value, list trail, Run run=None):
    """Run any program; its asynchronous steps run at once where their inputs allow it.

    An error cancels the steps that are still at work, and is raised when every one of them has ended, or was given
    up and named in `run.abandoned`.
    """
    if run is None:
        run = Run()
    return _recorded(program, -1, _watched(program, value, trail, run), run)


async def _watched(Program program, value, list trail, Run run):
    """Run a program, and watch the deadline."""
    timer = None
    started_s = coarse_now(run)
    execution = Execution(program, value, trail, run)
    try:
        if run.deadline_s < INFINITY:
            timer = execution.expire_after(run.left())
        return await _finish(execution, program)
    except BaseException:
        trail.append(max(0.0, clock_now(run) - started_s))
        raise
    finally:
        if timer is not None:
            timer.cancel()


cdef object _recorded(Program program, Py_ssize_t item, object coroutine, Run run):
    """A coroutine that runs a program, in a span of its own where the run is recorded."""
    cdef Recorder recorder = run.recorder
    if recorder is None:
        return coroutine
    return recorder.recorded(recorder.open(program, -1, item, 1), coroutine, False)


async def _arun(Program program, value, list trail, Run run):
    """Run a program inside another one's run, which watches the deadline for it."""
    return await _finish(Execution(program, value, trail, run), program)


async def _finish(Execution execution, Program program):
    callers = None
    if program.context is not None:
        callers = enter_context(program.context)
    try:
        while execution.advance():
            await execution.crew.changed()
        return execution.take_result()
    except BaseException as error:
        if execution.crew.live:
            await execution.stop(error)
        raise
    finally:
        if callers is not None:
            leave_context(callers)


cdef class Execution:
    """One run of a program with asynchronous steps."""

    def __cinit__(self, Program program, value, list trail, Run run):
        cdef Py_ssize_t count = program.count, index
        self.program = program
        self.crew = Crew()
        self.run = run
        self.watched = run.deadline_s < INFINITY
        self.trail = trail
        self.trails = {}
        self.started = {}
        self.recovering = set()
        self.slots = PyList_New(count + 1)
        Py_INCREF(value)
        PyList_SET_ITEM(self.slots, 0, value)
        self.waiting = <int*>PyMem_Malloc((2 * count + 1) * sizeof(int))
        self.starting = <Py_ssize_t*>PyMem_Malloc((2 * count + 1) * sizeof(Py_ssize_t))
        if self.waiting == NULL or self.starting == NULL:
            raise MemoryError()
        self.unread = self.waiting + count
        self.computing = self.starting + count
        memcpy(self.waiting, program.edges, count * sizeof(int))
        memcpy(self.unread, program.readers, (count + 1) * sizeof(int))
        for index in range(count):
            if not self.waiting[index]:
                self.enqueue(index)

    def __dealloc__(self):
        PyMem_Free(self.waiting)
        PyMem_Free(self.starting)

    cdef int enqueue(self, Py_ssize_t index) except -1:
        if self.program.steps[index].is_async:
            self.starting[self.last_starting] = index
            self.last_starting += 1
        else:
            self.computing[self.last_computing] = index
            self.last_computing += 1
        return 0

    def expire_after(self, seconds):
        """Let the run end with an error if it takes longer than this; gives the timer."""
        return self.crew.expire_after(seconds)

    cdef bint advance(self) except -1:
        """Take what has ended and start what can start; whether anything is still at work."""
        cdef Py_ssize_t index
        if self.crew.expired:
            raise TimeoutError("the deadline of the run passed while this step was at work")
        while (task := self.crew.take()) is not None:
            index = self.crew.live.pop(task)
            try:
                output = result_of(task)
            except BaseException as error:
                if not self.can_recover(index, error):
                    self.note(index)
                    raise
                failure = error
                output = PENDING
            if output is PENDING:
                output = self.in_hands_of_guard(index, failure)
                failure = None
            if output is not PENDING:
                self.complete(index, output)
            output = task = None
        while True:
            if self.first_starting < self.last_starting:
                index = self.starting[self.first_starting]
                self.first_starting += 1
            elif self.first_computing < self.last_computing:
                index = self.computing[self.first_computing]
                self.first_computing += 1
            else:
                return bool(self.crew.live)
            self.start(index)

    cdef int start(self, Py_ssize_t index) except -1:
        cdef Step* step = &self.program.steps[index]
        failure = None
        if step.is_timed:
            self.started[index] = clock_now(self.run)
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
        return self.crew.start(coroutine, index, step.needs_task, self if step.has_timeout else None)

    cdef object recorded(self, Py_ssize_t index, int attempt, bint later):
        """The coroutine of one try of a step, in a span of its own where the run is recorded."""
        cdef Recorder recorder = self.run.recorder
        if recorder is None:
            return self.coroutine_of(index)
        span = recorder.open(self.program, index, -1, attempt)
        return recorder.recorded(span, self.coroutine_of(index), later)

    def limited(self, index, coroutine, context):
        """Make the rest of a step end in time; asked when it first waits, since before it cannot be ended."""
        self.started.setdefault(index, clock_now(self.run))
        guard = <object>self.program.steps[<Py_ssize_t>index].guard
        return Limit(guard.timeout_s, self.run, self.program, index)(coroutine, context)

    cdef bint waits(self, Step* step) except -1:
        """Whether a step makes a coroutine: it is asynchronous, or runs over what gives items asynchronously."""
        if step.is_async or (step.kind != MAP and step.kind != FILTER):
            return step.is_async
        return _is_async_source(<object>_items(self.slots)[self.program.inputs[step.first_input]])

    cdef bint can_recover(self, Py_ssize_t index, object error) except -1:
        if self.program.steps[index].guard == NULL or index in self.recovering:
            return False
        return isinstance(error, Exception)

    cdef object in_hands_of_guard(self, Py_ssize_t index, object error):
        """Start the guard of a step, which tries it again, or first if there is no error yet."""
        cdef Step* step = &self.program.steps[index]
        cdef object value = <object>_items(self.slots)[self.program.inputs[step.last_input - 1]]
        self.recovering.add(index)
        if index not in self.trails:
            self.trails[index] = []
        attempt = AsynchronousAttempt(self, index, error is not None)
        started_s = self.started.get(index)
        if started_s is None:
            started_s = clock_now(self.run)
        coroutine = (<object>step.guard).arun(attempt, value, self.run, error, started_s)
        if self.run.recorder is not None:
            span = self.run.recorder.open(self.program, index, -1, 0)
            coroutine = self.run.recorder.recorded(span, coroutine, True)
        # In a task from its first line: it sets timeouts.
        return self.crew.start(coroutine, index, True, None)

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
            list trail = self.trails.get(index, self.trail)
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
        trail = self.trails[index] = []
        value = <object>slots[self.program.inputs[step.last_input - 1]]
        if step.kind == CHOOSE:
            return _arun(self.program.chosen(step, slots), value, trail, self.run)
        inner = (<tuple>step.programs)[0]
        if step.kind == GROUP:
            return _arun(inner, value, trail, self.run)
        if not _is_async_source(value):
            value = self.program.items_of(value)
        return _over_items(inner, value, step.kind == MAP, trail, self.run)

    cdef int complete(self, Py_ssize_t index, object output) except -1:
        """Fill a step's slot, let go of what it read last, and queue what waited for it."""
        cdef Program program = self.program
        cdef Step* step = &program.steps[index]
        cdef PyObject** slots = _items(self.slots)
        cdef Py_ssize_t position, slot
        if self.trails:
            self.trails.pop(index, None)
        if step.is_timed:
            elapsed = clock_now(self.run) - self.started[index]
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
        self.trail.extend(self.trails.pop(index, ()))
        self.trail.append((self.program, index))
        return 0

    def take_result(self):
        """The result, once nothing is left to run."""
        return <object>_items(self.slots)[self.program.result]

    async def stop(self, error):
        """End what is still at work, and note what did not end; where we are ended ourselves, note at what."""
        from asyncio import CancelledError

        ours = isinstance(error, CancelledError) or self.crew.expired
        at_work = list(self.crew.live.values())
        for index in await self.crew.stop(self.run.patience_s):
            self.run.abandoned.append((self.program, index))
        if ours and not self.trail:
            self.note(at_work[0])


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
        trail = execution.trails.get(index)
        if trail is None:
            execution.trails[index] = []
        else:
            trail.clear()
        check_deadline(execution.run)
        self._tried += 1
        if execution.waits(&execution.program.steps[index]):
            return await execution.recorded(index, self._tried, False)
        return execution.output_of(index, self._tried)

    @property
    def trail(self):
        """Where the last try failed."""
        cdef Execution execution = self._execution
        return execution.trails.setdefault(self._index, [])

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


class Limit:
    """The time that a step may take; what does not end when it is over is given up and named."""

    def __init__(self, seconds, run, program, index):
        self._seconds = seconds
        self._run = run
        self._step = program, index

    async def __call__(self, coroutine, context):
        import asyncio

        task = asyncio.get_running_loop().create_task(coroutine, context=context)
        try:
            done, _ = await asyncio.wait([task], timeout=self._seconds)
            if done:
                return result_of(task)
        except asyncio.CancelledError:
            await self._end(task)
            raise
        await self._end(task)
        error = StepTimeout(f"the step took longer than its timeout of {self._seconds:g} s")
        error.step = self._step
        raise error

    async def _end(self, task):
        import asyncio

        if task.done():
            return
        task.cancel()
        try:
            done, _ = await asyncio.wait([task], timeout=self._run.patience_s)
        except asyncio.CancelledError:
            done = ()
        if done:
            look_at(task)
        else:
            self._run.abandoned.append(self._step)
            give_up(task)


class StepTimeout(TimeoutError):
    """A step took longer than its timeout; `step` is its program and its number there."""

    step = None


cdef bint _is_async_source(object value) except -1:
    return type(value) is not list and hasattr(type(value), "__aiter__")


async def _over_items(Program program, source, bint is_map, list trail, Run run):
    """Map or filter with an asynchronous program, a window of items at a time; keeps their order."""
    return [output async for output in over_items(program, source, is_map, trail, run)]


async def over_items(Program program, source, bint is_map, list trail, Run run, window=WINDOW, ordered=True):
    """Outputs of a map, or items that a filter keeps, as they come out of a window of items at work.

    Items are pulled from an iterable or an asynchronous one when there is room for them: no more than `window` are
    at work or wait for an earlier one. They come in their order, or, not `ordered`, as they are done.
    """
    cdef Crew crew = Crew()
    cdef dict trails = {}
    cdef dict items = {}
    cdef dict outputs = {}
    cdef Py_ssize_t index = 0, given = 0
    cdef bint is_async_source = _is_async_source(source), pulling = False, exhausted = False
    iterator = aiter(source) if is_async_source else iter(source)
    try:
        while True:
            while not exhausted and not pulling and len(items) < window:
                if is_async_source:
                    item = crew.start(_next_of(iterator), SOURCE, False, None)
                    pulling = item is PENDING
                else:
                    item = next(iterator, EXHAUSTED)
                if item is PENDING:
                    break
                exhausted = item is EXHAUSTED
                if not exhausted:
                    output = _started(crew, program, item, index, trails, trail, run)
                    items[index] = item
                    if output is not PENDING:
                        outputs[index] = output
                    index += 1
            while outputs:
                number = given if ordered else next(iter(outputs))
                if number not in outputs:
                    break
                output = outputs.pop(number)
                item = items.pop(number)
                given += 1
                if is_map:
                    yield output
                elif output:
                    yield item
                output = item = None
            if not crew.live:
                if exhausted and not items:
                    return
                continue
            if len(items) < window and not exhausted and not pulling:
                continue
            await crew.changed()
            while (task := crew.take()) is not None:
                number = crew.live.pop(task)
                if number != SOURCE:
                    outputs[number] = _taken(program, task, number, trails, trail, run)
                    continue
                pulling = False
                item = result_of(task)
                exhausted = item is EXHAUSTED
                if not exhausted:
                    output = _started(crew, program, item, index, trails, trail, run)
                    items[index] = item
                    if output is not PENDING:
                        outputs[index] = output
                    index += 1
    except BaseException as error:
        if crew.live:
            await _stop(crew, error, program, trails, trail, run)
        if hasattr(iterator, "aclose"):
            await iterator.aclose()
        raise


cdef object _started(Crew crew, Program program, item, Py_ssize_t index, dict trails, list trail, Run run):
    cdef list inner = []
    try:
        coroutine = _recorded(program, index, _arun(program, item, inner, run), run)
        output = crew.start(coroutine, index, False, None)
    except BaseException:
        trail.extend(inner)
        trail.append(index)
        raise
    if output is PENDING:
        trails[index] = inner
    elif run.recorder is not None:
        run.recorder.tell(program, -1, index, output)
    return output


cdef object _taken(Program program, task, Py_ssize_t number, dict trails, list trail, Run run):
    inner = trails.pop(number)
    try:
        output = result_of(task)
    except BaseException:
        trail.extend(inner)
        trail.append(number)
        raise
    if run.recorder is not None:
        run.recorder.tell(program, -1, number, output)
    return output


async def _stop(Crew crew, error, Program program, dict trails, list trail, Run run):
    from asyncio import CancelledError

    at_work = [number for number in crew.live.values() if number != SOURCE]
    for number in await crew.stop(run.patience_s):
        if number != SOURCE:
            run.abandoned.append((program, 0))
    if isinstance(error, CancelledError) and not trail and at_work:
        trail.extend(trails[at_work[0]])
        trail.append(at_work[0])


async def _next_of(iterator):
    try:
        return await iterator.__anext__()
    except StopAsyncIteration:
        return EXHAUSTED
