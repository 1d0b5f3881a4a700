"""The installation's signing key, and the keys of others that it knows.

Both live in the configuration folder (`$XDG_CONFIG_HOME/greenlang`, else `~/.config/greenlang`):

    signing_key.pem           Ed25519 private key, mode 0600, made when first needed
    trusted_keys/NAME.pub     public key of NAME, also NAME.pem: PEM, or the 64 hex digits that bundles carry

A key is named by its fingerprint.  An installation that can keep no key still computes: its chain heads are
unsigned and say why.  `cryptography` is imported when a signature is made or checked, not before.
"""

from __future__ import annotations

__all__ = [
    "FINGERPRINT_DIGITS",
    "KnownKeys",
    "Signer",
    "Unsigned",
    "fingerprint",
    "load_known_keys",
    "load_signer",
    "signature_holds",
]

import contextlib
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from greenlang.errors import InputError
from greenlang.folders import config_folder
from greenlang.ledger.files import sync_folder

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNING_KEY = "signing_key.pem"
TRUSTED_KEYS = "trusted_keys"

#: Hex digits of a fingerprint: 128 bits, which no one finds a second key for.
FINGERPRINT_DIGITS = 32

_KEY_MODE = 0o600
_PUBLIC_KEY_HEX = re.compile(r"[0-9a-f]{64}")


class Signer:
    """Signs for this installation."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = _raw(key.public_key()).hex()
        self.fingerprint = fingerprint(self.public_key)

    def sign(self, message: bytes) -> str:
        """The Ed25519 signature over `message`, in hex."""
        return self._key.sign(message).hex()


@dataclass(frozen=True, slots=True)
class Unsigned:
    """Stands for the signer where there is none."""

    reason: str


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """Whose signatures mean something here."""

    #: Fingerprint of this installation's own key, if it has one.
    installation: str | None = None
    #: Names of the trusted keys, by fingerprint.
    names: Mapping[str, str] = field(default_factory=dict)

    def owner(self, key_fingerprint: str) -> str | None:
        """Whose key it is: `this installation`, `trusted: NAME`, or None if unknown."""
        if key_fingerprint == self.installation:
            return "this installation"
        name = self.names.get(key_fingerprint)
        return None if name is None else f"trusted: {name}"


def load_signer(folder: Path | None = None) -> Signer | Unsigned:
    """The installation's signer, its key made now if there is none; or why there can be none.

    Never raises for what is wrong with the key: a calculation must not fail for want of a signature.
    """
    try:
        path = (folder or config_folder()) / SIGNING_KEY
        return _load_key(path) or _create_key(path)
    except InputError as error:
        return Unsigned(error.text())
    except OSError as error:
        return Unsigned(
            f"no signing key can be kept at {error.filename}: {error.strerror}; "
            "set XDG_CONFIG_HOME to a folder that can be written"
        )


def load_known_keys(folder: Path | None = None) -> KnownKeys:
    """The keys that this installation knows; makes none.

    Raises
    ------
    InputError
        For a file among the trusted keys that holds no public key.
    """
    try:
        base = folder or config_folder()
    except InputError:
        return KnownKeys()
    names: dict[str, str] = {}
    trusted = base / TRUSTED_KEYS
    for path in sorted([*trusted.glob("*.pub"), *trusted.glob("*.pem")]):
        names[fingerprint(_read_public_key(path))] = path.stem
    # A signing key that cannot be read is told when it is to sign; here it is merely not known.
    with contextlib.suppress(InputError, OSError):
        own = _load_key(base / SIGNING_KEY)
        return KnownKeys(own.fingerprint if own else None, names)
    return KnownKeys(None, names)


def fingerprint(public_key: str) -> str:
    """`ed25519:` and the first 32 hex digits of the SHA-256 of the raw key (given in hex)."""
    return "ed25519:" + hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:FINGERPRINT_DIGITS]


def signature_holds(public_key: str, signature: str, message: bytes) -> bool:
    """Whether `signature` is what the owner of `public_key` (both in hex) made over `message`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(
            bytes.fromhex(signature), message
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def _load_key(path: Path) -> Signer | None:
    """The key in `path`; None if there is no such file."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        pem = path.read_bytes()
    except FileNotFoundError:
        return None
    if mode & 0o077:
        raise InputError(
            f"the signing key {path} is open to other users (mode {mode:04o})", fix=f"run `chmod 600 {path}`"
        )
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(path, "private") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, "private")
    return Signer(key)


def _create_key(path: Path) -> Signer:
    """Make a key at `path`, unless another process was quicker: then that one's is taken."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _KEY_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, fails if the name is taken: no key that has signed is ever replaced.
        path.hardlink_to(beside)
        sync_folder(path.parent)
    except FileExistsError:
        return _load_key(path) or _create_key(path)
    finally:
        beside.unlink(missing_ok=True)
    return Signer(key)


def _read_public_key(path: Path) -> str:
    """The raw public key in hex, from PEM or from hex."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"the trusted key {path} cannot be read: {error.strerror}") from error
    text = content.decode("ascii", "replace").strip().lower()
    if _PUBLIC_KEY_HEX.fullmatch(text):
        return text
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _no_key(path, "public") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path, "public")
    return _raw(key).hex()


def _raw(key: Ed25519PublicKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _no_key(path: Path, kind: str) -> InputError:
    mended = (
        "move it away, and a new key is made"
        if kind == "private"
        else "give the key as PEM, or as the 64 hex digits of a bundle's head.public_key"
    )
    return InputError(f"{path} holds no Ed25519 {kind} key", fix=mended)
