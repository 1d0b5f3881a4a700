"""Files that are either whole or not there.

`atomic_writer` writes beside the target and renames when everything is on the disk; after an error or Ctrl-C
the target is what it was before.  What is no regular file (`/dev/stdout`, a pipe) is written to directly.
"""

from __future__ import annotations

__all__ = ["atomic_text_writer", "atomic_writer", "check_writable", "sync_folder"]

import contextlib
import io
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

from greenlang.errors import InputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: Large enough that a line costs no system call, small enough to stay in cache.
_BUFFER_BYTES = 1 << 18


@contextlib.contextmanager
def atomic_writer(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open `path` for bytes; it gets its new content when the block ends without an exception.

    An existing file keeps its permission bits, and a symbolic link goes on pointing where it did.

    Raises
    ------
    InputError
        If the file cannot be written: no such folder, no permission, disk full. Errors that the block raises
        itself pass through.
    """
    mode = _mode_of(path)
    if not _is_replaced(path, mode):
        with _told_as_input_error(path):
            descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        with io.BufferedWriter(_Target(descriptor, path), _BUFFER_BYTES) as file:
            yield file
        return
    target = Path(path).resolve()
    with _told_as_input_error(path):
        beside, descriptor = _create_beside(target)
    try:
        with io.BufferedWriter(_Target(descriptor, path), _BUFFER_BYTES) as file:
            yield file
            file.flush()
            with _told_as_input_error(path):
                os.fsync(descriptor)
        with _told_as_input_error(path):
            if mode is not None:
                beside.chmod(stat.S_IMODE(mode))
            beside.replace(target)
            sync_folder(target.parent)
    except BaseException:
        # Also for Ctrl-C: nothing half-written may stay.
        beside.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def atomic_text_writer(path: str | os.PathLike[str], *, newline: str | None = "") -> Iterator[TextIO]:
    """As `atomic_writer`, for UTF-8 text; `newline` as for `open` (the default suits `csv`)."""
    with atomic_writer(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline=newline, write_through=True)
        try:
            yield text
        finally:
            # The file is closed by its own block; this wrapper must not close it on being collected.
            text.detach()


def check_writable(path: str | os.PathLike[str]) -> None:
    """Refuse what `atomic_writer` cannot write to, before anybody computes for long what is to go there.

    Raises
    ------
    InputError
        As from there; room on the disk is not looked at.
    """
    if _is_replaced(path, _mode_of(path)):
        with _told_as_input_error(path):
            beside, descriptor = _create_beside(Path(path).resolve())
            os.close(descriptor)
            beside.unlink()


class _Target(io.FileIO):
    """A file whose write errors name the path that its user gave."""

    def __init__(self, descriptor: int, path: str | os.PathLike[str]) -> None:
        super().__init__(descriptor, "wb")
        self._path = path

    def write(self, data: ReadableBuffer, /) -> int:
        with _told_as_input_error(self._path):
            return super().write(data)


def _mode_of(path: str | os.PathLike[str]) -> int | None:
    try:
        return Path(path).stat().st_mode
    except OSError:
        # Not there, or not to be seen: creating the file beside it tells which.
        return None


def _is_replaced(path: str | os.PathLike[str], mode: int | None) -> bool:
    """Whether a new file takes the place of what is there; if not, that is written to directly."""
    if mode is not None and stat.S_ISDIR(mode):
        raise InputError(f"'{path}' is a folder", fix="give the name of a file to write")
    # A name under /dev may lead to a regular file (a redirected /dev/stdout) that is not ours to replace.
    return (mode is None or stat.S_ISREG(mode)) and not str(path).startswith("/dev/")


def _create_beside(target: Path) -> tuple[Path, int]:
    """A new file in the target's own folder, so that the rename stays within one file system."""
    beside = target.with_name(f".{target.name[:200]}.{secrets.token_hex(6)}.part")
    return beside, os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)


def sync_folder(folder: Path) -> None:
    """Put on the disk which files a folder has: a rename, or a link."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _told_as_input_error(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        fix = "make the folder first" if isinstance(error, FileNotFoundError) else "choose another place"
        raise InputError(f"'{path}' cannot be written: {reason}", fix=fix) from error
