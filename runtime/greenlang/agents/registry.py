"""The registry: every agent and factor file that is installed, by name, loaded when first used."""

from __future__ import annotations

__all__ = ["Registry", "default_registry"]

import functools
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, TypeVar

from greenlang.agents.admission import EVERYBODY, Admission, admit_by_policy
from greenlang.agents.catalogue import Catalogue, Offer, catalogue_of
from greenlang.agents.context import LIFECYCLE, LifecycleHook
from greenlang.agents.contract import Agent, AgentSpec
from greenlang.agents.contributions import CONTRIBUTIONS, Contribution
from greenlang.agents.discovered import Discovery, Plugin
from greenlang.agents.discovery import discover
from greenlang.agents.files import FactorFile, PackFile
from greenlang.agents.identity import definition_identity, definitions_identity, package_identity
from greenlang.agents.loading import load_agent
from greenlang.agents.naming import in_order, newest_matching
from greenlang.agents.once import once
from greenlang.errors import AgentError, InputError, PackError, nearest

if TYPE_CHECKING:
    from greenlang.agents.plugins import Plugins

C = TypeVar("C", bound=Contribution)


class Registry:
    """What is installed, and what a program adds of its own.

    Nothing is looked for before the registry is first asked, and then once: what is installed later is seen
    by the next process. A plugin that carries a pack.yaml is imported when one of its agents is resolved; one
    without is imported when the registry is first asked. A broken one is in `problems`, and the rest goes on.

    Parameters
    ----------
    agents : Iterable[Agent]
        Agents of the program's own, known by name beside the installed ones.
    discovery : Discovery, optional
        What is installed; found out from the metadata of the environment if not given.
    admit : Admission
        Asked about a plugin before its code is imported, and before it is used for another tenant; by default
        the installation's policy of signatures.
    """

    def __init__(
        self,
        agents: Iterable[Agent] = (),
        *,
        discovery: Discovery | None = None,
        admit: Admission = admit_by_policy,
    ) -> None:
        self._own = tuple(agents)
        for own in self._own:
            if not isinstance(own, Agent):
                raise AgentError(f"{own!r} is no agent", fix="make it one with @greenlang.agent")
        self._discovery = discovery
        self._ask = admit
        self._signers: dict[str, str | None] = {}
        #: Functions of agents that may be used for a tenant.
        self._admitted: set[tuple[FunctionType, str]] = set()
        #: Plugins of which an agent was loaded.
        self._used: set[Plugin] = set()
        #: Filled as plugins are registered; a runtime looks into it before every run.
        self._lifecycle: dict[str, tuple[LifecycleHook, ...]] = {}
        #: Held by the thread that imports plugins: others would find them half registered.
        self._registering = threading.RLock()
        self._loaded: dict[tuple[str, str], AgentSpec] = {}
        self._identities: dict[Path, str | None] = {}

    @property
    def problems(self) -> tuple[PackError, ...]:
        """What is wrong with installed plugins; each begins with its distribution's name."""
        return tuple(self._catalogue.problems)

    def names(self) -> tuple[str, ...]:
        """The names of all agents, sorted."""
        return tuple(sorted(self._catalogue.offers))

    def offers(self) -> tuple[Offer, ...]:
        """Every version of every agent, sorted by name, then from old to new; loads no pack's code."""
        offers = self._catalogue.offers
        listed: list[Offer] = []
        for name in sorted(offers):
            versions = offers[name]
            # Nearly every agent has one version, and there may be ten thousand of them.
            listed += (
                versions.values()
                if len(versions) == 1
                else [versions[version] for version in in_order(versions)]
            )
        return tuple(listed)

    def resolve(self, name: str, version_spec: str | None = None) -> AgentSpec:
        """The agent of this name, in the newest version that `version_spec` allows.

        Parameters
        ----------
        name : str
            `pack.agent`.
        version_spec : str, optional
            The beginning of a version (`1.2` is any 1.2.x) or a PEP 440 range (`>=1.2,<2`). Without one the
            newest stable version is meant; a pre-release is taken only where nothing else is.

        Raises
        ------
        AgentError
            If there is no such agent (the nearest names are given) or version, two distributions claim the
            name, or the agent cannot be loaded or is not what its pack.yaml declares.
        """
        catalogue = self._catalogue
        if name in catalogue.clashes:
            raise AgentError(
                f"agent '{name}' is declared by {' and by '.join(catalogue.clashes[name])}",
                fix="uninstall all but one of them",
            )
        versions = catalogue.offers.get(name)
        if versions is None:
            raise self._unknown(name)
        version = newest_matching(versions, version_spec)
        if version is None:
            raise AgentError(
                f"agent '{name}' has no version {version_spec}",
                fix=f"there is {', '.join(in_order(versions))}",
            )
        key = name, version
        if key not in self._loaded:
            with self._registering:
                if key not in self._loaded:
                    self._loaded[key] = self._load(versions[version])
        return self._loaded[key]

    def code_identity(self, spec: AgentSpec) -> str | None:
        """`sha256:` and the digest of the code behind an agent, the same on every machine.

        For an agent of an installed plugin it covers the plugin's whole package, and for one of the runtime's
        own the sources of the compiled core too; for a loose function, its source text and that of its
        columnar form. None where the code cannot be told (a closure, no source): such a plan is not portable.
        """
        plugin = self._plugin_of(spec)
        if plugin is not None:
            if plugin.location not in self._identities:
                self._identities[plugin.location] = package_identity(*_code_of(plugin))
            return self._identities[plugin.location]
        if spec.columns is not None:
            return definitions_identity([spec.definition, spec.columns.function])
        return definition_identity(spec.definition)

    def signer(self, spec: AgentSpec) -> str | None:
        """Fingerprint of the key that signed the pack of a resolved agent; None for an unsigned one."""
        plugin = self._plugin_of(spec)
        return None if plugin is None else self._signers.get(plugin.distribution)

    def factors(self, pack: str | None = None) -> tuple[FactorFile, ...]:
        """The factor files of all packs, or of the distribution `pack`, as declared."""
        return tuple(file for file in self._catalogue.factors if pack in (None, file.pack))

    def admit(self, agents: Iterable[AgentSpec], tenant: str) -> None:
        """Ask whether the packs of some agents may be used for a tenant; each is asked about once.

        Raises
        ------
        PackError
            If the tenant's policy says otherwise.
        """
        if tenant == EVERYBODY:
            return  # asked when they were imported
        for spec in agents:
            if (spec.function, tenant) not in self._admitted:
                plugin = self._plugin_of(spec)
                if plugin is not None:
                    self._ask(plugin, tenant)
                self._admitted.add((spec.function, tenant))

    def aliases(self, pack: str | None = None) -> tuple[PackFile, ...]:
        """The tables of other names for activities, of all packs or of the distribution `pack`."""
        return tuple(file for file in self._catalogue.aliases if pack in (None, file.pack))

    def contributions(self, kind: type[C], *, reserved: Collection[str] = ()) -> Mapping[str, C]:
        """What plugins bring of one kind, by what users choose it by; imports those that may bring any.

        A plugin that fails to answer is told in `problems`, as is one that brings what another brings, or
        what is `reserved` for the runtime itself.
        """
        self._catalogue  # noqa: B018  plugins without a pack.yaml are registered with it
        plugins = self._with_hooks([CONTRIBUTIONS[kind]])
        if not plugins:
            return {}
        with self._registering:
            found, problems = self._plugins.contributions(kind, plugins, reserved)
        for problem in problems:
            self._note(problem)
        return found

    @property
    def lifecycle(self) -> Mapping[str, Sequence[LifecycleHook]]:
        """The implementations of the lifecycle hooks that have any, in the order in which they are called."""
        self._lifecycle_plugins  # noqa: B018  registers them, once
        return self._lifecycle

    @once
    def _lifecycle_plugins(self) -> None:
        self._catalogue  # noqa: B018  as above
        with self._registering:
            for plugin in self._with_hooks(LIFECYCLE):
                try:
                    self._plugins.register(plugin)
                except PackError as error:
                    self._note(error)

    def check(self) -> tuple[InputError, ...]:
        """Import everything that is installed, and tell all that is wrong with it."""
        failures: list[InputError] = []
        for offer in self.offers():
            try:
                self.resolve(offer.name, f"=={offer.version}")
            except AgentError as error:
                failures.append(error)
        for kind in CONTRIBUTIONS:
            self.contributions(kind)
        self.lifecycle  # noqa: B018  registers the plugins that have such hooks
        return *self.problems, *failures

    @once
    def _discovered(self) -> Discovery:
        return discover() if self._discovery is None else self._discovery

    @once
    def _catalogue(self) -> Catalogue:
        return catalogue_of(self._discovered, self._own, lambda: self._plugins)

    @once
    def _plugins(self) -> Plugins:
        # pluggy is loaded only where the code of a plugin is wanted.
        from greenlang.agents.plugins import Plugins

        return Plugins(self._admit, self._lifecycle)

    def _load(self, offer: Offer) -> AgentSpec:
        if offer.plugin is not None:
            try:
                self._admit(offer.plugin)
            except PackError as error:
                raise AgentError(
                    f"agent '{offer.name}' {offer.version} must not be loaded: {error.message}",
                    fix=error.fix,
                    place=error.place,
                ) from error
        spec = load_agent(offer)
        if offer.plugin is not None and offer.plugin not in self._used:
            self._used.add(offer.plugin)
            self._register_used(offer.plugin)
        return spec

    def _register_used(self, plugin: Plugin) -> None:
        """Register the hooks of a pack whose code is loaded anyway; what is wrong there harms no agent."""
        try:
            if plugin.has_hooks():
                self._plugins.register(plugin)
        except PackError as error:
            self._note(error)

    def _note(self, problem: PackError) -> None:
        if str(problem) not in map(str, self._catalogue.problems):
            self._catalogue.problems.append(problem)

    def _with_hooks(self, names: Collection[str]) -> list[Plugin]:
        """The plugins that may implement one of these hooks, sound as far as is known."""
        broken = {plugin for plugin, error in self._registered.items() if error is not None}
        return [
            plugin
            for plugin in self._discovered.plugins
            if plugin not in broken
            and (
                plugin in self._registered
                or (plugin.manifest and not set(names).isdisjoint(plugin.manifest.hooks))
            )
        ]

    @property
    def _registered(self) -> Mapping[Plugin, PackError | None]:
        return self._plugins.registered if "_plugins" in vars(self) else {}

    def _admit(self, plugin: Plugin) -> None:
        """PackError for a plugin that must not be imported; who signed it is kept."""
        if plugin.distribution not in self._signers:
            self._signers[plugin.distribution] = self._ask(plugin, EVERYBODY)

    def _plugin_of(self, spec: AgentSpec) -> Plugin | None:
        # None for a function that was made where no module is, as in a bare exec().
        module = spec.definition.__module__ or ""
        for plugin in self._discovered.plugins:
            if module == plugin.package or module.startswith(f"{plugin.package}."):
                return plugin
        return None

    def _unknown(self, name: str) -> AgentError:
        close = nearest(name, self._catalogue.offers)
        fix = (
            f"did you mean {' or '.join(close)}?"
            if close
            else "`greenlang agents list` shows those installed"
        )
        return AgentError(f"there is no agent '{name}'", fix=fix)


def _code_of(plugin: Plugin) -> tuple[Path, ...]:
    """The packages that a plugin's agents run: what the runtime's own compute by lies in its core."""
    if plugin.package != "greenlang":
        return (plugin.location,)
    core = find_spec("greenlang_core")
    folders = core.submodule_search_locations if core is not None else None
    return (plugin.location, *(Path(folder) for folder in folders or ()))


@functools.cache
def default_registry() -> Registry:
    """The registry of this process's environment."""
    return Registry()
