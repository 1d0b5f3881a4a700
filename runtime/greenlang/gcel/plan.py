"""The plan: a compiled program that can be run, drawn, saved and compared."""

from __future__ import annotations

__all__ = ["Plan"]

import functools
import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, Unpack

from greenlang.agents.once import once
from greenlang.gcel.compiled import Compiled
from greenlang.gcel.running import Follower, Runner, RunOptions, StreamOptions, fold, resumable, run_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Generator, Iterator

    from greenlang.gcel.calls import Agents
    from greenlang.gcel.running import Report, StepLedger, StepResult, Trace
    from greenlang_core.recording import Recorder
    from greenlang_core.scheduler import Program, Trail


class Plan(Compiled):
    """A compiled program, ready to run. Made by `greenlang.compile`, or read back by `Plan.from_json`."""

    # A slot, because Python finds a cached property slower: on a chain of ten steps, by a twelfth of the run.
    __slots__ = ("_in_place",)

    #: What the scheduler runs, from the first run on; None for a plan with asynchronous steps.
    _in_place: Program | None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "_in_place", None)

    @property
    def is_async(self) -> bool:
        """Whether some step is asynchronous: such a plan is awaited, or run where no event loop runs."""
        return self._runner.program.is_async

    def run(self, value: Any, **options: Unpack[RunOptions]) -> Any:
        """Run the plan on one value, of any type, which is handed through untouched.

        An exception of a step is raised as it is, with a note that says which step, where it is written and
        at which item.

        Parameters
        ----------
        value : object
            The input. Maps pull from lists, iterators and (in `arun`) asynchronous ones.
        deadline : float, optional
            Seconds that the whole run may take; tries again, back-off and queueing count against them.
        clock : VirtualClock, optional
            Time for tests, instead of the machine's.
        report : Report, optional
            Told what modifiers did: what was caught, tried again, late or given up.
        patience : float
            Seconds that a cancelled step may take to end, before it is given up and named.
        tenant : str
            Whom the run is for: a `cache` keeps outputs apart by it.
        ledger : StepLedger, optional
            What agents gave in earlier runs, reused where step and input are the same, and added to.
        trace : Trace, optional
            Told what ran when; `explain(trace)` says where the time went.

        Raises
        ------
        TimeoutError
            If the deadline passes first.
        GcelError
            If the plan is asynchronous and an event loop already runs in this thread; or, with a ledger, if
            the code of an agent cannot be told.
        """
        trail: Trail = []
        try:
            program = self._in_place or self._prepare_in_place()
            if options or program is None:
                return self._run_with(value, options)
            return program.run(value, trail)
        except BaseException as error:
            if trail:
                self._runner.annotate(error, trail, value)
            else:
                fold(error)
            raise

    def _run_with(self, value: Any, options: RunOptions) -> Any:
        runner = self._runner_with(options.get("ledger"))
        trace = options.get("trace")
        if trace is None:
            return runner.run(value, run_of(options))
        with _traced(trace, options, runner) as recorder:
            return runner.run(value, run_of(options, recorder))

    def arun(self, value: Any, **options: Unpack[RunOptions]) -> Coroutine[Any, Any, Any]:
        """Run the plan on one value inside an event loop; steps that wait overlap where they can.

        Takes what `run` takes. A virtual clock must be the running loop's own (`clock.run(plan.arun(…))`).
        """
        trace = options.get("trace")
        if trace is not None:
            return self._arun_traced(value, options, trace)
        return self._runner_with(options.get("ledger")).arun(value, run_of(options))

    async def _arun_traced(self, value: Any, options: RunOptions, trace: Trace) -> Any:
        runner = self._runner_with(options.get("ledger"))
        with _traced(trace, options, runner) as recorder:
            return await runner.arun(value, run_of(options, recorder))

    def each(
        self, value: Any, *, window: int = 64, deadline: float | None = None, report: Report | None = None
    ) -> Iterator[Any]:
        """Run a plan that ends in a map or a filter, and give the items of its result one at a time.

        Nothing is kept of what was given, so memory stays flat over any number of items. Steps that wait are
        at work on at most `window` items at once.
        """
        return self._runner.each(value, window, run_of({"deadline": deadline, "report": report}))

    def aeach(
        self,
        value: Any,
        *,
        window: int = 64,
        ordered: bool = True,
        deadline: float | None = None,
        report: Report | None = None,
    ) -> AsyncIterator[Any]:
        """`each` inside an event loop; not `ordered`, items come as they are done."""
        return self._runner.aeach(value, window, ordered, run_of({"deadline": deadline, "report": report}))

    def stream(self, value: Any, **options: Unpack[StreamOptions]) -> Generator[StepResult, None, None]:
        """Run the plan and give what each step gives as soon as it does; last the plan's own result.

        A map tells each item that it is done with as well. Closed early, the iterator ends what still runs,
        and has closed when that has ended; an error comes as from `run`, after all results before it. A plan
        without asynchronous steps runs on a thread of its own, a little ahead of the reader.
        """
        from greenlang.gcel.running.streams import stream

        runner = self._runner_with(options.get("ledger"))
        follower = Follower(runner, options.get("clock"))
        run = run_of(options, follower.recorder, StreamOptions)
        return stream(runner, value, run, follower)

    def astream(self, value: Any, **options: Unpack[StreamOptions]) -> AsyncGenerator[StepResult, None]:
        """`stream` inside an event loop. A reader that stops early closes it: `contextlib.aclosing`."""
        from greenlang.gcel.running.streams import astream

        runner = self._runner_with(options.get("ledger"))
        follower = Follower(runner, options.get("clock"))
        run = run_of(options, follower.recorder, StreamOptions)
        return astream(runner, value, run, follower)

    def explain(self, format: str | Trace = "text", *, planned: bool = False) -> str:  # noqa: A002  as the command's option
        """Draw the plan: as "text", "json", "mermaid" or "graphviz"; `planned`, as it runs, not as written.

        The text and the JSON tell both, and what each pass of the planner did. Given the trace of a run, say
        instead where its time went: to steps, to waiting and to the engine itself.
        """
        if not isinstance(format, str):
            from greenlang.gcel.timelines import explain_trace

            return explain_trace(format)
        from greenlang.gcel.pictures import draw

        return draw(self, format, planned=planned)

    def to_python(self) -> str:
        """The plan as a module of straight-line Python with a function `run(value)`, which needs no engine.

        Raises
        ------
        GcelError
            If an agent does not stand at the top of a module, where the text could import it from.
        """
        from greenlang.gcel.python_source import python_source

        return python_source(self)

    def differences(self, before: Compiled) -> list[str]:
        """What changed since the plan `before`, and why steps would run again; empty if nothing did."""
        from greenlang.gcel.differences import differences
        from greenlang.gcel.outlines import outline_of

        return differences(outline_of(before), outline_of(self))

    def to_json(self) -> bytes:
        """The plan as JSON, with its resources and places; `from_json` gives it back."""
        from greenlang.gcel.documents import write_plan

        return write_plan(self)

    @functools.cached_property
    def document_hash(self) -> str:
        """`sha256:` and the digest of the plan's JSON: also of where its steps are written, unlike `hash`."""
        return f"sha256:{hashlib.sha256(self.to_json()).hexdigest()}"

    @classmethod
    def from_json(cls, document: bytes | str, *, registry: Agents | None = None) -> Self:
        """Read a plan back; it is checked as a program is, against the agents that are installed here.

        Raises
        ------
        GcelError
            If it is no plan, was changed, or an agent's code here is not the code that it was compiled with.
        AgentError
            If an agent is not installed here in that version.
        """
        from greenlang.gcel.documents import read_plan

        read = read_plan(document, registry)
        return cls(read.programs, read.origins, read.agents, read.codes, read.resources, read.types)

    @once
    def _runner(self) -> Runner:
        return Runner(self)

    def _runner_with(self, ledger: StepLedger | None) -> Runner:
        return self._runner if ledger is None else Runner(self, resumable(self, ledger))

    def _prepare_in_place(self) -> Program | None:
        if not self.is_async:
            object.__setattr__(self, "_in_place", self._runner.program)
        return self._in_place


@contextmanager
def _traced(trace: Trace, options: RunOptions, runner: Runner) -> Iterator[Recorder]:
    recorder = trace.begin(runner, options.get("clock"))
    try:
        yield recorder
    finally:
        trace.end()
