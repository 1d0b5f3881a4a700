"""What a discovery finds: the plugins that are installed, and what is wrong with others."""

from __future__ import annotations

__all__ = ["Discovery", "Plugin"]

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from greenlang.agents.manifest import PackManifest
from greenlang.errors import PackError


@dataclass(frozen=True, slots=True)
class Plugin:
    """A package that a distribution brings to the runtime."""

    #: Name of the distribution, as its metadata write it.
    distribution: str
    version: str
    #: The package's dotted name: the first part of the entry point, unless that is a namespace.
    package: str
    #: Its folder, or the file of a module that stands alone.
    location: Path
    #: The modules that its entry points name.
    modules: tuple[str, ...]
    #: None for a plugin that is known only by importing it.
    manifest: PackManifest | None

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"

    def import_module(self, name: str) -> ModuleType:
        """Import one of its modules.

        Raises
        ------
        PackError
            For whatever the import raises, which it chains.
        """
        try:
            return importlib.import_module(name)
        except (Exception, SystemExit) as error:  # foreign code may raise anything, and the runtime goes on
            raise PackError(
                f"{name} cannot be imported: {type(error).__name__}: {error}",
                fix="mend the plugin, or uninstall it",
                place=str(self),
            ) from error

    def has_hooks(self) -> bool:
        """Import its modules, and see whether one holds a function marked with `hookimpl`."""
        # The mark is pluggy's, for the project name that `hooks` gives it; to look for it loads no pluggy.
        modules = map(self.import_module, self.modules)
        return any(hasattr(value, "greenlang_impl") for module in modules for value in vars(module).values())


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found; both parts in the order of distribution names."""

    plugins: tuple[Plugin, ...]
    problems: tuple[PackError, ...]
