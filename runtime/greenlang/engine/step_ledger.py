"""The ledger of finished steps: one file of lines, each added when a step is done, so that a run goes on.

    greenlang-steps 1
    CHECKSUM {"type":"step","key":...,"path":...,"form":...}       a step, when it is first met
    CHECKSUM {"type":"output","key":...,"digest":...,"value":...}  what it gave for an input of this digest
    CHECKSUM {"type":"unstored",...,"reason":...}                  that it gave what cannot be read back
    CHECKSUM {"type":"failed",...,"reason":...}                    that it failed

A line is one write to the system: what was written survives the end of the process, however it ends, and a
line that was cut off is skipped by its checksum. To survive a loss of power lines are synchronised with the
disk, but no more than once in `SYNC_S` seconds, which is then what may be lost. Beside each line memory holds
its place in the file, not its value.
"""

from __future__ import annotations

__all__ = ["FileLedger", "Reuse", "default_ledger_path"]

import contextlib
import fcntl
import hashlib
import os
import threading
import time
import zlib
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import msgspec
from msgspec import Struct

from greenlang.errors import InputError
from greenlang.folders import state_folder
from greenlang.gcel import LedgerStep, UnstorableError, form_changes, read_value, write_value
from greenlang.ledger import atomic_writer

HEADER = b"greenlang-steps 1\n"

#: Seconds between two synchronisations with the disk.
SYNC_S = 1.0

_CHECKSUM_DIGITS = 8


class _Step(Struct, frozen=True, tag="step", tag_field="type"):
    key: str
    path: str
    form: str


class _Output(Struct, frozen=True, tag="output", tag_field="type"):
    key: str
    digest: str
    value: msgspec.Raw


class _Unstored(Struct, frozen=True, tag="unstored", tag_field="type"):
    key: str
    digest: str | None
    reason: str


class _Failed(Struct, frozen=True, tag="failed", tag_field="type"):
    key: str
    digest: str | None
    reason: str


_Record = _Step | _Output | _Unstored | _Failed

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(_Record)

#: Where a line stands: offset and length, in bytes.
_Line = tuple[int, int]


@dataclass(slots=True)
class Reuse:
    """What a run took from its ledger, and what it did again."""

    #: How often each step's output was reused, by the way to the step.
    reused: Counter[str] = field(default_factory=Counter)
    #: How often a step ran, by the way to it and why it did; an empty reason is that nothing was kept of it.
    ran: Counter[tuple[str, str]] = field(default_factory=Counter)

    def lines(self) -> Iterator[str]:
        """For people: a total, and a line for each step that ran again and why."""
        again = {way_and_reason: count for way_and_reason, count in self.ran.items() if way_and_reason[1]}
        yield f"steps: {self.reused.total():,} reused, {self.ran.total():,} ran"
        for (path, reason), count in again.items():
            times = f" ({count:,} times)" if count > 1 else ""
            yield f"  {path} ran{times}: {reason}"


