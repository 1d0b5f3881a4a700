"""Imports plugins and registers their hooks with pluggy, each apart: a broken one harms nobody else.

This is where pluggy comes in; nothing loads it before a plugin's code is wanted.
"""

from __future__ import annotations

__all__ = ["Plugins"]

from collections.abc import Callable, Collection, Iterable, Mapping
from types import ModuleType
from typing import TypeVar

import pluggy

from greenlang.agents import hooks
from greenlang.agents.context import LIFECYCLE, LifecycleHook
from greenlang.agents.contributions import CONTRIBUTIONS, Contribution
from greenlang.agents.discovered import Plugin
from greenlang.errors import PackError

T = TypeVar("T")
C = TypeVar("C", bound=Contribution)


class Plugins:
    """The registered plugins of one registry; each is imported and registered once, or found broken once.

    `admit` is asked before a plugin is imported, and raises a PackError to refuse it.  `lifecycle` is filled
    with the implementations of each lifecycle hook that has any, in the order in which they are called.
    """

    def __init__(
        self, admit: Callable[[Plugin], None], lifecycle: dict[str, tuple[LifecycleHook, ...]]
    ) -> None:
        self._admit = admit
        self._manager = pluggy.PluginManager(hooks.GROUP)
        self._manager.add_hookspecs(hooks)
        #: In the order of registration.
        self.registered: dict[Plugin, PackError | None] = {}
        self._lifecycle = lifecycle

    def register(self, plugin: Plugin) -> None:
        """Import the modules of a plugin and register their hooks.

        Raises
        ------
        PackError
            If it must not or cannot be imported, implements a hook with an unknown name or the wrong
            parameters, or other hooks than it declares.
        """
        if plugin not in self.registered:
            try:
                self._admit(plugin)
                self._register(plugin)
            except PackError as error:
                self.registered[plugin] = error
            else:
                self.registered[plugin] = None
                self._order_lifecycle()
        broken = self.registered[plugin]
        if broken is not None:
            raise broken

    def answers(self, plugin: Plugin, hook_name: str, kind: type[T]) -> tuple[T, ...]:
        """What one hook of a registered plugin gives.

        Raises
        ------
        PackError
            If it fails, or gives something that is no `kind`.
        """
        others = [self._modules(other) for other in self.registered if other != plugin]
        hook = self._manager.subset_hook_caller(
            hook_name, [module for modules in others for module in modules]
        )
        try:
            items = [item for answer in hook() for item in answer]
        except (Exception, SystemExit) as error:  # foreign code may raise anything, and the runtime goes on
            raise _error(plugin, f"its {hook_name} failed: {type(error).__name__}: {error}") from error
        for item in items:
            if not isinstance(item, kind):
                raise _error(plugin, f"its {hook_name} gave {item!r}, which is no {kind.__name__}")
        return tuple(items)

    def contributions(
        self, kind: type[C], plugins: Iterable[Plugin], reserved: Collection[str]
    ) -> tuple[Mapping[str, C], list[PackError]]:
        """What `plugins` bring of one kind, by key, and what is wrong with some.

        A clash leaves out both; the keys in `reserved` are the runtime's own.
        """
        brought: dict[str, tuple[C, Plugin]] = {}
        clashing: set[str] = set()
        problems: list[PackError] = []
        for plugin in plugins:
            try:
                self.register(plugin)
                contributions = self.answers(plugin, CONTRIBUTIONS[kind], kind)
            except PackError as error:
                problems.append(error)
                continue
            for contribution in contributions:
                if contribution.key in reserved:
                    told = f"its {kind.__name__} '{contribution.key}' is called like one of the runtime"
                    problems.append(_error(plugin, told, "give it another name"))
                elif contribution.key in brought:
                    clashing.add(contribution.key)
                    other = brought[contribution.key][1]
                    told = f"{kind.__name__} '{contribution.key}' is brought by {other} too"
                    problems.append(_error(plugin, told, "uninstall one of them"))
                else:
                    brought[contribution.key] = contribution, plugin
        return {key: found for key, (found, _) in brought.items() if key not in clashing}, problems

    def _register(self, plugin: Plugin) -> None:
        for name in plugin.modules:
            module = plugin.import_module(name)
            try:
                self._manager.register(module, name=name)
                self._manager.check_pending()
            except (pluggy.PluginValidationError, ValueError) as error:
                self._unregister(plugin)
                raise _error(plugin, f"a hook of {name} is wrong: {error}") from error
        try:
            self._check_hooks(plugin)
        except PackError:
            self._unregister(plugin)
            raise

    def _check_hooks(self, plugin: Plugin) -> None:
        implementations = [
            implementation
            for module in self._modules(plugin)
            for caller in self._manager.get_hookcallers(module) or []
            for implementation in caller.get_hookimpls()
            if implementation.plugin is module
        ]
        if plugin.manifest is None and not implementations:
            raise _error(
                plugin, f"{', '.join(plugin.modules)} implements no hook", "mark its hooks with @hookimpl"
            )
        implemented = {implementation.function.__name__ for implementation in implementations}
        for name in plugin.manifest.hooks if plugin.manifest else ():
            if name not in implemented:
                raise _error(
                    plugin,
                    f"its pack.yaml names the hook {name}, which it does not implement",
                    "leave it out",
                )
        for implementation in implementations:
            if implementation.hookwrapper:
                told = f"its {implementation.function.__name__} is a wrapper of the old kind"
                raise _error(plugin, told, "write @hookimpl(wrapper=True)")

    def _unregister(self, plugin: Plugin) -> None:
        for module in self._modules(plugin):
            self._manager.unregister(module)

    def _modules(self, plugin: Plugin) -> list[ModuleType]:
        """The modules of a plugin that are registered."""
        return [module for name in plugin.modules if (module := self._manager.get_plugin(name)) is not None]

    def _order_lifecycle(self) -> None:
        owners = {module: plugin for plugin in self.registered for module in self._modules(plugin)}
        for name in LIFECYCLE:
            # pluggy keeps them in the order of registration, wrappers last, and calls the last first.
            implementations = reversed(getattr(self._manager.hook, name).get_hookimpls())
            ordered = tuple(
                LifecycleHook(
                    implementation.function,
                    bool(implementation.argnames),
                    implementation.wrapper,
                    owners[implementation.plugin],
                )
                for implementation in implementations
            )
            if ordered:
                self._lifecycle[name] = ordered


def _error(plugin: Plugin, message: str, fix: str = "mend the plugin, or uninstall it") -> PackError:
    return PackError(message, fix=fix, place=str(plugin))
