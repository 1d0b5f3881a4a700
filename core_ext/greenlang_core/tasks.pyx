"""Tasks of coroutines: from where a coroutine was stepped to, and what is done with one that ended or did not."""


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

    @staticmethod
    cdef Resumption of(object coroutine, object yielded):
        cdef Resumption resumption = Resumption.__new__(Resumption)
        resumption.coroutine = coroutine
        resumption.yielded = yielded
        return resumption

    def send(self, value):
        """Go on; a task calls this."""
        cdef object yielded = self.yielded
        if yielded is not None:
            self.yielded = None
            return yielded
        try:
            return self.coroutine.send(value)
        except (SystemExit, KeyboardInterrupt) as error:
            raise Leaving(error) from None

    def throw(self, *exception):
        """Raise inside the coroutine, at the point where it waits."""
        cdef object yielded = self.yielded
        self.yielded = None
        if yielded is not None and yielded.cancel():
            # Cancelled before it began, a task has not passed that on to what the coroutine waits for.
            return yielded
        try:
            return self.coroutine.throw(*exception)
        except (SystemExit, KeyboardInterrupt) as error:
            raise Leaving(error) from None

    def close(self):
        """End the coroutine."""
        self.coroutine.close()

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return self.send(None)


def look_at(task):
    """Mark the error of a task as seen, if it has ended: the first error is the one that is told."""
    if task.done() and not task.cancelled():
        task.exception()


def give_up(task):
    """Let a task run on that nobody will wait for: neither its crew nor the end of the event loop."""
    from asyncio import _unregister_task

    task.add_done_callback(look_at)
    task._log_destroy_pending = False
    _unregister_task(task)


cdef object _get_running_loop = None


cdef object running_loop():
    # asyncio takes longer to import than all of this; a program that never waits never needs it.
    global _get_running_loop
    if _get_running_loop is None:
        from asyncio import get_running_loop

        _get_running_loop = get_running_loop
    return _get_running_loop()
