"""Coroutines at work together: stepped in place, given a task when they suspend, ended together.

A coroutine that returns without waiting costs no task: it is sent its first `None` here, in a context of its own as
a task would have it.  One that suspends while no other does is held: what it waits for is what its crew waits for,
and its crew steps it. Where two wait, both go on as tasks from what they wait for.  Without a task of its own a
coroutine sees that of its parent as `asyncio.current_task()`, so one that cancels itself or sets a timeout asks for a
task from its first line (`needs_task`).

A task that is cancelled may take its time, but not for ever: `stop` gives up those that do not end within a
patience, and says which.
"""

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF

from greenlang_core.tasks cimport Resumption, running_loop
from greenlang_core.tasks import give_up, look_at

cdef extern from "Python.h":
    ctypedef enum PySendResult:
        PYGEN_RETURN
        PYGEN_ERROR
        PYGEN_NEXT
    PySendResult PyIter_Send(object iterator, object value, PyObject** output) noexcept
    object PyContext_CopyCurrent()
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1
    void Py_DECREF(PyObject*)

cdef object PENDING = object()


cdef inline object _owned(PyObject* new_reference):
    """An object from a function that gives a new reference."""
    cdef object value = <object>new_reference
    Py_DECREF(new_reference)
    return value


cdef int give(object value, PyObject** outcome) except -1:
    """Give a value to whoever steps a crew."""
    Py_INCREF(value)
    outcome[0] = <PyObject*>value
    return 0


cdef int _raise_current() except -1:
    """Let the exception that C code has set go on as Cython's own."""
    return -1


cdef bint _step(object coroutine, object context, object exception, PyObject** outcome) except -1:
    """Let a coroutine go on, or raise inside it; whether it is done, and what it returned or waits for."""
    cdef PySendResult status
    PyContext_Enter(context)
    try:
        if isinstance(coroutine, Crew):
            return (<Crew>coroutine).drive(exception, outcome)
        if exception is None:
            status = PyIter_Send(coroutine, None, outcome)
            if status == PYGEN_ERROR:
                _raise_current()
            return status == PYGEN_RETURN
        try:
            give(coroutine.throw(exception), outcome)
        except StopIteration as stop:
            give(stop.value, outcome)
            return True
        return False
    finally:
        PyContext_Exit(context)


