"""Every error of the runtime, and how each is told to people.

    GreenLangError
    ├── InternalError            a bug of ours: please report it
    ├── StoreError               a database that cannot be opened, read or written
    └── InputError               something its reader can mend
        ├── GcelError            a program that does not compile (one or more diagnostics)
        ├── AgentError           an agent that is unknown, clashes or breaks its contract
        ├── PackError            a distribution whose pack.yaml or hooks are wrong
        ├── UnitError            a unit that is unknown, ambiguous or of the wrong dimension
        │   ├── UnknownUnit
        │   ├── AmbiguousUnit
        │   └── UnitMismatch
        ├── QuantityError        a number that cannot be taken exactly (NaN, `1,234.5`, a float)
        ├── FactorError          a factor set that cannot be read, or a choice that cannot be made
        ├── FormulaError         a formula that cannot be read, or a row that it cannot compute
        ├── DataError            rows of a file that cannot be used (one or more problems)
        ├── BundleError          a result bundle that cannot be read
        ├── QuotaError           a tenant that has used what it may
        └── StepError            a step of a plan that failed; the cause is chained

An `InputError` says four things: the value, the rule it broke, what would mend it (`fix`) and
where it stands (`place`).  `str(error)` joins them; the command line prints exactly that.
"""

from __future__ import annotations

__all__ = [
    "AgentError",
    "AmbiguousUnit",
    "BundleError",
    "DataError",
    "FactorError",
    "FormulaError",
    "GcelError",
    "GreenLangError",
    "InputError",
    "InternalError",
    "PackError",
    "Problem",
    "QuantityError",
    "QuotaError",
    "StepError",
    "StoreError",
    "UnitError",
    "UnitMismatch",
    "UnknownUnit",
    "clipped",
    "either",
    "nearest",
    "reason_of",
    "size_text",
]

import difflib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: How many problems one message prints before it only counts the rest.
PRINTED_PROBLEMS = 20


class GreenLangError(Exception):
    """The root: catch it to catch everything that the runtime raises on purpose."""


class InternalError(GreenLangError):
    """A rule of the runtime's own that did not hold. Never the user's doing."""


class StoreError(GreenLangError):
    """A database that cannot be opened, read or written: a matter for whoever runs it, not for whoever asks.

    What was asked for was not done, wholly; unless it is `uncertain`, and then it was done wholly or not at
    all, and nobody here can say which.

    Parameters
    ----------
    message : str
        What happened, in one sentence without a full stop.
    fix : str
        What would mend it; empty if the message says all there is to say.
    uncertain : bool
        Whether it may have been done: the answer to a commit was lost.
    """

    def __init__(self, message: str, *, fix: str = "", uncertain: bool = False) -> None:
        self.message = message
        self.fix = fix
        self.uncertain = uncertain
        super().__init__(f"{message}; {fix}" if fix else message)


class InputError(GreenLangError):
    """Something its reader can mend.

    Parameters
    ----------
    message : str
        The value and the rule that it broke, in one sentence without a full stop.
    fix : str
        What would mend it; empty if the message says all there is to say.
    place : str
        Where it stands: `file.csv, row 7, column 'unit'`, `line 3, column 9`, `$.steps[2]`.
    """

    def __init__(self, message: str, *, fix: str = "", place: str = "") -> None:
        self.message = message
        self.fix = fix
        self.place = place
        super().__init__(self.text())

    def text(self) -> str:
        """The whole of it on one line: `place: message; fix`."""
        text = f"{self.place}: {self.message}" if self.place else self.message
        return f"{text}; {self.fix}" if self.fix else text

    def at(self, place: str) -> InputError:
        """The same error, standing at `place`."""
        return type(self)(self.message, fix=self.fix, place=place)


