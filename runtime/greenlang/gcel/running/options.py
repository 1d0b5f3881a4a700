"""What can be asked of a run beside its input."""

from __future__ import annotations

__all__ = ["RunOptions", "StreamOptions", "run_of"]

from typing import TYPE_CHECKING, TypedDict

from greenlang_core.runs import Run

if TYPE_CHECKING:
    from greenlang.gcel.running.reports import Report
    from greenlang.gcel.running.resuming import StepLedger
    from greenlang.gcel.running.runs import Clock
    from greenlang.gcel.running.traces import Trace
    from greenlang_core.recording import Recorder


class StreamOptions(TypedDict, total=False):
    """The options of `Plan.stream`."""

    deadline: float | None
    clock: Clock | None
    report: Report | None
    patience: float
    tenant: str
    ledger: StepLedger | None


class RunOptions(StreamOptions, total=False):
    """The options of `Plan.run`, which says what each is for.

    A dictionary, because most runs have none: to fill in seven defaults takes longer than three steps.
    """

    trace: Trace | None


def run_of(
    options: RunOptions | StreamOptions,
    recorder: Recorder | None = None,
    known: type[StreamOptions] = RunOptions,
) -> Run:
    """What the scheduler is told of a run; TypeError for an option that is not among the known ones."""
    unknown = options.keys() - known.__annotations__
    if unknown:
        raise TypeError(f"there is no option '{min(unknown)}' here, only {', '.join(known.__annotations__)}")
    return Run(
        clock=options.get("clock"),
        deadline_s=options.get("deadline"),
        patience_s=options.get("patience", 1.0),
        report=options.get("report"),
        tenant=options.get("tenant", ""),
        recorder=recorder,
    )
