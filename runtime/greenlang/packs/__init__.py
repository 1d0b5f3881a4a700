"""Packs: made, checked, built, signed and installed.

In: an author's project, or a wheel from anywhere.  Out: the rules that it breaks; a wheel that is the same
wherever it is built; a signature; an installed pack that kept every rule before anything of it ran.

- `findings` lists the rules.  `archive` opens a wheel that nobody vouches for, `inspection` looks at what is
  in it, `source` at what its pack.yaml says, wherever its files are; `static_checks` are the rules that need
  no code of it, `factor_checks` those of them for factors.
- `conformance` is the kit: it starts `probe` in processes of their own, where `watching` sees what the code
  does, `values` what it gives, `columnar` whether it gives the same for columns, and `documentation` whether
  its docstring is true.  `pytest_plugin` makes tests of the rules.
- `scaffold` makes a project from `template`; `building`, `signatures`, `sbom` publish it; `trust` holds the
  policy, and `installing` goes through all of it before pip.

Each name is loaded when it is first used: who compares a signature needs no scaffold.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from greenlang.packs.archive import Wheel, open_wheel
    from greenlang.packs.building import build_pack
    from greenlang.packs.conformance import ConformanceReport, check_pack
    from greenlang.packs.factor_checks import factor_findings
    from greenlang.packs.findings import RULES, Finding, refusal
    from greenlang.packs.inspection import Surroundings, inspect_wheel, surroundings
    from greenlang.packs.installing import InstalledPack, install_pack
    from greenlang.packs.sbom import bill_of_materials
    from greenlang.packs.scaffold import new_pack, update_pack
    from greenlang.packs.signatures import PackSignature, sign_wheel, signature_path
    from greenlang.packs.source import PackSource, open_pack
    from greenlang.packs.trust import PackPolicy, SignaturePolicy, admit, check_wheel, load_policy

__all__ = [
    "RULES",
    "ConformanceReport",
    "Finding",
    "InstalledPack",
    "PackPolicy",
    "PackSignature",
    "PackSource",
    "SignaturePolicy",
    "Surroundings",
    "Wheel",
    "admit",
    "bill_of_materials",
    "build_pack",
    "check_pack",
    "check_wheel",
    "factor_findings",
    "inspect_wheel",
    "install_pack",
    "load_policy",
    "new_pack",
    "open_pack",
    "open_wheel",
    "refusal",
    "sign_wheel",
    "signature_path",
    "surroundings",
    "update_pack",
]

#: The module of each public name.
_HOMES = {
    "Wheel": "archive",
    "open_wheel": "archive",
    "build_pack": "building",
    "ConformanceReport": "conformance",
    "check_pack": "conformance",
    "factor_findings": "factor_checks",
    "RULES": "findings",
    "Finding": "findings",
    "refusal": "findings",
    "Surroundings": "inspection",
    "inspect_wheel": "inspection",
    "surroundings": "inspection",
    "InstalledPack": "installing",
    "install_pack": "installing",
    "bill_of_materials": "sbom",
    "new_pack": "scaffold",
    "update_pack": "scaffold",
    "PackSignature": "signatures",
    "sign_wheel": "signatures",
    "signature_path": "signatures",
    "PackSource": "source",
    "open_pack": "source",
    "PackPolicy": "trust",
    "SignaturePolicy": "trust",
    "admit": "trust",
    "check_wheel": "trust",
    "load_policy": "trust",
}


def __getattr__(name: str) -> object:
    """Load a public name on first use and keep it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'greenlang.packs' has no attribute {name!r}")
    value: object = getattr(import_module(f"greenlang.packs.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
