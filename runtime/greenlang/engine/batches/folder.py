"""The folder of a batch: what it is, what was done of it, and who is at work on it.

Files are whole or not there (written beside, put on the disk, renamed), and a finished partition is a file:
so whatever moment a process is killed at, what is found here is true, and the rest is still to be done.

    batch.json      the definition; written last when a batch is made, so that without it there is no batch
    plan.json       the compiled program
    input.*         the input, where it was sent or read from a format that has no ranges
    state.json      where it stands
    parts/          one file a finished partition
    repeated.json   rows that were refused because an earlier row has their id
    record.json     the calculation record, when all is done
    totals.json     sums by scope, site, period and so on
    failures.jsonl  rows that were not computed, and why
"""

from __future__ import annotations

__all__ = ["BatchFolder", "Batches"]

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from greenlang.agents.spending import Spent
from greenlang.engine.batches.definition import ENDED, BatchDefinition, BatchState, State
from greenlang.errors import InputError
from greenlang.ledger import atomic_writer

T = TypeVar("T")

#: Whoever looks whether a batch is held has its lock for a moment, which is waited for.
_LOOKS = 5
_LOOK_S = 0.01

#: Of the name of a tenant's folder.
_DIGEST_DIGITS = 32

#: Of an id; a longer name is no batch's, and more than a file system may take.
_LONGEST_ID = 100

#: Of a file that comes in.
_UPLOAD_SUFFIX = ".part"

_STATE = msgspec.json.Decoder(BatchState)
_DEFINITION = msgspec.json.Decoder(BatchDefinition)


