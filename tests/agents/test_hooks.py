import re
import sys
import textwrap

import pytest

from greenlang.agents import Plugin, hooks
from greenlang.agents.plugins import ask_plugin

HOOKS = [name for name in hooks.__all__ if name.startswith("greenlang_")]


def test_every_hook_specification_is_exported():
    specified = [name for name, value in vars(hooks).items() if hasattr(value, "greenlang_spec")]
    assert sorted(specified) == HOOKS


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_of_every_hook_is_a_plugin_that_works(hook, tmp_path, monkeypatch):
    documentation = textwrap.dedent(getattr(hooks, hook).__doc__)
    example = textwrap.dedent(re.split(r"::\n", documentation, maxsplit=1)[1])
    name = f"example_of_{hook}"
    (tmp_path / f"{name}.py").write_text(example)
    monkeypatch.syspath_prepend(str(tmp_path))
    plugin = Plugin("example", "1.0.0", name, tmp_path / f"{name}.py", (name,), None)
    try:
        given = ask_plugin(plugin)
    finally:
        sys.modules.pop(name, None)
    assert len(given.agents) + len(given.factors) == 1
