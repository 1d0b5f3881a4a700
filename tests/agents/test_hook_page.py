"""The reference in docs/plugins.md is what the hook specifications say, word for word."""

import inspect
import re
import runpy
import textwrap
from pathlib import Path

from greenlang.agents import LIFECYCLE, hooks
from greenlang.agents.contributions import CONTRIBUTIONS

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"

ORDER = ("greenlang_agents", "greenlang_factors", *sorted(CONTRIBUTIONS.values()), *LIFECYCLE)


def section(name):
    """A hook's part of the page: its signature, what its docstring says, and its example."""
    specification = getattr(hooks, name)
    said, _, example = inspect.getdoc(specification).partition("\n\nExample\n-------\n")
    intro, _, code = example.partition("::\n")
    signature = f"{name}{inspect.signature(specification)}".replace("'", "")
    shown = f"```python\n{textwrap.dedent(code).strip()}\n```"
    return f"### {name}\n\n`{signature}`\n\n{said}\n\n{intro}:\n\n{shown}\n"


def test_every_hook_is_described_as_it_is_specified():
    reference = PAGE.read_text("utf-8").partition("## The hooks\n\n")[2]
    assert reference == "\n".join(map(section, ORDER))


def test_the_page_lists_the_hooks_in_the_order_of_an_execution():
    listed = re.findall(r"^### (\w+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert tuple(listed) == ORDER
    assert {name for name, value in vars(hooks).items() if hasattr(value, "greenlang_spec")} == set(ORDER)


def test_the_runtime_of_the_page_prints_what_it_says(capsys, tmp_path):
    program = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL).group(1)
    (tmp_path / "page.py").write_text(program)
    runpy.run_path(str(tmp_path / "page.py"))
    assert capsys.readouterr().out.split() == re.findall(r"print\(.*# (.*)", program)
