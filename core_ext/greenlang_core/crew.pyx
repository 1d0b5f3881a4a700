"""Coroutines at work together: stepped in place, given a task when they suspend, ended together.

A coroutine that returns without waiting costs no task: it is sent its first `None` here, in a context of its own as
a task would have it.  One that suspends goes on as a task from the future that it waits for.  Until then
`asyncio.current_task()` is its parent, so a coroutine that cancels itself or sets a timeout asks for a task from its
first line (`needs_task`).
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


cdef class Resumption:
    """The rest of a coroutine that was stepped once: first gives what it yielded then, then the coroutine itself.

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
        return self._coroutine.send(value)

    def throw(self, *exception):
        """Raise inside the coroutine, at the point where it waits."""
        self._yielded = None
        return self._coroutine.throw(*exception)

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

    cdef object start(self, object coroutine, object number, bint needs_task):
        """Run a coroutine to its first real wait; gives its result, or PENDING if it goes on as a task."""
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
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def changed(self):
        """Wait until a task has ended that was not taken."""
        if not self.ended:
            self.waiter = self.loop.create_future()
            try:
                await self.waiter
            finally:
                self.waiter = None

    async def stop(self):
        """Cancel all tasks and wait until every one of them has ended, however often we are cancelled."""
        from asyncio import CancelledError

        self.cancel()
        while self.live:
            try:
                await self.changed()
            except CancelledError:
                # Whoever wants us gone wants them gone: what ignored the first request gets another.
                self.cancel()
            while (task := self.take()) is not None:
                del self.live[task]
                if not task.cancelled():
                    # The first error is the one that is told; asking marks this one as seen.
                    task.exception()

    cdef int cancel(self) except -1:
        for task in list(self.live):
            task.cancel()
        return 0


cdef object _get_running_loop = None


cdef object _running_loop():
    # asyncio takes longer to import than all of this; a program that never waits never needs it.
    global _get_running_loop
    if _get_running_loop is None:
        from asyncio import get_running_loop

        _get_running_loop = get_running_loop
    return _get_running_loop()