cdef class Crew:
    """The coroutines of one program or one map, and itself the coroutine that steps them.

    A crew of a kind says how it goes on (`proceed`), how it ends what is at work after an error (`end`), and what is
    left to do then (`leave`).
    """

    # What it does with coroutines

    cdef object start(self, object coroutine, Py_ssize_t number, bint needs_task, bint is_limited):
        """Run a coroutine to its first real wait; gives its result, or PENDING if it goes on.

        The time of one that `is_limited` runs from then, since before it nothing can end it (see `limit`).
        """
        cdef object context = PyContext_CopyCurrent(), yielded = None
        cdef PyObject* outcome = NULL
        if not needs_task:
            if _step(coroutine, context, None, &outcome):
                return _owned(outcome)
            yielded = _owned(outcome)
            if self.holds and not is_limited and not self.is_at_work():
                self.held, self.held_context, self.held_yield = coroutine, context, yielded
                self.held_number = number
                return PENDING
        self.promote()
        self.make_task(coroutine, yielded, context, number, is_limited)
        return PENDING

    cdef object resume(self, object exception):
        """Let the coroutine that is held go on; gives its result, or PENDING if it waits again."""
        cdef PyObject* outcome = NULL
        cdef object coroutine = self.held
        self.held = self.held_yield = None
        if _step(coroutine, self.held_context, exception, &outcome):
            return _owned(outcome)
        self.held = coroutine
        self.held_yield = _owned(outcome)
        return PENDING

    cdef int promote(self) except -1:
        """Give the coroutine that is held a task."""
        if self.held is not None:
            coroutine, self.held = self.held, None
            self.make_task(coroutine, self.held_yield, self.held_context, self.held_number, False)
            self.held_yield = None
        return 0

    cdef int make_task(
        self, object coroutine, object yielded, object context, Py_ssize_t number, bint is_limited
    ) except -1:
        if self.live is None:
            self.live = {}
            self.ended = []
            self.taking = []
        if self.loop is None:
            self.loop = running_loop()
        task = self.loop.create_task(Resumption.of(coroutine, yielded), context=context)
        self.live[task] = number
        task.add_done_callback(self.on_end)
        if is_limited:
            self.limit(task, number)
        return 0

    cdef bint is_at_work(self) noexcept:
        return self.held is not None or (self.live is not None and len(self.live) > 0)

    cdef list numbers(self):
        """The numbers of what is at work."""
        if self.held is not None:
            return [self.held_number]
        return list(self.live.values()) if self.live is not None else []

    cdef object take(self):
        """The task that ended first, or None; whoever takes it asks it for its result."""
        if not self.taking:
            if not self.ended:
                return None
            self.taking, self.ended = self.ended, self.taking
            self.taking.reverse()
        return self.taking.pop()

    cdef object what_to_wait_for(self):
        """What to wait for before there is anything to take or to resume."""
        if self.held is not None:
            yielded, self.held_yield = self.held_yield, None
            return yielded
        self.waiter = self.loop.create_future()
        # As awaiting it would say: a task takes nothing that is yielded without it.
        self.waiter._asyncio_future_blocking = True
        return self.waiter

    def on_end(self, task):
        """Note the end of a task and wake whoever waits."""
        self.ended.append(task)
        self.wake()

    def expire(self):
        """Note that the time is over, and wake whoever waits."""
        self.expired = True
        self.wake()

    def expire_after(self, seconds):
        """Expire when this many seconds have passed; gives the timer."""
        if self.loop is None:
            self.loop = running_loop()
        return self.loop.call_later(max(0, seconds), self.expire)

    cdef int wake(self) except -1:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)
        return 0

    async def changed(self):
        """Wait until a task has ended that was not taken, or the time is over."""
        if not self.ended and not self.taking and not self.expired:
            self.waiter = self.loop.create_future()
            try:
                await self.waiter
            finally:
                self.waiter = None

    async def stop(self, double patience_s, bint asked):
        """Cancel all, unless they were `asked` to end, and wait until they have, however often we are cancelled.

        Gives the numbers of those that did not end within `patience_s` after they were last asked to; their
        tasks run on, and nobody waits for them any more.
        """
        from asyncio import CancelledError

        self.promote()
        if not asked:
            self.cancel()
        self.expired = False
        timer = self.loop.call_later(patience_s, self.expire)
        try:
            while self.live and not self.expired:
                try:
                    await self.changed()
                except CancelledError:
                    # Whoever wants us gone wants them gone: what ignored the first request gets another.
                    self.cancel()
                while (task := self.take()) is not None:
                    del self.live[task]
                    look_at(task)
        finally:
            timer.cancel()
        left = list(self.live.values())
        for task in self.live:
            task.remove_done_callback(self.on_end)
            give_up(task)
        self.live.clear()
        return left

    cdef int cancel(self) except -1:
        for task in list(self.live):
            task.cancel()
        return 0

    # The coroutine that it is

    def __del__(self):
        self.close()

    def send(self, value):
        """Go on; a task calls this."""
        return self.__next__()

    def throw(self, kind, value=None, traceback=None):
        """Raise inside the crew: it ends what is at work, and is over when that has ended."""
        cdef PyObject* outcome = NULL
        if isinstance(kind, BaseException):
            value = kind
        elif not isinstance(value, BaseException):
            value = kind() if value is None else kind(value)
        if self.drive(value, &outcome):
            raise StopIteration(_owned(outcome))
        return _owned(outcome)

    def close(self):
        """Tell what is at work to end, and wait for nothing."""
        if self.over:
            return
        self.over = True
        if self.held is not None:
            coroutine, self.held = self.held, None
            coroutine.close()
        if self.live and not self.loop.is_closed():
            self.cancel()
        self.leave(None)

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        cdef PyObject* outcome = NULL
        if self.drive(None, &outcome):
            raise StopIteration(_owned(outcome))
        return _owned(outcome)

    cdef bint drive(self, object exception, PyObject** outcome) except -1:
        """Go on as a coroutine does; whether it returns, and what it returns or waits for."""
        if self.over:
            raise RuntimeError("what is over cannot be awaited again")
        if not self.begun:
            self.begun = True
            self.begin()
        if self.context is not None:
            PyContext_Enter(self.context)
        try:
            if self.ending is None:
                self.waiter = None
                try:
                    if self.proceed(exception, outcome):
                        return True
                    give(self.what_to_wait_for(), outcome)
                    return False
                except BaseException as error:
                    # Whatever it is, it is raised when all has ended.
                    self.failure = error
                exception = None
                self.ending = self.end(self.failure)
            try:
                give(self.ending.send(None) if exception is None else self.ending.throw(exception), outcome)
                return False
            except StopIteration:
                pass
            error, self.failure, self.ending = self.failure, None, None
            self.over = True
            self.leave(error)
            if isinstance(error, StopIteration):
                raise RuntimeError("a step raised StopIteration") from error
            raise error
        finally:
            if self.context is not None:
                PyContext_Exit(self.context)

    cdef int begin(self) except -1:
        """Do what is done once, before all."""
        return 0

    cdef int limit(self, object task, Py_ssize_t number) except -1:
        """See to it that a task ends in time."""
        raise NotImplementedError

    cdef bint proceed(self, object exception, PyObject** outcome) except -1:
        """Do what can be done, or raise what is thrown in; whether there is an outcome, else all waits."""
        raise NotImplementedError

    async def end(self, error):
        """End what is still at work after an error, which is raised then."""
        raise NotImplementedError

    cdef int leave(self, object error) except -1:
        """Do what is done once, after all."""
        return 0
