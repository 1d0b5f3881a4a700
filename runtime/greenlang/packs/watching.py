"""Sees what a pack's code does while it runs: files, sockets, processes, the clock, chance, tasks.

Two eyes of the interpreter are used: audit events, which the doors to the operating system raise, and the
profiler, which tells of every call of a C function, however it was imported.  This finds what honest code
forgot to declare.  It is no sandbox: native code of a pack can do what neither eye sees.
"""

from __future__ import annotations

__all__ = ["Sight", "Watch"]

import asyncio
import datetime
import dis
import os
import random
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

#: Audit events, by the beginning of their names, and what each is in words. `open` is looked at closer.
_DOORS = {
    "socket.": "uses the network",
    "subprocess.": "starts a process",
    "os.system": "starts a process",
    "os.exec": "starts a process",
    "os.posix_spawn": "starts a process",
    "os.spawn": "starts a process",
    "os.fork": "starts a process",
    "sqlite3.connect": "opens a database",
    "os.listdir": "lists a folder",
    "os.scandir": "lists a folder",
    "os.remove": "changes files",
    "os.rename": "changes files",
    "os.mkdir": "changes files",
    "os.rmdir": "changes files",
    "os.link": "changes files",
    "os.symlink": "changes files",
    "os.truncate": "changes files",
    "os.chmod": "changes files",
    "os.putenv": "changes the environment",
    "shutil.": "changes files",
    "ctypes.dlopen": "loads native code",
}

_CLOCK_NAMES = frozenset(
    {
        "time",
        "time_ns",
        "monotonic",
        "monotonic_ns",
        "perf_counter",
        "perf_counter_ns",
        "localtime",
        "ctime",
        "clock_gettime",
        "clock_gettime_ns",
    }
)
_DATE_NAMES = frozenset({"now", "utcnow", "today"})
_CHANCE_NAMES = frozenset({"urandom", "getrandom", "random", "getrandbits", "seed", "generate_time_safe"})

#: Whatever has none of these names needs no second look.
_SEEN_NAMES = _CLOCK_NAMES | _DATE_NAMES | _CHANCE_NAMES | {"current_task"}

#: Modules of the standard library that read the clock to wait or to log, which changes no result.
_WAITING = ("asyncio.", "concurrent.", "logging", "queue", "selectors", "threading", "subprocess")

_IMPORTING = ("importlib.", "zipimport", "<frozen importlib")

#: The names of instructions with which a function gives its value; a coroutine that waits has another.
_RETURNS = {dis.opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST") if name in dis.opmap}

_ENVIRONMENT = type(os.environ).__getitem__.__code__
_CURRENT_TASK = getattr(asyncio.tasks.current_task, "__code__", None)


@dataclass(frozen=True, slots=True, order=True)
class Sight:
    """Something that was seen once or more often."""

    #: The agent on whose behalf it happened; empty while the pack's modules are imported.
    agent: str
    #: `io`, `clock`, `random` or `task`.
    effect: str
    #: In words, `reads the file /etc/hosts`.
    what: str


class Watch:
    """Watches the code of one pack.

    Parameters
    ----------
    folder : Path
        The pack's package. Reading its files, and those of installed code, is no effect.
    on_return : Callable
        Called with an agent's name, its code and each value that it gives.
    """

    def __init__(self, folder: Path, on_return: Callable[[str, CodeType, Any], None]) -> None:
        self.sights: set[Sight] = set()
        self._folder = f"{folder.resolve()}{os.sep}"
        self._agents: Mapping[CodeType, str] = {}
        self._on_return = on_return
        self._open = False
        self._known = (self._folder, *(f"{part}{os.sep}" for part in _folders_of_code()))
        sys.addaudithook(self._audit)

    def know(self, agents: Mapping[CodeType, str]) -> None:
        """Tell which code is which agent."""
        self._agents = agents

    def __enter__(self) -> Watch:
        self._open = True
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)
        self._open = False

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        # An audit hook cannot be taken away again.
        if not self._open:
            return
        if event == "open":
            self._opened(arguments)
            return
        for beginning, what in _DOORS.items():
            if event.startswith(beginning):
                if what == "lists a folder" and self._is_known(arguments[0]):
                    return
                told = arguments[0] if arguments and isinstance(arguments[0], str | bytes) else ""
                self._see("io", f"{what} ({event}{f' {_text(told)}' if told else ''})")
                return

    def _opened(self, arguments: tuple[Any, ...]) -> None:
        path, mode, flags = arguments
        if isinstance(path, int):
            return
        writes = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) or any(
            letter in (mode or "") for letter in "wax+"
        )
        if writes or not self._is_known(path):
            self._see("io", f"{'writes' if writes else 'reads'} the file {_text(path)}")

    def _is_known(self, path: object) -> bool:
        text = os.path.abspath(_text(path))  # noqa: PTH100  a Path would ask for the working directory again
        return f"{text}{os.sep}".startswith(self._known)

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call":
            name = argument.__name__
            if name in _SEEN_NAMES:
                self._called(frame, name, argument)
        elif event == "call":
            if frame.f_code is _ENVIRONMENT:
                self._see("io", f"reads the environment variable {frame.f_locals.get('key')}")
            elif frame.f_code is _CURRENT_TASK:
                self._see("task", "asks for its task (timeouts, task groups, cancelling)")
        elif (
            event == "return"
            and frame.f_code in self._agents
            and frame.f_lasti >= 0
            and frame.f_code.co_code[frame.f_lasti] in _RETURNS
        ):
            self._on_return(self._agents[frame.f_code], frame.f_code, argument)

    def _called(self, frame: FrameType, name: str, function: Any) -> None:
        owner = getattr(function, "__self__", None)
        module = getattr(owner, "__name__", "")
        if name == "current_task":
            self._see("task", "asks for its task (timeouts, task groups, cancelling)")
        elif isinstance(owner, type) and issubclass(owner, datetime.date):
            if name in _DATE_NAMES:
                self._see("clock", f"reads the clock ({owner.__name__}.{name})")
        elif name in _CLOCK_NAMES and module == "time":
            if not _is_waiting(frame):
                self._see("clock", f"reads the clock (time.{name})")
        elif module in ("posix", "_uuid") or owner is random.random.__self__:  # type: ignore[attr-defined]  # a bound method
            self._see("random", f"asks for chance ({name})")
        elif name == "seed" and isinstance(owner, random.Random) and frame.f_locals.get("a", 0) is None:
            self._see("random", "makes a random generator without a seed")

    def _see(self, effect: str, what: str) -> None:
        """Note it, if the pack's code is what brought it about."""
        frame: FrameType | None = sys._getframe(1)
        own = False
        while frame is not None:
            code = frame.f_code
            if code in self._agents:
                self.sights.add(Sight(self._agents[code], effect, what))
                return
            if code.co_filename.startswith(self._folder):
                own = True
            elif not own and frame.f_globals.get("__name__", "").startswith(_IMPORTING):
                # What other packages do while they are imported is not the pack's doing.
                return
            frame = frame.f_back
        if own:
            self.sights.add(Sight("", effect, what))


def _is_waiting(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).startswith(_WAITING)


def _folders_of_code() -> set[str]:
    """Where installed code lies: Python's own folders, those on the path, and the runtime's."""
    folders = {sys.prefix, sys.base_prefix, *sys.path, str(Path(__file__).parents[2])}
    return {os.path.realpath(folder) for folder in folders if folder} | {
        folder for folder in folders if folder
    }


def _text(path: object) -> str:
    return os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else repr(path)
