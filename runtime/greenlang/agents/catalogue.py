"""Everything on offer: what discovery found and what a program adds, joined by agent name.

Packs are taken from their pack.yaml; only a plugin that carries none is imported for it.
"""

from __future__ import annotations

__all__ = ["Catalogue", "Offer", "catalogue_of"]

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from msgspec import Struct

from greenlang.agents.contract import Agent, Effect
from greenlang.agents.discovered import Discovery, Plugin
from greenlang.agents.files import FactorFile, PackFile
from greenlang.agents.manifest import PackManifest
from greenlang.errors import PackError

if TYPE_CHECKING:
    from greenlang.agents.plugins import Plugins


class Offer(Struct, frozen=True):
    """One version of one agent, as it is known before its code is loaded."""

    name: str
    version: str
    summary: str
    effects: frozenset[Effect]
    #: Who brings it; None for an agent of the program's own.
    plugin: Plugin | None
    #: The agent, or `module:attribute` where it is.
    source: Agent | str

    @property
    def origin(self) -> str:
        """Who brings it, in words."""
        return str(self.plugin) if self.plugin else "this program"


@dataclass(slots=True)
class Catalogue:
    """The offers of one environment."""

    #: By agent name, then version; no name that several distributions claim.
    offers: dict[str, dict[str, Offer]] = field(default_factory=dict)
    #: Those names, and who claims each.
    clashes: dict[str, list[str]] = field(default_factory=dict)
    factors: list[FactorFile] = field(default_factory=list)
    aliases: list[PackFile] = field(default_factory=list)
    problems: list[PackError] = field(default_factory=list)


def catalogue_of(discovery: Discovery, own: Iterable[Agent], plugins: Callable[[], Plugins]) -> Catalogue:
    """Join what is installed and the program's own agents; what cannot be used is told in `problems`.

    `plugins` is called where a plugin has to be imported for it: pluggy is loaded only then.
    """
    catalogue = Catalogue(problems=list(discovery.problems))
    for plugin in discovery.plugins:
        try:
            if plugin.manifest is None:
                _add_code(catalogue, plugin, plugins())
            else:
                _add_pack(catalogue, plugin, plugin.manifest)
        except PackError as error:
            catalogue.problems.append(error)
    for agent in own:
        _add(catalogue, _offer(agent, None))
    for name, claimants in catalogue.clashes.items():
        del catalogue.offers[name]
        catalogue.problems.append(
            PackError(
                f"agent '{name}' is declared by {' and by '.join(claimants)}",
                fix="uninstall all but one of them",
                place=claimants[-1],
            )
        )
    return catalogue


def _add_code(catalogue: Catalogue, plugin: Plugin, plugins: Plugins) -> None:
    plugins.register(plugin)
    factors = plugins.answers(plugin, "greenlang_factors", FactorFile)
    for agent in plugins.answers(plugin, "greenlang_agents", Agent):
        _add(catalogue, _offer(agent, plugin))
    catalogue.factors += [replace(file, pack=plugin.distribution) for file in factors]


def _add_pack(catalogue: Catalogue, plugin: Plugin, manifest: PackManifest) -> None:
    for declared in manifest.agents:
        _add(
            catalogue,
            Offer(
                name=declared.name,
                version=declared.version,
                summary=declared.summary,
                effects=_effects(declared.effects),
                plugin=plugin,
                source=declared.entrypoint,
            ),
        )
    catalogue.factors += [
        FactorFile(
            path=plugin.location / declared.path,
            pack=plugin.distribution,
            dataset=declared.dataset,
            edition=declared.edition,
            licence=declared.licence,
            citation=declared.citation,
        )
        for declared in manifest.factor_sets
    ]
    catalogue.aliases += [
        PackFile(path=plugin.location / path, pack=plugin.distribution) for path in manifest.aliases
    ]


def _add(catalogue: Catalogue, offer: Offer) -> None:
    versions = catalogue.offers.get(offer.name)
    if versions is None:
        catalogue.offers[offer.name] = {offer.version: offer}
        return
    others = sorted({other.origin for other in versions.values()} - {offer.origin})
    if others or offer.version in versions:
        claimants = catalogue.clashes.setdefault(offer.name, others or [offer.origin])
        if offer.origin not in claimants or not others:
            claimants.append(offer.origin)
    versions.setdefault(offer.version, offer)


@functools.cache
def _effects(declared: tuple[Effect, ...]) -> frozenset[Effect]:
    """One set for the many agents that declare the same."""
    return frozenset(declared)


def _offer(agent: Agent, plugin: Plugin | None) -> Offer:
    spec = agent.spec
    return Offer(spec.name, spec.version, spec.summary, spec.effects, plugin, agent)
