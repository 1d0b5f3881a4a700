"""What an execution that failed is told as, and whether it is worth another try."""

from __future__ import annotations

__all__ = ["Mishap", "backoff", "contained", "mishap_of"]

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from greenlang.errors import GcelError, InputError, StoreError
from greenlang.gcel.running import BUGS

T = TypeVar("T")

#: The wait before the second attempt; each further one waits twice as long, up to the longest.
_FIRST_WAIT = 1_000_000
_LONGEST_WAIT = 300_000_000


@dataclass(frozen=True, slots=True)
class Mishap:
    """Why an attempt failed."""

    code: str
    message: str
    hint: str
    place: str
    #: The step and input that it happened at, as the plan's note says it.
    note: str
    #: Whether trying again may help: not with a mistake in the input or a bug in an agent.
    worth_retrying: bool

    def document(self) -> bytes:
        """As JSON; what is empty is left out."""
        told = {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "place": self.place,
            "note": self.note,
        }
        # What came of bytes that are no UTF-8, such as the name of a file, is written out.
        written = {name: text.encode("utf-8", "backslashreplace").decode() for name, text in told.items()}
        return msgspec.json.encode({name: text for name, text in written.items() if text})


def mishap_of(error: BaseException) -> Mishap:
    """What an exception of a run is told as: its own words and where it came up, never a traceback."""
    note = "\n".join(getattr(error, "__notes__", ()))
    if isinstance(error, InputError):
        code = "program" if isinstance(error, GcelError) else "input"
        return Mishap(code, error.message, error.fix, error.place, note, False)
    if isinstance(error, StoreError):
        return Mishap("store", error.message, error.fix, "", note, True)
    message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return Mishap("agent", message, "", "", note, not isinstance(error, BUGS))


def backoff(attempt: int) -> int:
    """Microseconds to wait after a failed attempt: twice as long each time, and up to half of it by chance.

    Without chance, executions that failed together would come back together.
    """
    longest = min(_FIRST_WAIT << (attempt - 1), _LONGEST_WAIT)
    return longest // 2 + random.randrange(longest // 2 + 1)  # noqa: S311  it spreads load, nothing more


def contained(run: Callable[[], T]) -> T | BaseException:
    """Run in a thread; whatever is raised is given back, as no future takes each exception that there is."""
    try:
        return run()
    except StopIteration as error:
        stopped = RuntimeError("the agent raised StopIteration")
        stopped.__cause__ = error
        return stopped
    except BaseException as error:
        return error
