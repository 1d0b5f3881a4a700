from greenlang_core.scheduler import Program

class StepTimeout(TimeoutError):
    step: tuple[Program, int] | None
