"""Whose packs an installation runs: its policy, and the question whether an installed pack keeps it.

The policy is `packs.yaml` in the configuration folder, beside `trusted_keys`:

    schema: 1
    signatures: required      or optional, the default
    signers: [acme]           names of trusted keys; all of them if left out
    tenants:
      brewery:                what is said for a tenant stands instead of the above
        signatures: required
        signers: [acme, brewery]

A signature that is there has to hold, by a trusted key, under either policy.
"""

from __future__ import annotations

__all__ = ["PackPolicy", "SignaturePolicy", "admit", "check_wheel", "load_policy"]

from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

import msgspec
from packaging.utils import canonicalize_name

from greenlang.agents import Plugin
from greenlang.agents.located_yaml import parse_yaml
from greenlang.errors import InputError, PackError
from greenlang.folders import config_folder
from greenlang.ledger import KnownKeys, load_known_keys
from greenlang.packs.archive import Wheel
from greenlang.packs.findings import Finding, refusal
from greenlang.packs.signatures import (
    INSTALLED_NAME,
    PackSignature,
    installed_findings,
    read_signature,
    signature_path,
    wheel_findings,
)

_FILE = "packs.yaml"

#: Checks the others, and is checked by whoever installed it.
_RUNTIME = "greenlang-runtime"


class SignaturePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked of packs."""

    signatures: Literal["required", "optional"] = "optional"
    #: Names of trusted keys; None is all of them.
    signers: tuple[str, ...] | None = None

    def keys(self, known: KnownKeys) -> KnownKeys:
        """Those of the known keys that this policy trusts."""
        if self.signers is None:
            return known
        return KnownKeys(names={key: name for key, name in known.names.items() if name in self.signers})


class PackPolicy(SignaturePolicy, frozen=True, forbid_unknown_fields=True):
    """A whole `packs.yaml`."""

    schema: int = 1
    tenants: dict[str, SignaturePolicy] = {}

    def of(self, tenant: str) -> SignaturePolicy:
        """What is asked for a tenant."""
        return self.tenants.get(tenant, self)


def load_policy(folder: Path | None = None) -> PackPolicy:
    """The policy of this installation; without a file, signatures are optional and all trusted keys count.

    Raises
    ------
    PackError
        If the file is wrong.
    """
    try:
        path = (folder or config_folder()) / _FILE
        text = path.read_text(encoding="utf-8")
    except (InputError, FileNotFoundError):
        return PackPolicy()
    document = parse_yaml(text, file=str(path))
    try:
        policy = msgspec.convert(document.value, PackPolicy, strict=False)
    except msgspec.ValidationError as error:
        raise PackError(str(error), fix="see docs/signing.md", place=str(path)) from None
    if policy.schema != 1:
        raise PackError(f"schema {policy.schema} is not known", fix="write `schema: 1`", place=str(path))
    return policy


def check_wheel(wheel: Wheel, *, tenant: str = "default", folder: Path | None = None) -> PackSignature | None:
    """The signature beside a wheel, which holds and is trusted; None where there is none and none is asked.

    Raises
    ------
    PackError
        With what speaks against it.
    """
    asked = load_policy(folder).of(tenant)
    signature = read_signature(signature_path(wheel.path))
    if signature is None:
        _allow_unsigned(asked, wheel.path.name)
        return None
    findings = wheel_findings(wheel, signature, asked.keys(load_known_keys(folder)))
    if findings:
        raise refusal(wheel.path.name, findings)
    return signature


def admit(plugin: Plugin, *, tenant: str = "default", folder: Path | None = None) -> str | None:
    """Compare an installed pack with its signature before it is imported; gives the signer's fingerprint.

    Raises
    ------
    PackError
        With what speaks against it, or because it has no signature and needs one.
    """
    if canonicalize_name(plugin.distribution) == _RUNTIME:
        return None
    asked = load_policy(folder).of(tenant)
    installed = _installed(plugin.distribution)
    signature = None if installed is None else _kept_signature(installed)
    if installed is None or signature is None:
        _allow_unsigned(asked, str(plugin))
        return None
    root = Path(str(installed.locate_file("")))
    findings = installed_findings(root, plugin.location, signature, asked.keys(load_known_keys(folder)))
    if findings:
        raise refusal(str(plugin), findings)
    return signature.signer


def _allow_unsigned(asked: SignaturePolicy, pack: str) -> None:
    if asked.signatures == "required":
        fix = "ask its publisher for the signature, or let packs.yaml say `signatures: optional`"
        raise refusal(pack, [Finding("signature.present", "it is not signed, and packs have to be", fix)])


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _kept_signature(installed: Distribution) -> PackSignature | None:
    for file in installed.files or ():
        if file.name == INSTALLED_NAME and file.parent.name.endswith(".dist-info"):
            return read_signature(Path(str(file.locate())))
    return None
