"""Computes partitions in a process: `python -m greenlang.engine.batches.worker SOCKET` (see `processes`)."""

from __future__ import annotations

__all__ = ["main"]

import contextlib
import signal
import sys
from multiprocessing.connection import Connection

from greenlang.engine.batches.computing import compute_partition
from greenlang.errors import GreenLangError


def main(descriptor: int) -> None:
    """Compute what comes, until nothing more does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever runs the batch
    with Connection(descriptor) as connection, contextlib.suppress(EOFError, OSError):
        while True:
            task = connection.recv()
            try:
                told: object = compute_partition(task)
            except GreenLangError as error:
                told = error
            except BaseException as error:  # whatever it is, it is told; it may not survive pickling
                told = RuntimeError(f"{type(error).__name__}: {error}")
            connection.send(told)


if __name__ == "__main__":
    main(int(sys.argv[1]))