class BatchFolder:
    """One batch on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.parts = path / "parts"

    @property
    def batch_id(self) -> str:
        """Its name."""
        return self.path.name

    def is_made(self) -> bool:
        """Whether it is one: without a definition it is half made, or half removed."""
        return self.path.joinpath("batch.json").exists()

    def definition(self) -> BatchDefinition:
        """What it is.

        Raises
        ------
        InputError
            If there is no such batch, or it is of a version that writes it otherwise.
        """
        try:
            return _DEFINITION.decode(self.path.joinpath("batch.json").read_bytes())
        except FileNotFoundError:
            raise InputError(
                f"there is no batch '{self.batch_id}'", fix="`greenlang batch list` shows those there are"
            ) from None
        except msgspec.DecodeError as error:
            raise self._unreadable("batch.json", error) from error

    def state(self) -> BatchState:
        """Where it stands; one that nobody is at work on does not run."""
        kept = self.kept_state()
        if kept.state is State.RUNNING and not self.is_held():
            # It may have ended between the two looks.
            kept = self.kept_state()
            if kept.state is State.RUNNING:
                return msgspec.structs.replace(kept, state=State.INTERRUPTED)
        return kept

    def kept_state(self) -> BatchState:
        """Where it stood when that was last written down."""
        try:
            return _STATE.decode(self.path.joinpath("state.json").read_bytes())
        except (FileNotFoundError, msgspec.DecodeError):
            # A power cut may leave it empty while the batch runs: what is done is told by the partitions.
            return BatchState()

    def take_spent(self) -> tuple[int, Spent] | None:
        """What was spent on a batch that has ended, and nobody has taken yet, with a number of its own.

        None where nothing was, or somebody is at work on it.
        """
        with self.held() as free:
            kept = self.kept_state()
            if not free or kept.state not in ENDED or not (kept.cpu_microseconds or kept.tokens):
                return None
            spent = Spent()
            spent.cpu_microseconds, spent.tokens = kept.cpu_microseconds, kept.tokens
            self.save_state(msgspec.structs.replace(kept, cpu_microseconds=0, tokens=0))
        return kept.sequence, spent

    def save_state(self, state: BatchState, *, lasting: bool = True) -> None:
        """Write down where it stands; what does not last, a power cut may undo."""
        if lasting:
            self.save("state.json", msgspec.json.encode(state))
            return
        beside = self.path / ".state.json"
        with contextlib.suppress(OSError):  # a full disk fails what has to last, not what is only told
            beside.write_bytes(msgspec.json.encode(state))
            beside.replace(self.path / "state.json")

    def save(self, name: str, content: bytes) -> None:
        """Write one of its files, wholly or not at all."""
        with atomic_writer(self.path / name) as file:
            file.write(content)

    def load(self, name: str, kind: type[T]) -> T | None:
        """One of its JSON files; None where it is not there yet, InputError where it cannot be read."""
        try:
            return msgspec.json.decode(self.path.joinpath(name).read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise self._unreadable(name, error) from error

    def _unreadable(self, name: str, error: msgspec.DecodeError) -> InputError:
        # Whoever asks over HTTP is told, too: they know the batch, and not where the service keeps it.
        return InputError(
            f"'{name}' of batch {self.batch_id} is none that this version reads: {error}",
            fix="have its folder removed, and begin the batch anew",
        )

    def part_path(self, index: int) -> Path:
        """Where a finished partition is."""
        return self.parts / f"{index:08d}.part"

    def finished(self) -> set[int]:
        """The partitions that are done."""
        return {
            int(entry.name[:8])
            for entry in os.scandir(self.parts)
            if entry.name.endswith(".part") and entry.name[:1] != "."
        }

    def clear_unfinished(self) -> None:
        """Delete what somebody was writing who was killed; for whoever holds the batch."""
        for folder in (self.path, self.parts):
            for beside in folder.glob(".*"):
                beside.unlink(missing_ok=True)

    def input_path(self, definition: BatchDefinition) -> Path:
        """Where its rows are read."""
        return self.path / definition.input_path

    @contextlib.contextmanager
    def held(self) -> Iterator[bool]:
        """Take the batch for this process, until the block or the process ends; False if another has it."""
        with self._lock() as descriptor:
            for _ in range(_LOOKS):
                if _taken(descriptor, fcntl.LOCK_EX):
                    yield True
                    return
                time.sleep(_LOOK_S)
            yield False

    def is_held(self) -> bool:
        """Whether a process is at work on it."""
        with self._lock() as descriptor:
            return not _taken(descriptor, fcntl.LOCK_SH)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[int]:
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def ask_to_cancel(self) -> BatchState:
        """Have whoever is at work on it stop; one that nobody works on is cancelled at once."""
        self.path.joinpath("cancel").touch()
        with self.held() as free:
            if free and (kept := self.kept_state()).state not in ENDED:
                self.save_state(
                    msgspec.structs.replace(kept, state=State.CANCELLED, sequence=kept.sequence + 1)
                )
        return self.state()

    def fail(self, error: InputError) -> None:
        """Say why nobody can work on it; one that somebody works on is left alone."""
        with self.held() as free:
            if free:
                kept = self.kept_state()
                self.save_state(
                    msgspec.structs.replace(
                        kept,
                        state=State.FAILED,
                        sequence=kept.sequence + 1,
                        error=error.message,
                        fix=error.fix,
                    )
                )

    @property
    def cancel_asked(self) -> bool:
        """Whether somebody wants it to stop."""
        return self.path.joinpath("cancel").exists()

    def forget_cancel(self) -> None:
        """Go on in spite of an earlier wish to stop."""
        self.path.joinpath("cancel").unlink(missing_ok=True)


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Batches:
    """The batches of one installation, by tenant.

    Parameters
    ----------
    root : Path
        A folder that every process and worker sees at the same path.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def make(self, tenant: str, batch_id: str) -> BatchFolder:
        """The folder of a batch that is not there yet; without a definition it is none."""
        folder = BatchFolder(self._of(tenant) / batch_id)
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            for path in (self.root, folder.path.parent):
                path.mkdir(exist_ok=True, mode=0o700)
            for path in (folder.path, folder.parts):
                path.mkdir(mode=0o700)
        except OSError as error:
            raise InputError(
                f"'{folder.path}' cannot be made: {error.strerror}", fix="choose another folder for batches"
            ) from error
        return folder

    def find(self, tenant: str, batch_id: str) -> BatchFolder | None:
        """A batch of a tenant."""
        path = self._of(tenant) / batch_id
        plain = batch_id.replace("_", "").isalnum() and batch_id.isascii()
        named = plain and len(batch_id) <= _LONGEST_ID
        folder = BatchFolder(path)
        return folder if named and folder.is_made() else None

    def get(self, tenant: str, batch_id: str) -> BatchFolder:
        """A batch of a tenant.

        Raises
        ------
        InputError
            If there is none of this id.
        """
        found = self.find(tenant, batch_id)
        if found is None:
            fix = "`greenlang batch list` shows those there are"
            raise InputError(f"there is no batch '{batch_id[:60]}'", fix=fix)
        return found

    def of_tenant(self, tenant: str) -> list[BatchFolder]:
        """The batches of a tenant, newest first."""
        return self._within(self._of(tenant))

    def times(self) -> dict[str, int]:
        """When something last changed in each folder of every tenant's batches, in nanoseconds, by its path.

        A file that is replaced changes its folder, so one look tells whether a batch stands as it did.
        """
        found = {}
        for tenant in self._tenants():
            with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(tenant) as entries:
                for entry in entries:
                    found[entry.path] = entry.stat().st_mtime_ns
        return found

    def upload(self, name: str) -> Path:
        """Where a file goes while it comes in; it is `moved` into its batch then."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.root / f"{name}{_UPLOAD_SUFFIX}"

    def clear(self, *, older_than_s: float) -> None:
        """Delete what killed processes left: files that went into no batch, folders of half a batch."""
        before = time.time() - older_than_s
        for path in (*self.root.glob(f"*{_UPLOAD_SUFFIX}"), *self._halves()):
            with contextlib.suppress(OSError):  # another was quicker, or it is not ours
                if path.stat().st_mtime >= before:
                    continue
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def remove(self, folder: BatchFolder) -> None:
        """Delete a batch with all that it gave; the ledger keeps its record."""
        folder.path.joinpath("batch.json").unlink(missing_ok=True)
        shutil.rmtree(folder.path)

    def _of(self, tenant: str) -> Path:
        # A tenant's name may be any text; a digest is a name of a folder everywhere.
        return self.root / hashlib.sha256(tenant.encode()).hexdigest()[:_DIGEST_DIGITS]

    def _tenants(self) -> list[Path]:
        """The folders of tenants: uploads stand beside, and `lost+found` where a disk is the root."""
        try:
            return [path for path in sorted(self.root.iterdir()) if len(path.name) == _DIGEST_DIGITS]
        except FileNotFoundError:
            return []

    def _halves(self) -> Iterator[Path]:
        """Folders without a definition: of batches that were not wholly made, or not wholly removed."""
        for folder in self._tenants():
            yield from (path for path in folder.iterdir() if not path.joinpath("batch.json").exists())

    def _within(self, folder: Path) -> list[BatchFolder]:
        try:
            found = [path for path in folder.iterdir() if path.joinpath("batch.json").exists()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [BatchFolder(path) for path in sorted(found, key=lambda path: path.name, reverse=True)]
