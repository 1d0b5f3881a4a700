"""What was discovered, kept in the user's cache: most processes then ask the file system, not every package.

A snapshot holds as long as what it was made of is unchanged: the folders of the import path (pip adds and
removes files in them) and every pack.yaml, by the time of their last change.  It is only ever of an
environment without problems, so that what was wrong is looked at again until it is mended.
"""

from __future__ import annotations

__all__ = ["Snapshot"]

import contextlib
import hashlib
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from greenlang import __version__
from greenlang.agents.discovered import Plugin
from greenlang.agents.manifest import FILE_NAME
from greenlang.errors import InputError
from greenlang.folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Changes when what is kept does.
_FORM = "1"

#: File systems round times: what changed this shortly ago may change again and keep its time.
_SETTLED_S = 2.0

#: Environments come and go: what was written longer ago than this is removed, and made again if need be.
_KEPT_S = 30 * 24 * 3600.0


class Snapshot:
    """The remembered discovery of one environment: one interpreter, one runtime, one import path."""

    def __init__(self, folder: Path, import_path: Iterable[str]) -> None:
        self._import_path = [os.path.abspath(entry) for entry in import_path]  # noqa: PTH100  twice as fast
        identity = "\0".join((_FORM, __version__, sys.version, sys.prefix, *self._import_path))
        self._file = folder / f"discovery-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.msgpack"

    @classmethod
    def of_this_process(cls) -> Snapshot | None:
        """That of the running interpreter, in the user's cache folder; None for who has none."""
        try:
            return cls(cache_folder(), sys.path)
        except InputError:
            return None

    def load(self) -> tuple[Plugin, ...] | None:
        """The plugins as they were found; None where nothing is remembered or something changed."""
        try:
            stamps, plugins = msgspec.msgpack.decode(
                self._file.read_bytes(),
                type=tuple[dict[str, int], tuple[Plugin, ...]],
                dec_hook=_path_of,
            )
        except (OSError, msgspec.MsgspecError):
            # Never written, unreadable, or of another form: it is made anew.
            return None
        return plugins if stamps == _stamps(stamps) else None

    def save(self, plugins: tuple[Plugin, ...]) -> None:
        """Remember `plugins`; does nothing where the cache cannot be written or the files are too fresh."""
        # Those that are not there too: a plugin may come to have one.
        stamps = _stamps([*self._import_path, *(str(plugin.location / FILE_NAME) for plugin in plugins)])
        if max(stamps.values(), default=0) / 1e9 > time.time() - _SETTLED_S:
            return
        content = msgspec.msgpack.encode((stamps, plugins), enc_hook=str)
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Written beside it and renamed, so that a process beside us never reads half a file.
            handle, name = tempfile.mkstemp(dir=self._file.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                Path(name).replace(self._file)
            finally:
                # Of a full disk: every process would leave one.
                Path(name).unlink(missing_ok=True)
            for other in self._file.parent.glob("discovery-*.msgpack"):
                if other.stat().st_mtime < time.time() - _KEPT_S:
                    other.unlink()


def _stamps(paths: Iterable[str]) -> dict[str, int]:
    """When each file or folder last changed, in nanoseconds; 0 for one that is not there."""
    stamps = {}
    for path in paths:
        try:
            stamps[path] = os.stat(path).st_mtime_ns  # noqa: PTH116  twice as fast
        except OSError:
            stamps[path] = 0
    return stamps


def _path_of(kind: type, value: Any) -> Any:
    return kind(value)
