"""Loads the code of agents that packs declare, and holds it to what was declared."""

from __future__ import annotations

__all__ = ["load_agent"]

from greenlang.agents.catalogue import Offer
from greenlang.agents.contract import Agent, AgentSpec, Effect
from greenlang.errors import AgentError, PackError


def load_agent(offer: Offer) -> AgentSpec:
    """The agent itself, imported if need be, and what its pack.yaml says of it checked.

    Raises
    ------
    AgentError
        If its code cannot be imported, or is not the agent that was declared.
    """
    if isinstance(offer.source, Agent):
        return offer.source.spec
    module, _, attribute = offer.source.partition(":")
    assert offer.plugin is not None  # noqa: S101 - an entry point comes from a pack.yaml
    try:
        loaded = getattr(offer.plugin.import_module(module), attribute, None)
    except PackError as error:
        raise AgentError(
            f"agent '{offer.name}' {offer.version} cannot be loaded: {error.message}",
            fix=error.fix,
            place=error.place,
        ) from error
    if not isinstance(loaded, Agent):
        raise _broken_promise(offer, f"{offer.source} is no agent", "put @greenlang.agent on it")
    spec = loaded.spec
    if (spec.name, spec.version) != (offer.name, offer.version):
        raise _broken_promise(
            offer,
            f"{offer.source} is {spec.name} {spec.version}",
            "write the same in pack.yaml and in @agent",
        )
    if spec.effects != offer.effects:
        raise _broken_promise(
            offer,
            f"its code declares the effects {_listed(spec.effects)}, its pack.yaml {_listed(offer.effects)}",
            "write the same in both",
        )
    return spec


def _broken_promise(offer: Offer, message: str, fix: str) -> AgentError:
    return AgentError(
        f"agent '{offer.name}' {offer.version} is not what its pack.yaml declares: {message}",
        fix=fix,
        place=offer.origin,
    )


def _listed(effects: frozenset[Effect]) -> str:
    return ", ".join(sorted(effects)) or "none"
