"""What happened in a run besides its result: what modifiers did, and what did not end when it was told to."""

from __future__ import annotations

__all__ = ["Catching", "Caught", "Happening", "Report", "note_caught"]

from collections.abc import Iterable, Mapping
from contextlib import suppress
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, cast

Kind = Literal["caught", "retried", "late", "abandoned"]


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened to a step.

    `caught`: its error was handled; `retried`: it was tried again; `late`: it took longer than its monitor
    allows; `abandoned`: it was cancelled and did not end within the run's patience, so it may still run.
    """

    kind: Kind
    step: str
    #: What is known of it: `error`, `attempt`, `delay_s`, `elapsed_s`.
    facts: Mapping[str, Any]


class Caught(NamedTuple):
    """Whose error a `catch` handled, and the name of its class."""

    step: str
    error: str


_caught: ContextVar[list[Caught] | None] = ContextVar("greenlang_caught", default=None)


def note_caught(caught: Iterable[Caught]) -> None:
    """Tell whoever asks for what the result of a run comes of."""
    noted = _caught.get()
    if noted is not None:
        noted.extend(caught)


class Catching:
    """Gives a list of what every `catch` handles inside of the block, in whichever run and thread."""

    __slots__ = ("_token",)

    _token: Token[list[Caught] | None]

    def __enter__(self) -> list[Caught]:
        noted: list[Caught] = []
        self._token = _caught.set(noted)
        return noted

    def __exit__(self, *_: object) -> None:
        # A coroutine that was given up is closed wherever it is collected: nothing is to be put back there.
        with suppress(ValueError):
            _caught.reset(self._token)


@dataclass(slots=True)
class Report:
    """Give one to `Plan.run` to be told what happened: `plan.run(value, report=report)`."""

    happenings: list[Happening] = field(default_factory=list)

    def note(self, kind: str, step: str, facts: Mapping[str, Any]) -> None:
        """Add what happened; the scheduler and its guards call this."""
        self.happenings.append(Happening(cast(Kind, kind), step, dict(facts)))

    def of(self, kind: Kind) -> list[Happening]:
        """What happened of one kind, in its order."""
        return [each for each in self.happenings if each.kind == kind]
