"""Asks whether an installed pack may be imported: the door at which signatures are compared.

Only what has a signature, or an installation that has a policy, is asked about; for all others this costs a
look for two files.
"""

from __future__ import annotations

__all__ = ["EVERYBODY", "Admission", "admit_by_policy"]

from collections.abc import Callable
from importlib import import_module
from typing import TypeAlias

from greenlang.agents.discovered import Plugin
from greenlang.errors import InputError
from greenlang.folders import config_folder

#: Gives the fingerprint of the key that signed a plugin, None for one that is unsigned and may be; raises
#: PackError for one that must not be imported, or not be used for a tenant.
Admission: TypeAlias = Callable[[Plugin, str], str | None]

#: Whose policy is asked when a plugin is imported: it is there for everybody then.
EVERYBODY = "default"

#: What `greenlang.packs` calls the signature in a .dist-info folder, and the policy among the settings.
SIGNATURE = "greenlang.sig.json"
POLICY = "packs.yaml"


def admit_by_policy(plugin: Plugin, tenant: str = EVERYBODY) -> str | None:
    """Ask `greenlang.packs.trust.admit`, where there is something to ask it."""
    if not _has_policy() and not _is_signed(plugin.distribution):
        return None
    # By name, as an entry point would be: packs stand above agents, and are loaded for those that need them.
    signer: str | None = import_module("greenlang.packs.trust").admit(plugin, tenant=tenant)
    return signer


def _has_policy() -> bool:
    try:
        return (config_folder() / POLICY).is_file()
    except InputError:  # who has no home has none
        return False


def _is_signed(name: str) -> bool:
    # A process that only lists what is installed does not load it.
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return distribution(name).read_text(SIGNATURE) is not None
    except PackageNotFoundError:
        return False
