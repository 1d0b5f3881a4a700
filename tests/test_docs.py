"""The documentation is true: its Python runs, its commands and files exist."""

import re
import runpy
import shlex
from pathlib import Path

import click
import pytest

from greenlang.cli import greenlang

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.md")]
)

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in _BLOCK.findall(page.read_text("utf-8")) if found == language]


def test_the_python_of_the_readme_prints_what_it_says(capsys, tmp_path):
    (program,) = blocks(ROOT / "README.md", "python")
    page = tmp_path / "readme.py"
    page.write_text(program)
    runpy.run_path(str(page))
    expected = [line.partition("# ")[2].strip() for line in program.splitlines() if line.startswith("print(")]
    assert capsys.readouterr().out.split("\n")[:-1] == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_of_a_page_parses(page):
    for block in blocks(page, "sh"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] in (["greenlang"], ["gl"]):
                command = greenlang.get_command(click.Context(greenlang), words[1])
                assert command is not None, line
                command.make_context(words[1], words[2:], resilient_parsing=False)
            elif words[:1] == ["make"]:
                targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
                assert set(words[1:]) <= set(targets), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page):
    for target in _LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), target