class GcelError(InputError):
    """A GCEL program that does not compile; `diagnostics` holds all of its errors (see `greenlang.gcel`)."""

    def __init__(
        self, message: str, *, fix: str = "", place: str = "", diagnostics: Sequence[object] = ()
    ) -> None:
        super().__init__(message, fix=fix, place=place)
        self.diagnostics = tuple(diagnostics)


class AgentError(InputError):
    """An agent that is unknown, clashes with another or breaks its contract."""


class PackError(InputError):
    """A distribution whose `pack.yaml`, entry point or hooks are wrong."""


class UnitError(InputError):
    """A unit that cannot be used here."""


class UnknownUnit(UnitError):
    """No unit has this name."""


class AmbiguousUnit(UnitError):
    """The name is used for several units, and nothing here says which is meant."""


class UnitMismatch(UnitError):
    """Two units measure different things."""


class QuantityError(InputError):
    """A number that cannot be taken exactly."""


class FactorError(InputError):
    """A factor set that cannot be read, or a choice among factors that cannot be made."""


class FormulaError(InputError):
    """A formula that cannot be read, or a row that it cannot compute."""


class BundleError(InputError):
    """A result bundle that cannot be read as one."""


class QuotaError(InputError):
    """A tenant has used what it may; after `retry_seconds` it may use more."""

    def __init__(self, message: str, *, fix: str = "", place: str = "", retry_seconds: int = 1) -> None:
        super().__init__(message, fix=fix, place=place)
        self.retry_seconds = retry_seconds


class StepError(InputError):
    """A step of a plan failed; `__cause__` is what its agent raised."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one cell or row of a file."""

    #: Row as a spreadsheet counts it: the header is row 1.
    row: int
    #: Name of the column, or empty where the whole row is meant.
    column: str
    message: str
    fix: str = ""

    def text(self, file: str) -> str:
        """`file, row 7, column 'unit': message; fix`."""
        place = f"{file}, row {self.row}" + (f", column '{self.column}'" if self.column else "")
        return f"{place}: {self.message}" + (f"; {self.fix}" if self.fix else "")


class DataError(InputError):
    """Rows of a file that cannot be used; `problems` lists every one of them, in file order."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems, key=lambda problem: problem.row))
        lines = [problem.text(file) for problem in self.problems[:PRINTED_PROBLEMS]]
        left = len(self.problems) - len(lines)
        if left:
            lines.append(f"and {left:,} more problems in {file}")
        super().__init__("\n".join(lines))


def clipped(text: str, most: int = 40) -> str:
    """What of a long text a message repeats."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def either(names: Sequence[str]) -> str:
    """`'a', 'b' or 'c'`, for a message that leaves a choice."""
    quoted = [f"'{name}'" for name in names]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def nearest(name: str, names: Iterable[str], count: int = 3) -> list[str]:
    """The known names most like `name`, best first; letter case does not count.

    Those far behind the best are left out: names of one pack are all alike in their first half.
    """
    wanted = name.casefold()
    spelled = {candidate.casefold(): candidate for candidate in sorted(names, reverse=True)}
    close = difflib.get_close_matches(wanted, list(spelled), n=count, cutoff=0.6)
    likeness = [difflib.SequenceMatcher(None, candidate, wanted).ratio() for candidate in close]
    return [spelled[one] for one, ratio in zip(close, likeness, strict=True) if ratio > likeness[0] - 0.15]


def reason_of(error: OSError) -> str:
    """What the system says of a failure, without what libraries put around its words."""
    named = error.errno is not None and error.errno > 0  # those of name resolution are not the system's
    return os.strerror(error.errno or 0) if named else error.strerror or str(error)


def size_text(size: int) -> str:
    """A number of bytes for people: `300 MB`, `1.5 KB`, `80 bytes`; a KB has 1,024."""
    for unit, power in (("GB", 3), ("MB", 2), ("KB", 1)):
        if size >= 1024**power:
            return f"{size / 1024**power:.4g} {unit}"
    return f"{size} bytes"
