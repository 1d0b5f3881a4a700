"""Agents: the contract of a step, and the registry of those that are installed.

In: functions marked with `@agent`, distributions with an entry point of the group `greenlang`.  Out: an
`AgentSpec` for a name and a range of versions, the identity of its code, and the factor files of packs.

- `contract`: `@agent`, `Agent` and what is known of one; `naming`: its name and versions;
  `signatures`: what its function's says; `columns`: its columnar form; `flows`: what of its output is made
  of what; `examples`: what it gives for some inputs; `lifetimes`: the object of an agent that is a class.
- `expressions`, `syntax`, `places`: agents composed by Python's operators into the tree that text gives too.
- `resource`: text files that a program names and a plan carries; `files`: those of packs.
- `manifest`: pack.yaml as data; `manifest_reading`: reads it, from `located_yaml` with the line of every
  mistake, held to `manifest_rules`.
- `discovery`: which distributions are there, from metadata alone, found by `scanning` and remembered in
  `snapshots`, which all give what is `discovered`; `catalogue`: what they offer, by name; `registry`: finds
  it, `admission`: compares its signature, `loading`: imports it.
- `hooks`: every hook; `contributions`: what they bring; `context`: what they see of an execution; `plugins`:
  imports plugins and registers their hooks.
- `identity`: the digests that say which code ran; `spending`: what a run of it costs; `once`: what is worked
  out once, whichever threads ask for it.
"""

from greenlang.agents.admission import EVERYBODY
from greenlang.agents.catalogue import Offer
from greenlang.agents.context import LIFECYCLE, ExecutionContext, LifecycleHook
from greenlang.agents.contract import EFFECTS, Agent, AgentSpec, Effect, Option, agent
from greenlang.agents.contributions import (
    Command,
    EngineBackend,
    EventSink,
    ReportFormat,
    Route,
    StoreBackend,
)
from greenlang.agents.discovered import Discovery, Plugin
from greenlang.agents.discovery import discover
from greenlang.agents.examples import Example
from greenlang.agents.expressions import Expression, Graph
from greenlang.agents.files import FactorFile, PackFile
from greenlang.agents.lifetimes import Lifetime
from greenlang.agents.manifest import (
    AgentDeclaration,
    ExampleDeclaration,
    FactorSetDeclaration,
    FormulaDeclaration,
    Needs,
    PackManifest,
    Release,
)
from greenlang.agents.manifest_reading import parse_manifest
from greenlang.agents.places import Diagnostic
from greenlang.agents.registry import Registry, default_registry
from greenlang.agents.resource import Resource
from greenlang.agents.spending import use_tokens

__all__ = [
    "EFFECTS",
    "EVERYBODY",
    "LIFECYCLE",
    "Agent",
    "AgentDeclaration",
    "AgentSpec",
    "Command",
    "Diagnostic",
    "Discovery",
    "Effect",
    "EngineBackend",
    "EventSink",
    "Example",
    "ExampleDeclaration",
    "ExecutionContext",
    "Expression",
    "FactorFile",
    "FactorSetDeclaration",
    "FormulaDeclaration",
    "Graph",
    "LifecycleHook",
    "Lifetime",
    "Needs",
    "Offer",
    "Option",
    "PackFile",
    "PackManifest",
    "Plugin",
    "Registry",
    "Release",
    "ReportFormat",
    "Resource",
    "Route",
    "StoreBackend",
    "agent",
    "default_registry",
    "discover",
    "parse_manifest",
    "use_tokens",
]
