"""Coroutines at work together: stepped in place, given a task when they suspend, ended together.

A coroutine that returns without waiting costs no task: it is sent its first `None` here, in a context of its own as
a task would have it.  One that suspends goes on as a task from the future that it waits for.  Until then
`asyncio.current_task()` is its parent, so a coroutine that cancels itself or sets a timeout asks for a task from its
first line (`needs_task`).

A task that is cancelled may take its time, but not for ever: `stop` gives up those that do not end within a
patience, and says which.
"""

from cpython.object cimport PyObject

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


cdef int _raise_current() except -1:
    """Let the exception that C code has set go on as Cython's own."""
    return -1


class Leaving(BaseException):
    """Carries a SystemExit or KeyboardInterrupt out of a task.

    A task lets these two out of the event loop at once, before anybody could say where they were raised and
    end the others.
    """

    def __init__(self, error):
        self.error = error


cdef object result_of(object task):
    """What a task that ended gave or raised."""
    try:
        return task.result()
    except Leaving as leaving:
        raise leaving.error


cdef class Resumption:
    """A coroutine for a task; of one that was stepped once, first gives what it yielded then.

    A task takes it for a coroutine because it has all four methods of one.
    """

    cdef object _coroutine
    cdef object _yielded    # None where the coroutine only gave way once: making the task did that

    def __cinit__(self, coroutine, yielded):
        self._coroutine = coroutine
        self._yielded = yielded

    def send(self, value):
        """Go on; a task calls this."""
        cdef object yielded = self._yielded
        if yielded is not None:
            self._yielded = None
            return yielded
        try:
            return self._coroutine.send(value)
        except (SystemExit, KeyboardInterrupt) as error:
            raise Leaving(error) from None

    def throw(self, *exception):
        """Raise inside the coroutine, at the point where it waits."""
        self._yielded = None
        try:
            return self._coroutine.throw(*exception)
        except (SystemExit, KeyboardInterrupt) as error:
            raise Leaving(error) from None

    def close(self):
        """End the coroutine."""
        self._coroutine.close()

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return self.send(None)


cdef class Crew:
    """The coroutines of one program or one map.

    Whoever starts coroutines takes their results with `take` after awaiting `changed()`, and awaits `stop()` before
    it leaves them behind.
    """

    def __cinit__(self):
        self.live = {}
        self.ended = []

    cdef object start(self, object coroutine, object number, bint needs_task, object limiter):
        """Run a coroutine to its first real wait; gives its result, or PENDING if it goes on as a task.

        `limiter.limited(number, coroutine, context)`, if there is one, makes of the rest of the coroutine one that
        ends in time.
        """
        cdef object context = PyContext_CopyCurrent()
        cdef PyObject* output = NULL
        cdef PySendResult status
        if not needs_task:
            PyContext_Enter(context)
            status = PyIter_Send(coroutine, None, &output)
            PyContext_Exit(context)
            if status == PYGEN_RETURN:
                return _owned(output)
            if status == PYGEN_ERROR:
                _raise_current()
            coroutine = Resumption(coroutine, _owned(output))
        else:
            coroutine = Resumption(coroutine, None)
        if limiter is not None:
            coroutine = Resumption(limiter.limited(number, coroutine, context), None)
        if self.loop is None:
            self.loop = _running_loop()
        task = self.loop.create_task(coroutine, context=context)
        self.live[task] = number
        task.add_done_callback(self.on_end)
        return PENDING

    cdef object take(self):
        """The task that ended first, or None; whoever takes it asks it for its result."""
        return self.ended.pop(0) if self.ended else None

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
            self.loop = _running_loop()
        return self.loop.call_later(max(0, seconds), self.expire)

    cdef int wake(self) except -1:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)
        return 0

    async def changed(self):
        """Wait until a task has ended that was not taken, or the time is over."""
        if not self.ended and not self.expired:
            self.waiter = self.loop.create_future()
            try:
                await self.waiter
            finally:
                self.waiter = None

    async def stop(self, double patience_s):
        """Cancel all tasks and wait until they have ended, however often we are cancelled.

        Gives the numbers of those that did not end within `patience_s` after they were last asked to; their
        tasks run on, and nobody waits for them any more.
        """
        from asyncio import CancelledError

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


def look_at(task):
    """Mark the error of a task as seen: the first error is the one that is told."""
    if not task.cancelled():
        task.exception()


def give_up(task):
    """Let a task run on that nobody will wait for: neither its crew nor the end of the event loop."""
    from asyncio import _unregister_task

    task.add_done_callback(look_at)
    task._log_destroy_pending = False
    _unregister_task(task)


cdef object _get_running_loop = None


cdef object _running_loop():
    # asyncio takes longer to import than all of this; a program that never waits never needs it.
    global _get_running_loop
    if _get_running_loop is None:
        from asyncio import get_running_loop

        _get_running_loop = get_running_loop
    return _get_running_loop()
