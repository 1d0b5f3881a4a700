"""Signatures over packs: an Ed25519 signature over the list of a wheel's files and their hashes.

    acme_fuels-1.2.0-py3-none-any.whl
    acme_fuels-1.2.0-py3-none-any.whl.sig.json     the list, the public key and the signature

`packs install` keeps the signature in the pack's .dist-info folder, so that every file can be compared again
when the pack is loaded.  RECORD is not in the list, for pip rewrites it when it installs.
"""

from __future__ import annotations

__all__ = [
    "INSTALLED_NAME",
    "PackSignature",
    "installed_findings",
    "read_signature",
    "sign_wheel",
    "signature_path",
    "wheel_findings",
]

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from greenlang.errors import InputError, PackError
from greenlang.ledger import KnownKeys, Unsigned, canonical_bytes, load_signer
from greenlang.ledger.signing import fingerprint, signature_holds
from greenlang.packs.archive import Wheel
from greenlang.packs.findings import Finding

#: What the signature is called in the .dist-info folder of an installed pack.
INSTALLED_NAME = "greenlang.sig.json"

_SCHEMA = "greenlang.pack-signature/1"


class PackSignature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signature and what it is over."""

    schema: str
    distribution: str
    version: str
    #: SHA-256 in hex of every file but RECORD, by its name in the wheel.
    files: dict[str, str]
    #: 64 hex digits.
    public_key: str
    signature: str

    @property
    def signer(self) -> str:
        """The fingerprint of the key."""
        return fingerprint(self.public_key)

    def message(self) -> bytes:
        """The bytes that are signed."""
        return canonical_bytes({**msgspec.structs.asdict(self), "signature": None})


def signature_path(wheel: Path) -> Path:
    """Where the signature of a wheel lies."""
    return wheel.with_name(f"{wheel.name}.sig.json")


def sign_wheel(wheel: Wheel, *, keys: Path | None = None) -> PackSignature:
    """Sign a wheel with this installation's key and write the signature beside it.

    Parameters
    ----------
    keys : Path, optional
        The folder of the key; that of the user if not given.

    Raises
    ------
    InputError
        If there is no key, and none can be made.
    """
    signer = load_signer(keys)
    if isinstance(signer, Unsigned):
        raise InputError(f"there is no key to sign with: {signer.reason}")
    unsigned = PackSignature(
        _SCHEMA, wheel.distribution, wheel.version, _listed(wheel), signer.public_key, ""
    )
    signature = msgspec.structs.replace(unsigned, signature=signer.sign(unsigned.message()))
    text = msgspec.json.format(msgspec.json.encode(signature), indent=1)
    signature_path(wheel.path).write_bytes(text + b"\n")
    return signature


def read_signature(path: Path) -> PackSignature | None:
    """The signature in a file; None if there is no such file.

    Raises
    ------
    PackError
        If the file holds no signature.
    """
    try:
        signature = msgspec.json.decode(path.read_bytes(), type=PackSignature)
        fingerprint(signature.public_key)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise PackError(
            f"it holds no signature: {error}", fix="sign the pack again", place=path.name
        ) from None
    return signature


def wheel_findings(wheel: Wheel, signature: PackSignature, known: KnownKeys) -> list[Finding]:
    """What speaks against a wheel's signature."""
    findings = _signature_findings(signature, known)
    if (signature.distribution, signature.version) != (wheel.distribution, wheel.version):
        signed = f"{signature.distribution} {signature.version}"
        findings.append(Finding("signature.files", f"it is the signature of {signed}"))
    return findings + _changes(signature.files, _listed(wheel))


def installed_findings(
    folder: Path, package: Path, signature: PackSignature, known: KnownKeys
) -> list[Finding]:
    """What speaks against an installed pack's signature.

    Parameters
    ----------
    folder : Path
        The folder that it is installed in; names of files are relative to it.
    package : Path
        The folder of its package. Every file there has to be one that was signed.
    """
    found = {}
    for name in signature.files:
        path = folder / name
        if path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    for path in package.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not _is_compiled(path) and name not in found:
            found[name] = "added"
    return _signature_findings(signature, known) + _changes(signature.files, found)


def _is_compiled(path: Path) -> bool:
    """Whether Python made it on the machine at hand; one that lies elsewhere would be a module itself."""
    return path.suffix == ".pyc" and path.parent.name == "__pycache__"


def _listed(wheel: Wheel) -> dict[str, str]:
    return {
        name: member.sha256
        for name, member in sorted(wheel.members.items())
        if not name.endswith(".dist-info/RECORD")
    }


def _signature_findings(signature: PackSignature, known: KnownKeys) -> list[Finding]:
    if signature.schema != _SCHEMA or not signature_holds(
        signature.public_key, signature.signature, signature.message()
    ):
        return [Finding("signature.holds", "its key did not make this signature over this list")]
    if known.owner(signature.signer) is None:
        return [
            Finding(
                "signature.trusted",
                f"it is signed by {signature.signer}, which nobody here knows",
                "if you know whose key it is, put it into the folder trusted_keys as NAME.pub",
            )
        ]
    return []


def _changes(signed: Mapping[str, str], found: Mapping[str, str]) -> list[Finding]:
    fix = "take the pack from its publisher again"
    findings = []
    for name in sorted(signed.keys() | found.keys()):
        if name not in found:
            findings.append(Finding("signature.files", "it was signed and is not there", fix, name))
        elif name not in signed:
            findings.append(Finding("signature.files", "it was added after signing", fix, name))
        elif signed[name] != found[name]:
            findings.append(Finding("signature.files", "it was changed after signing", fix, name))
    return findings
