"""The page of agents is run from top to bottom, and its tables have every argument and every effect."""

import inspect
import re
import runpy
from pathlib import Path

import greenlang as gl
from greenlang.agents.contract import EFFECTS

PAGE = (Path(__file__).parents[2] / "docs" / "agents.md").read_text("utf-8")


def rows(title):
    """The first cells of the table with this title."""
    table = PAGE.partition(f"| {title} | meaning |\n|---|---|\n")[2].partition("\n\n")[0]
    return re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)


def test_the_python_of_the_page_prints_what_it_says(capsys, tmp_path):
    program = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    (tmp_path / "page.py").write_text(program)
    runpy.run_path(str(tmp_path / "page.py"))
    assert capsys.readouterr().out.splitlines() == re.findall(r"print\(.*# (.*)", program)


def test_every_argument_and_every_effect_is_described():
    assert rows("argument of `@agent`") == list(inspect.signature(gl.agent).parameters)
    assert set(rows("effect")) == EFFECTS
