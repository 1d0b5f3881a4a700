"""The command in a process of its own, forked from one that has its modules: to import them costs most of it.

What `python -m greenlang` imports, and when, is shown by those tests that start Python anew.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

from greenlang.cli import COMMANDS

#: What commands import when they need it.
_MODULES = [
    *(home.partition(":")[0] for home, _ in COMMANDS.values()),
    *("greenlang.carbon", "greenlang.engine", "greenlang.gcel", "greenlang.ledger", "greenlang.packs"),
    *("greenlang.stores.sqlite", "pyarrow.csv", "pyarrow.parquet", "rich.table", "yaml"),
]

_SECONDS = 120

#: Starts processes from the one that has them; a test process has but one such.
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(_MODULES)


def run_command(arguments, folder: Path, environment) -> subprocess.CompletedProcess[str]:
    """What a command ended with and said, in a folder and with an environment."""
    with tempfile.TemporaryDirectory() as place:
        streams = [Path(place, name) for name in ("stdout", "stderr")]
        process = FORKED.Process(target=_become, args=(arguments, folder, environment, streams))
        process.start()
        process.join(_SECONDS)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(arguments, _SECONDS)
        told = [path.read_text("utf-8") for path in streams]
    return subprocess.CompletedProcess(arguments, process.exitcode, *told)


def _become(arguments, folder, environment, streams):
    """Be the command, in the process that was forked for it."""
    for number, path in enumerate(streams, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if environment.get("PYTHONWARNINGS") == "error":
        warnings.simplefilter("error")
    sys.argv = ["greenlang", *arguments]

    from greenlang.cli import main

    main()
