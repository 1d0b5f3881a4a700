import re
import sys
import textwrap
from typing import get_args

import pytest

from greenlang.agents import LIFECYCLE, Agent, FactorFile, Plugin, hooks
from greenlang.agents.contributions import CONTRIBUTIONS
from greenlang.agents.manifest import HookName
from greenlang.agents.plugins import Plugins
from greenlang.errors import PackError

HOOKS = [name for name, value in vars(hooks).items() if hasattr(value, "greenlang_spec")]

GIVES = {hook: kind for kind, hook in CONTRIBUTIONS.items()} | {
    "greenlang_agents": Agent,
    "greenlang_factors": FactorFile,
}


def test_every_hook_specification_is_exported_and_known():
    assert set(HOOKS) == {name for name in hooks.__all__ if name not in {"GROUP", "hookimpl"}}
    assert set(HOOKS) == set(GIVES) | set(LIFECYCLE)
    assert set(get_args(HookName)) == set(HOOKS) - {"greenlang_agents", "greenlang_factors"}


def registered(code, name, tmp_path, monkeypatch):
    (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    plugin = Plugin("example", "1.0.0", name, tmp_path / f"{name}.py", (name,), None)
    lifecycle = {}
    plugins = Plugins(lambda plugin: None, lifecycle)
    try:
        plugins.register(plugin)
    finally:
        sys.modules.pop(name, None)
    return plugin, plugins, lifecycle


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_of_every_hook_is_a_plugin_that_works(hook, tmp_path, monkeypatch):
    documentation = textwrap.dedent(getattr(hooks, hook).__doc__)
    example = textwrap.dedent(re.split(r"::\n", documentation, maxsplit=1)[1])
    plugin, plugins, lifecycle = registered(example, f"example_of_{hook}", tmp_path, monkeypatch)
    if hook in GIVES:
        assert len(plugins.answers(plugin, hook, GIVES[hook])) == 1
    else:
        assert list(lifecycle) == [hook]


def test_a_wrapper_of_the_old_kind_is_refused_with_what_mends_it(tmp_path, monkeypatch):
    code = """
from greenlang.agents.hooks import hookimpl

@hookimpl(hookwrapper=True)
def cleanup():
    yield
"""
    with pytest.raises(
        PackError, match=r"its cleanup is a wrapper of the old kind; write @hookimpl\(wrapper"
    ):
        registered(code, "old_wrapper", tmp_path, monkeypatch)
