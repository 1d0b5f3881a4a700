"""Periods of activity data: whole days, written as ISO 8601 writes them."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from greenlang.errors import InputError

__all__ = ["Period", "parse_day", "parse_period"]

_WRITE = (
    "write a year (2025), a quarter (2025-Q1), a month (2025-03), a day (2025-03-31) "
    "or two days (2025-01-01/2025-03-31)"
)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FORM = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(\d{2})(?:-(\d{2}))?))?")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The days from `start` to `end`, both included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """How many days it covers."""
        return (self.end - self.start).days + 1

    def __str__(self) -> str:
        return f"{self.start}/{self.end}"


def parse_day(text: str) -> date | None:
    """Read `2025-01-15`; None for an empty text.

    Raises
    ------
    InputError
        If it is anything else.
    """
    if not text:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InputError(f"'{text}' is not a date", fix="write it like 2025-01-15")


def parse_period(text: str) -> Period:
    """Read `2025`, `2025-Q1`, `2025-03`, `2025-03-31` or `2025-01-01/2025-03-31`.

    Raises
    ------
    InputError
        If it is none of these, or ends before it starts.
    """
    first, slash, last = text.strip().partition("/")
    start = _parse_part(first, text)
    if not slash:
        return start
    end = _parse_part(last, text)
    if end.end < start.start:
        raise InputError(f"period '{text}' ends before it starts", fix="write the earlier day first")
    return Period(start.start, end.end)


def _parse_part(part: str, text: str) -> Period:
    if not part:
        raise InputError(
            "the period is empty" if not text else f"period '{text}' is not complete", fix=_WRITE
        )
    match = _FORM.fullmatch(part.strip())
    if match is None:
        raise InputError(f"'{text}' is not a period", fix=_WRITE)
    year, quarter, month, day = (int(number) if number else None for number in match.groups())
    assert year is not None  # noqa: S101  the pattern always has it
    try:
        if day is not None and month is not None:
            return Period(date(year, month, day), date(year, month, day))
        if quarter is not None:
            first, last = 3 * quarter - 2, 3 * quarter
        else:
            first, last = (month, month) if month is not None else (1, 12)
        return Period(date(year, first, 1), date(year, last, monthrange(year, last)[1]))
    except ValueError as error:
        raise InputError(f"period '{text}' is not in the calendar", fix=_WRITE) from error
