"""Maps and filters that give their outputs one at a time, or whose steps wait.

Items are pulled when there is room for them: no more than a window of them are at work, or done and waiting for an
earlier one, so memory stays flat over any number of items.
"""

from cpython.object cimport PyObject
from libc.math cimport INFINITY

from greenlang_core.crew cimport PENDING, Crew, give
from greenlang_core.executions cimport is_async_source, run_of
from greenlang_core.runs cimport Run
from greenlang_core.scheduler cimport Program, check_decimals, exact_context
from greenlang_core.tasks cimport result_of

cdef extern from "Python.h":
    object PyObject_Vectorcall(PyObject* function, PyObject** arguments, size_t count, PyObject* names)
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1

cdef enum:
    # The number of the coroutine that pulls the next item from an asynchronous source.
    SOURCE = -1

#: How many items of a map are at work at once where they wait.
WINDOW = 64


def outputs_of(Program program, source, bint is_map, list trail, Run run):
    """A coroutine that maps or filters all items of a source, in their order, as a step of a run."""
    cdef Outputs outputs = Outputs(program, source, is_map, trail, run)
    outputs.is_whole = False
    outputs.taking_what = ALL
    return outputs


cdef class Outputs(Crew):
    """Outputs of a map, or items that a filter keeps, as they come out of a window of items at work.

    An asynchronous iterator: whoever stops before its end awaits `aclose()`.

    Parameters
    ----------
    source : iterable or asynchronous iterable
    trail : list
        Where it failed, from the inside out.
    is_ordered : bool
        Whether outputs come in the order of their items, or as they are done.
    context : decimal.Context, optional
        The decimal context of the steps.
    """

    def __cinit__(
        self, Program program, source, bint is_map, list trail, Run run, Py_ssize_t window=WINDOW, bint is_ordered=True,
        *, context=None,
    ):
        self.program = program
        self.is_async_source = is_async_source(source)
        self.iterator = aiter(source) if self.is_async_source else iter(source)
        self.is_map = is_map
        self.trail = trail
        self.run = run
        self.window = window
        self.is_ordered = is_ordered
        self.decimals = context
        self.is_whole = True
        self.gathered = []
        self.items = {}
        self.outputs = {}
        self.trails = {}

    def __aiter__(self):
        return self

    def __anext__(self):
        if self.over:
            raise StopAsyncIteration
        self.taking_what = ONE
        return self

    def ready(self):
        """To be awaited: a list of what is ready, at least one output; StopAsyncIteration after the last."""
        if self.over:
            raise StopAsyncIteration
        self.taking_what = READY
        return self

    async def aclose(self):
        """End what is at work."""
        if not self.over:
            self.over = True
            await self.end(None)
            self.leave(None)

    cdef int begin(self) except -1:
        if self.decimals is not None:
            self.context = exact_context(self.decimals)
        if self.is_whole and self.run.deadline_s < INFINITY:
            self.timer = self.expire_after(self.run.left())
        return 0

    cdef int leave(self, object error) except -1:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        return 0

    cdef bint proceed(self, object exception, PyObject** outcome) except -1:
        if exception is not None:
            raise exception
        if self.postponed is not None:
            error, self.postponed = self.postponed, None
            raise error
        try:
            return self.gather(outcome)
        except Exception as error:
            if self.taking_what != READY or not self.gathered:
                raise
            # What was ready before is given before.
            self.postponed = error
        self.give_gathered(outcome)
        return True

    cdef bint gather(self, PyObject** outcome) except -1:
        if self.expired:
            raise TimeoutError("the deadline of the run passed while this step was at work")
        while (task := self.take()) is not None:
            self.settle(task)
        while True:
            while self.outputs and not (self.taking_what == ONE and self.gathered):
                number = self.given if self.is_ordered else next(iter(self.outputs))
                if number not in self.outputs:
                    break
                self.hand_over(number, self.outputs.pop(number))
            if self.taking_what == ONE and self.gathered:
                give(self.gathered.pop(), outcome)
                return True
            if self.has_room():
                self.pull()
            elif self.taking_what == READY and self.gathered:
                self.give_gathered(outcome)
                return True
            elif self.is_at_work():
                return False
            elif self.taking_what == ALL:
                self.over = True
                self.leave(None)
                self.give_gathered(outcome)
                return True
            else:
                raise StopAsyncIteration

    cdef int give_gathered(self, PyObject** outcome) except -1:
        gathered, self.gathered = self.gathered, []
        return give(gathered, outcome)

    cdef bint has_room(self) noexcept:
        cdef Py_ssize_t held_back = len(self.gathered) if self.taking_what == READY else 0
        return not self.exhausted and not self.pulling and self.pulled - self.given + held_back < self.window

    cdef int pull(self) except -1:
        """Start on the next item, if there is one."""
        try:
            if self.is_async_source:
                coming = self.iterator.__anext__()
                if not hasattr(coming, "send"):
                    # No coroutine, but whatever else may be awaited.
                    coming = coming.__await__()
                item = self.start(coming, SOURCE, False, False)
                if item is PENDING:
                    self.pulling = True
                    return 0
            else:
                item = next(self.iterator)
        except (StopIteration, StopAsyncIteration):
            self.exhausted = True
            return 0
        return self.started(item)

    cdef int started(self, object item) except -1:
        cdef Py_ssize_t number = self.pulled
        cdef PyObject* argument = <PyObject*>item
        cdef list inner = None
        self.pulled += 1
        if not self.is_map:
            self.items[number] = item
        try:
            if self.program.is_single_wait and self.run.recorder is None and not self.run.is_watched:
                coroutine = PyObject_Vectorcall(self.program.steps[0].function, &argument, 1, NULL)
                output = self.start(coroutine, number, False, False)
            else:
                inner = []
                output = self.start(run_of(self.program, number, item, inner, self.run), number, False, False)
        except BaseException as error:
            raise self.noted(number, inner, error)
        if output is not PENDING:
            return self.done(number, output)
        if inner is not None:
            self.trails[number] = inner
        return 0

    cdef int settle(self, object task) except -1:
        """Take what came of an item, or of the source's next one."""
        cdef Py_ssize_t number = self.live.pop(task)
        if number == SOURCE:
            self.pulling = False
            try:
                item = result_of(task)
            except StopAsyncIteration:
                self.exhausted = True
                return 0
            return self.started(item)
        cdef list inner = self.trails.pop(number, None)
        try:
            output = result_of(task)
        except BaseException as error:
            raise self.noted(number, inner, error)
        return self.done(number, output)

    cdef int done(self, Py_ssize_t number, object output) except -1:
        if self.run.recorder is not None:
            self.run.recorder.tell(self.program, -1, number, output)
        if self.taking_what != ONE and (number == self.given or not self.is_ordered):
            self.hand_over(number, output)
        else:
            self.outputs[number] = output
        return 0

    cdef int hand_over(self, Py_ssize_t number, object output) except -1:
        self.given += 1
        if self.is_map:
            self.gathered.append(output)
        else:
            item = self.items.pop(number)
            if output:
                self.gathered.append(item)
        return 0

    cdef int note(self, Py_ssize_t number, list inner) except -1:
        """Add to the trail where it failed."""
        if inner is None:
            self.trail.append((self.program, 0))
        else:
            self.trail.extend(inner)
        self.trail.append(number)
        return 0

    cdef object noted(self, Py_ssize_t number, list inner, object error):
        """The error of an item, once it is noted where it failed."""
        self.note(number, inner)
        if not isinstance(error, StopAsyncIteration):
            return error
        # Else it would say that there are no more items.
        raised = RuntimeError("a step raised StopAsyncIteration")
        raised.__cause__ = error
        return raised

    async def end(self, error):
        """End what is at work, and let go of the source; where we are ended ourselves, note at what."""
        at_work = [number for number in self.numbers() if number != SOURCE]
        pulls = False
        if self.is_at_work():
            from asyncio import CancelledError

            for number in await self.stop(self.run.patience_s, False):
                pulls = pulls or number == SOURCE
                self.run.abandon("the source of the items" if number == SOURCE else self.program.label(0))
            if isinstance(error, CancelledError) and not self.trail and at_work:
                self.note(at_work[0], self.trails.get(at_work[0]))
        if not self.exhausted and not pulls and self.is_async_source and hasattr(self.iterator, "aclose"):
            try:
                await self.iterator.aclose()
            except BaseException as closing:
                if error is None:
                    raise
                # What failed first is told, and this with it.
                BaseException.add_note(error, f"closing the source of the items failed too: {closing!r}")


cdef class Computed:
    """The same for steps that compute in place: an iterator, one item at a time."""

    def __cinit__(self, Program program, source, bint is_map, list trail, Run run, *, context):
        self.program = program
        self.iterator = iter(source)
        self.is_map = is_map
        self.trail = trail
        self.run = run
        self.decimals = context
        self.context = exact_context(context)
        self.number = -1

    def __iter__(self):
        return self

    def __next__(self):
        PyContext_Enter(self.context)
        try:
            while True:
                item = next(self.iterator)
                self.number += 1
                output = self.computed(item)
                if self.is_map:
                    return output
                if output:
                    return item
        finally:
            PyContext_Exit(self.context)

    cdef object computed(self, object item):
        try:
            if self.run.recorder is None:
                output = self.program.execute(item, self.trail, self.run)
            else:
                output = self.program.recorded(-1, self.number, 1, item, NULL, NULL, self.trail, self.run)
                self.run.recorder.tell(self.program, -1, self.number, output)
            check_decimals(self.decimals)
            return output
        except StopIteration as error:
            self.trail.append(self.number)
            # Else it would say that there are no more items.
            raise RuntimeError("a step raised StopIteration") from error
        except BaseException:
            self.trail.append(self.number)
            raise