class FileLedger:
    """A ledger in a file, open for one run at a time; use it in a `with`, and `finish` a run that succeeded.

    Raises
    ------
    InputError
        If the file cannot be opened, is no ledger, or another run has it open.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reuse = Reuse()
        #: Why nothing more is kept, where writing failed: a run does not fail for want of its ledger.
        self.broken = ""
        self._lock = threading.Lock()
        self._outputs: dict[tuple[str, str], deque[_Line]] = {}
        self._steps: dict[str, _Line] = {}
        # What earlier runs left, by which it is told why a step runs again; this run changes none of it.
        #: The own forms of the steps at the end of a way, by their keys.
        self._known: dict[str, dict[str, str]] = {}
        #: Why there is no output of a step for an input.
        self._told: dict[tuple[str, str | None], str] = {}
        #: Lines that a run with the same plan and input would use, and the keys of their steps.
        self._live: dict[_Line, str] = {}
        self._synced_s = time.monotonic()
        self._descriptor = _open(path)
        try:
            self._end = self._load()
        except BaseException:
            os.close(self._descriptor)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            os.fsync(self._descriptor)
        os.close(self._descriptor)

    # What a run asks

    def find(self, step: LedgerStep, digest: str | None) -> tuple[Any] | None:
        """What the step gave for such an input, in a tuple; see `StepLedger`."""
        with self._lock:
            waiting = None if digest is None else self._outputs.get((step.key, digest))
            if not waiting:
                self.reuse.ran[step.path, self._reason(step, digest)] += 1
                return None
            line = waiting.popleft()
            record = self._read(line)
            try:
                if not isinstance(record, _Output):
                    raise UnstorableError("it cannot be read")
                value = read_value(record.value)
            except UnstorableError as error:
                self.reuse.ran[step.path, f"what it gave cannot be used: {error}"] += 1
                return None
            self.reuse.reused[step.path] += 1
            self._live[line] = step.key
            return (value,)

    def keep(self, step: LedgerStep, digest: str | None, output: Any) -> None:
        """Add what the step gave."""
        if digest is None:
            return
        try:
            record: _Record = _Output(step.key, digest, msgspec.Raw(write_value(output)))
        except UnstorableError as error:
            record = _Unstored(step.key, digest, str(error))
        self._add(step, record)

    def fail(self, step: LedgerStep, digest: str | None, error: Exception) -> None:
        """Add that the step failed."""
        self._add(step, _Failed(step.key, digest, f"{type(error).__name__}: {error}"))

    def finish(self) -> None:
        """After a run that succeeded: drop the lines that it had no use for, and the file does not grow."""
        with self._lock:
            steps = {self._steps[key] for key in self._live.values() if key in self._steps}
            live = sorted(steps | self._live.keys())
            if self.broken or len(HEADER) + sum(length for _, length in live) == self._end:
                return
            with atomic_writer(self.path) as file:
                file.write(HEADER)
                for offset, length in live:
                    file.write(os.pread(self._descriptor, length, offset))

    # The file

    def _load(self) -> int:
        """Read where everything stands; gives the end of the file, after which lines are added."""
        if os.fstat(self._descriptor).st_size == 0:
            return self._begin()
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            if file.readline(len(HEADER)) != HEADER:
                raise InputError(f"{self.path} is no ledger of steps", fix="name another file with --steps")
            offset = len(HEADER)
            torn = False
            for text in file:
                torn = not text.endswith(b"\n")
                record = _record(text)
                if record is not None:
                    self._note(record, (offset, len(text)))
                offset += len(text)
        if torn:
            # Ends the line that a crash cut off.
            offset += os.write(self._descriptor, b"\n")
        return offset

    def _begin(self) -> int:
        try:
            os.write(self._descriptor, HEADER)
        except OSError as error:
            raise _not_kept(self.path, error) from error
        return len(HEADER)

    def _note(self, record: _Record, line: _Line) -> None:
        if isinstance(record, _Step):
            self._steps[record.key] = line
            self._known.setdefault(record.path, {})[record.key] = record.form
        elif isinstance(record, _Output):
            self._outputs.setdefault((record.key, record.digest), deque()).append(line)
        elif isinstance(record, _Unstored):
            self._told[record.key, record.digest] = f"what it gave could not be kept: {record.reason}"
        else:
            self._told[record.key, record.digest] = f"it failed: {record.reason}"

    def _read(self, line: _Line) -> _Record | None:
        offset, length = line
        return _record(os.pread(self._descriptor, length, offset))

    def _add(self, step: LedgerStep, record: _Record) -> None:
        with self._lock:
            if step.key not in self._steps:
                self._steps[step.key] = self._append(_Step(step.key, step.path, step.form))
            self._live[self._append(record)] = step.key

    def _append(self, record: _Record) -> _Line:
        content = _ENCODER.encode(record)
        text = b"%08x %s\n" % (zlib.crc32(content), content)
        line = self._end, len(text)
        if self.broken:
            return line
        try:
            written = os.write(self._descriptor, text)
            if written < len(text):
                raise OSError("the disk is full")
            self._end += written
            now_s = time.monotonic()
            if now_s - self._synced_s >= SYNC_S:
                self._synced_s = now_s
                os.fsync(self._descriptor)
        except OSError as error:
            self.broken = f"{self.path} cannot be written: {error.strerror or error}"
        return line

    def _reason(self, step: LedgerStep, digest: str | None) -> str:
        """Why a step is not reused."""
        known = self._known.get(step.path)
        if known is None:
            return ""
        if digest is None:
            return "its input has no digest: it is too large, or of no plain type"
        if step.key in known:
            return self._told.get((step.key, digest), "it had not run on this input")
        *_, latest = known.values()
        return "; ".join(form_changes(latest, step.form)) or "steps before it, or inside it, changed"


def default_ledger_path(program: Path, input_path: Path | None) -> Path:
    """Where the steps of a program on an input are kept if no file is named: in the state folder.

    Raises
    ------
    InputError
        If the environment names no home.
    """
    told = "\n".join(str(path.resolve()) for path in (program, input_path) if path is not None)
    digest = hashlib.sha256(told.encode(errors="surrogateescape")).hexdigest()[:16]
    return state_folder() / "steps" / f"{program.stem[:80]}-{digest}.steps"


def _open(path: Path) -> int:
    """Open a ledger to read and to add to, for this process alone; values are nobody else's to read."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _not_kept(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise InputError(
            f"another run keeps its steps in {path}", fix="wait for it, or name another file with --steps"
        ) from error
    return descriptor


def _not_kept(path: Path, error: OSError) -> InputError:
    return InputError(
        f"the steps cannot be kept in {path}: {error.strerror}", fix="name another file with --steps"
    )


def _record(text: bytes) -> _Record | None:
    """What a line says; None where it is damaged."""
    content = text[_CHECKSUM_DIGITS + 1 :].rstrip(b"\n")
    if text[: _CHECKSUM_DIGITS + 1] != b"%08x " % zlib.crc32(content):
        return None
    try:
        record: _Record = _DECODER.decode(content)
    except msgspec.DecodeError:
        return None
    return record
