"""What every file of the project keeps: its size, its name, and nothing of the machine it was written on."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]

MAXIMUM_LINES = 600

CODE = {".c", ".h", ".py", ".pxd", ".pyi", ".pyx", ".sh"}
TEXT = {*CODE, "", ".cfg", ".csv", ".gcel", ".json", ".md", ".sql", ".toml", ".yaml", ".yml"}

#: Names that say nothing of what is inside.
EMPTY_NAMES = {"common", "helper", "helpers", "misc", "util", "utils"}

#: Made by tools, beside the sources.
MADE = {"__pycache__", "build", "dist", "env", "results"}

#: Folders of somebody's machine; split, so that this file has none.
MACHINE_PATHS = re.compile("|".join(f"/{folder}/" + r"\w" for folder in ("home", "root", "Users", "work")))


def files() -> list[Path]:
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name not in MADE
            and (not name.startswith(".") or name == ".ci")
            and not name.endswith(".egg-info")
        ]
        found += [Path(folder, name) for name in names if not name.startswith(".")]
    # Cython writes a .c (and, in debug builds, an .html) beside its .pyx.
    return sorted(path for path in found if not (path.suffix == ".c" and path.with_suffix(".pyx").exists()))


def test_no_file_of_code_is_longer_than_a_head_holds():
    sizes = {path: len(path.read_bytes().splitlines()) for path in files() if path.suffix in CODE}
    assert sizes
    long = {str(path.relative_to(ROOT)): size for path, size in sizes.items() if size > MAXIMUM_LINES}
    assert long == {}


def test_names_of_files_say_what_is_inside():
    assert [path for path in files() if path.stem in EMPTY_NAMES] == []
    assert [path for path in files() if EMPTY_NAMES & set(path.relative_to(ROOT).parts)] == []


def test_no_text_names_a_folder_of_somebodys_machine():
    named = []
    for path in files():
        if path.suffix in TEXT and path.stat().st_size < 5_000_000:
            match = MACHINE_PATHS.search(path.read_text(encoding="utf-8", errors="replace"))
            if match:
                named.append(f"{path.relative_to(ROOT)}: {match.group()}")
    assert named == []
