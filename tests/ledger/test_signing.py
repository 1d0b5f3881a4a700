from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from greenlang.errors import InputError
from greenlang.ledger.signing import (
    KnownKeys,
    Signer,
    Unsigned,
    fingerprint,
    load_known_keys,
    load_signer,
    signature_holds,
)


def signer_in(folder: Path) -> Signer:
    signer = load_signer(folder)
    assert isinstance(signer, Signer)
    return signer


def test_a_key_is_made_once_readable_by_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "greenlang"
    first = signer_in(folder)
    path = folder / "signing_key.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in folder.iterdir()] == ["signing_key.pem"]
    assert signer_in(folder).fingerprint == first.fingerprint


def test_a_key_that_may_have_signed_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    signer_in(tmp_path)
    assert synced == [(tmp_path / "signing_key.pem").stat().st_ino, tmp_path.stat().st_ino]


def test_processes_that_need_the_first_key_at_once_get_the_same(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(signer_in(tmp_path).fingerprint)) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1


def test_a_signature_holds_for_its_message_and_key_alone(tmp_path: Path) -> None:
    signer, other = signer_in(tmp_path / "a"), signer_in(tmp_path / "b")
    signature = signer.sign(b"head")
    assert signature_holds(signer.public_key, signature, b"head")
    assert not signature_holds(signer.public_key, signature, b"heal")
    assert not signature_holds(other.public_key, signature, b"head")
    assert not signature_holds(signer.public_key, other.sign(b"head"), b"head")
    assert not signature_holds(signer.public_key, "00" * 63, b"head")


def test_a_signature_of_rfc_8032_holds() -> None:
    """Section 7.1, test 3."""
    public_key = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
    signature = (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    assert signature_holds(public_key, signature, bytes.fromhex("af82"))


def test_without_a_home_that_can_be_written_the_reason_is_said(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    unsigned = load_signer(in_the_way / "greenlang")
    assert isinstance(unsigned, Unsigned)
    assert "Not a directory; set XDG_CONFIG_HOME to a folder that can be written" in unsigned.reason


def test_without_any_home_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    unsigned = load_signer()
    assert isinstance(unsigned, Unsigned)
    assert unsigned.reason == ("neither HOME nor XDG_CONFIG_HOME names a folder; set XDG_CONFIG_HOME to one")
    assert load_known_keys() == KnownKeys()


def test_a_key_that_others_can_read_does_not_sign(tmp_path: Path) -> None:
    signer_in(tmp_path)
    path = tmp_path / "signing_key.pem"
    path.chmod(0o644)
    unsigned = load_signer(tmp_path)
    assert isinstance(unsigned, Unsigned)
    assert f"(mode 0644); run `chmod 600 {path}`" in unsigned.reason
    assert load_known_keys(tmp_path).installation is None


def test_a_file_that_holds_no_ed25519_key_does_not_sign_and_is_left_alone(tmp_path: Path) -> None:
    rsa = generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    path = tmp_path / "signing_key.pem"
    for content in (b"", b"garbage", rsa):
        path.write_bytes(content)
        path.chmod(0o600)
        unsigned = load_signer(tmp_path)
        assert isinstance(unsigned, Unsigned)
        assert "holds no Ed25519 private key; move it away" in unsigned.reason
        assert path.read_bytes() == content


def test_known_keys_are_the_installations_own_and_the_trusted_by_name(tmp_path: Path) -> None:
    own = signer_in(tmp_path)
    keys = [Ed25519PrivateKey.generate().public_key() for _ in range(2)]
    trusted = tmp_path / "trusted_keys"
    trusted.mkdir()
    (trusted / "acme.pub").write_text(raw(keys[0]) + "\n")
    (trusted / "city.pem").write_bytes(keys[1].public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (trusted / "README").write_text("not a key")
    known = load_known_keys(tmp_path)
    assert known.owner(own.fingerprint) == "this installation"
    assert known.owner(fingerprint(raw(keys[0]))) == "trusted: acme"
    assert known.owner(fingerprint(raw(keys[1]))) == "trusted: city"
    assert known.owner(fingerprint("00" * 32)) is None


def test_asking_for_known_keys_makes_none(tmp_path: Path) -> None:
    assert load_known_keys(tmp_path / "new") == KnownKeys()
    assert not (tmp_path / "new").exists()


def test_a_trusted_file_without_a_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "trusted_keys").mkdir()
    (tmp_path / "trusted_keys" / "acme.pub").write_text("ssh-ed25519 AAAA")
    with pytest.raises(InputError, match=r"acme\.pub holds no Ed25519 public key; give the key as PEM"):
        load_known_keys(tmp_path)


def test_cryptography_is_not_imported_until_a_key_is_needed() -> None:
    program = "import sys, greenlang.ledger.chain; assert 'cryptography' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def raw(key: Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
