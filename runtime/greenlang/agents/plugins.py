"""Imports what plugins bring, each apart from the others, so that a broken one harms nobody else.

This is where pluggy comes in; nothing loads it before a plugin's code is wanted.
"""

from __future__ import annotations

__all__ = ["Contribution", "ask_plugin"]

from dataclasses import dataclass
from typing import Any

import pluggy

from greenlang.agents import hooks
from greenlang.agents.contract import Agent
from greenlang.agents.discovery import Plugin
from greenlang.agents.files import FactorFile
from greenlang.errors import PackError


@dataclass(frozen=True, slots=True)
class Contribution:
    """What the hooks of one plugin gave."""

    agents: tuple[Agent, ...]
    factors: tuple[FactorFile, ...]


def ask_plugin(plugin: Plugin) -> Contribution:
    """Import the plugin and call its hooks.

    Raises
    ------
    PackError
        If it cannot be imported, implements no hook, or one with an unknown name, the wrong parameters or
        the wrong things in its answer.
    """
    manager = pluggy.PluginManager(hooks.GROUP)
    manager.add_hookspecs(hooks)
    for name in plugin.modules:
        module = plugin.import_module(name)
        try:
            manager.register(module, name=name)
            manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise _error(plugin, f"a hook of {name} is wrong: {error}") from error
        if not manager.get_hookcallers(module):
            raise _error(plugin, f"{name} implements no hook", fix="mark its hooks with @hookimpl")
    return Contribution(
        agents=_items(plugin, manager.hook.greenlang_agents, Agent),
        factors=_items(plugin, manager.hook.greenlang_factors, FactorFile),
    )


def _items(plugin: Plugin, hook: pluggy.HookCaller, kind: type[Any]) -> tuple[Any, ...]:
    try:
        items = [item for answer in hook() for item in answer]
    except Exception as error:  # foreign code may raise anything, and the runtime goes on
        raise _error(plugin, f"its {hook.name} failed: {type(error).__name__}: {error}") from error
    for item in items:
        if not isinstance(item, kind):
            raise _error(plugin, f"its {hook.name} gave {item!r}, which is no {kind.__name__}")
    return tuple(items)


def _error(plugin: Plugin, message: str, fix: str = "mend the plugin, or uninstall it") -> PackError:
    return PackError(message, fix=fix, place=str(plugin))
