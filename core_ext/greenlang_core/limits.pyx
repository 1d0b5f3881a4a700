"""The time that a step may take, and that its guard has for trying it again.

What does not end when it is over is given up and named.
"""

from greenlang_core.tasks cimport result_of
from greenlang_core.tasks import give_up, look_at


class StepTimeout(TimeoutError):
    """A step took longer than its timeout; `step` is its program and its number there."""

    step = None

    @classmethod
    def of(cls, program, index, seconds):
        """The error of one step."""
        error = cls(f"the step took longer than its timeout of {seconds:g} s")
        error.step = program, index
        return error


class Limit:
    """Ends a coroutine that a guard awaits after some seconds; a step's first try is ended by its run itself."""

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
            await self._end(task)
        except asyncio.CancelledError:
            # Whoever cancels us may give us up before we give up the task: then nobody else may wait for it.
            give_up(task)
            await self._end(task)
            raise
        raise StepTimeout.of(*self._step, self._seconds)

    async def _end(self, task):
        import asyncio

        if task.done():
            return
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=self._run.patience_s)
        if done:
            look_at(task)
        else:
            self._run.abandon(self._step[0].label(self._step[1]))
            give_up(task)
