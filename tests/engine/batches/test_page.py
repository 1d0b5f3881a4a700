"""The Python of docs/batches.md runs."""

import re
import runpy
from pathlib import Path

import msgspec

from greenlang.service import ServerSettings

PAGE = Path(__file__).parents[3] / "docs" / "batches.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_the_python_of_the_page_runs(tmp_path):
    (program,) = blocks("python")
    (tmp_path / "page.py").write_text(program)
    runpy.run_path(str(tmp_path / "page.py"))


def test_the_settings_of_the_page_are_settings():
    (settings,) = blocks("toml")
    assert msgspec.toml.decode(settings, type=ServerSettings).batches.at_once == 1
