"""Takes one batch to its end in a process of its own: `python -m greenlang.engine.batches FOLDER ENGINE`.

The service starts it, so that a batch neither slows its answers nor ends it; all that is told of the batch
stands in its folder.
"""

from __future__ import annotations

__all__ = ["main"]

import os
import sys
from pathlib import Path

from greenlang.engine.batches.dispatching import BatchCancelled, PartitionFailed
from greenlang.engine.batches.engines import open_engine
from greenlang.engine.batches.folder import BatchFolder
from greenlang.engine.batches.running import run_batch
from greenlang.errors import InputError

#: How much this process stands behind others: requests are answered first.
_NICENESS = 5


def main(folder: str, engine: str, workers: int | None) -> int:
    """Run a batch; gives the exit code. Why it failed stands in its folder."""
    os.nice(_NICENESS)
    batch = BatchFolder(Path(folder))
    try:
        opened = open_engine(engine, workers)
    except InputError as error:
        batch.fail(error)
        return 1
    try:
        # Whoever cancels it while this process starts means it, too.
        run_batch(batch, opened, heed_cancel=True)
    except (BatchCancelled, InputError, PartitionFailed):
        return 1
    finally:
        opened.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]) or None))
