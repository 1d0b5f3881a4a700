"""`pack.yaml`: what a pack says of itself, so that it is known before any of its code runs.

These are its parts as data; `manifest_reading` makes them of the file's text.  The schema is described in
docs/packs.md.
"""

from __future__ import annotations

__all__ = [
    "FILE_NAME",
    "AgentDeclaration",
    "ExampleDeclaration",
    "FactorSetDeclaration",
    "FormulaDeclaration",
    "HookName",
    "Needs",
    "PackManifest",
    "Release",
    "Requirements",
]

from typing import Annotated, Literal, TypeAlias

import msgspec

from greenlang.agents.contract import Effect

#: Lies in the folder of the pack's top-level package.
FILE_NAME = "pack.yaml"

#: The hooks that a pack may name: what it has of agents and factors stands in pack.yaml itself.
HookName: TypeAlias = Literal[
    "greenlang_commands",
    "greenlang_engines",
    "greenlang_events",
    "greenlang_reports",
    "greenlang_routes",
    "greenlang_stores",
    "pre_init",
    "post_init",
    "pre_validate",
    "post_validate",
    "pre_execute",
    "post_execute",
    "on_error",
    "cleanup",
]

_Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]


class Needs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one execution of an agent may take of a machine; where it is isolated, these become limits."""

    memory_mib: _Positive | None = None
    time_s: _Positive | None = None
    #: Names of the hosts that it talks to; an agent with any declares the effect `io`.
    hosts: tuple[str, ...] = ()


class AgentDeclaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of one agent, and where its code is."""

    name: str
    version: str
    #: `module:attribute`, inside the pack's own package.
    entrypoint: str
    summary: str
    #: The same as the code declares; checked when it is loaded.
    effects: tuple[Effect, ...] = ()
    needs: Needs = Needs()


class FactorSetDeclaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of emission factors: one edition of one dataset."""

    #: Relative to pack.yaml.
    path: str
    dataset: str
    edition: str
    licence: str
    citation: str


class FormulaDeclaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of a formula that the pack's agents compute by."""

    name: str
    version: str
    summary: str
    #: What it says, in the language of `greenlang.carbon.formulas`.
    text: str
    #: Publication and number of its equation.
    citation: str


class ExampleDeclaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program that the conformance kit runs, and what it must give; paths are relative to pack.yaml."""

    title: str
    program: str
    #: The expected result, a .json file.
    output: str
    input: str | None = None


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What changed for users in one version of the pack."""

    version: str
    #: YYYY-MM-DD.
    date: str
    changes: str


class Requirements(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the pack needs to run."""

    #: PEP 440 range of the runtime's versions.
    greenlang: str


class PackManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole `pack.yaml`."""

    schema: int
    #: The distribution's, like `version`.
    name: str
    version: str
    summary: str
    licence: str
    requires: Requirements
    agents: tuple[AgentDeclaration, ...] = ()
    factor_sets: tuple[FactorSetDeclaration, ...] = ()
    #: Tables of other names for activities, relative to pack.yaml.
    aliases: tuple[str, ...] = ()
    #: Those that its code implements; it is imported when one of them is called.
    hooks: tuple[HookName, ...] = ()
    formulas: tuple[FormulaDeclaration, ...] = ()
    examples: tuple[ExampleDeclaration, ...] = ()
    #: From new to old.
    changelog: tuple[Release, ...] = ()

    def files(self) -> tuple[str, ...]:
        """Every file it names, each once, relative to pack.yaml."""
        named = [declared.path for declared in self.factor_sets] + list(self.aliases)
        for example in self.examples:
            named += [example.program, example.output, *([example.input] if example.input else [])]
        return tuple(dict.fromkeys(named))
