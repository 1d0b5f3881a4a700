"""Installs a pack: looked at from outside, then from inside, and only then handed to pip.

In: a wheel, or a requirement that an index has a wheel for.  Out: the pack installed.  The order is the
point: form and names, contents, signature, what its pack.yaml says, and only if all of that is right its
code, run by the kit in a process of its own.  pip gets the very file that was looked at.
"""

from __future__ import annotations

__all__ = ["InstalledPack", "install_pack"]

import base64
import hashlib
import importlib.metadata
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec
from packaging.requirements import InvalidRequirement, Requirement

from greenlang.errors import PackError
from greenlang.packs.archive import Wheel, open_wheel
from greenlang.packs.conformance import check_pack
from greenlang.packs.findings import refusal
from greenlang.packs.inspection import inspect_wheel, surroundings
from greenlang.packs.signatures import INSTALLED_NAME, PackSignature, signature_path
from greenlang.packs.source import open_unpacked
from greenlang.packs.static_checks import static_findings
from greenlang.packs.trust import check_wheel

_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")


@dataclass(frozen=True, slots=True)
class InstalledPack:
    """What was installed."""

    distribution: str
    version: str
    #: Fingerprint of the key that signed it.
    signer: str | None


def install_pack(
    requirement: str, *, signature_file: Path | None = None, run: bool = True, tenant: str = "default"
) -> InstalledPack:
    """Install a wheel, or what pip finds for a requirement such as `acme-fuels>=1.2`.

    Parameters
    ----------
    signature_file : Path, optional
        Its signature, where that does not lie beside the wheel, as with one from an index.
    run : bool
        Run its examples by the conformance kit before it is installed.
    tenant : str
        Whose policy of trusted keys is asked.

    Raises
    ------
    PackError
        With every rule that it breaks.
    """
    with tempfile.TemporaryDirectory(prefix="greenlang-install-") as folder:
        path = Path(requirement)
        if path.suffix != ".whl":
            path = _download(requirement, Path(folder, "wheel"))
        wheel = _copied(path, signature_file or signature_path(path), Path(folder, "copy"))
        around = surroundings(apart_from=wheel.distribution)
        findings = inspect_wheel(wheel, around)
        if findings:
            raise refusal(path.name, findings)
        signature = check_wheel(wheel, tenant=tenant)
        unpacked = Path(folder, "unpacked")
        wheel.unpack(unpacked)
        pack = open_unpacked(wheel, unpacked)
        findings = static_findings(pack, around.agents)
        if findings:
            raise refusal(path.name, findings)
        if run:
            check_pack(pack).refuse()
        # Alone: what it needs is there, by the rule archive.needs.  Of a version that is there already, pip
        # would otherwise leave the files that are.
        _pip("install", "--quiet", "--no-deps", "--force-reinstall", "--only-binary=:all:", str(wheel.path))
        if signature is not None:
            _keep(signature, wheel)
    return InstalledPack(wheel.distribution, wheel.version, None if signature is None else signature.signer)


def _download(requirement: str, folder: Path) -> Path:
    """The one wheel that pip finds; source archives are not taken, for building one runs its code."""
    try:
        asked = Requirement(requirement)
    except InvalidRequirement:
        asked = None
    # pip builds folders, repositories and archives that a requirement names, whatever it is told of wheels.
    if asked is None or asked.url is not None:
        raise PackError(
            f"'{requirement}' is neither a wheel nor the name of a pack",
            fix="give a file that ends in .whl, or a name for the index, like acme-fuels>=1.2",
        )
    folder.mkdir()
    _pip("download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder), requirement)
    return next(folder.glob("*.whl"))


def _copied(path: Path, signature: Path, folder: Path) -> Wheel:
    """The wheel and its signature copied aside, so that nobody exchanges them after the look."""
    wheel = open_wheel(path)
    folder.mkdir()
    copy = folder / path.name
    copy.write_bytes(path.read_bytes())
    if signature.is_file():
        signature_path(copy).write_bytes(signature.read_bytes())
    copied = open_wheel(copy)
    if copied.members != wheel.members:
        raise PackError(f"'{path}' changed while it was read", fix="install it again")
    return copied


def _pip(*arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 - pip of this Python, on files that were looked at
        [*_PIP, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [
            done.stderr.strip()
        ]
        raise PackError(
            f"pip: {told[-1].removeprefix('ERROR: ')}", fix="check the name, the index and the network"
        )


def _keep(signature: PackSignature, wheel: Wheel) -> None:
    """Lay the signature into the installed pack's .dist-info, and into its RECORD, so that pip removes it."""
    record = next(
        file
        for file in importlib.metadata.distribution(wheel.distribution).files or ()
        if file.name == "RECORD" and file.parent.name.endswith(".dist-info")
    )
    content = msgspec.json.encode(signature)
    path = Path(str(record.locate()))
    (path.parent / INSTALLED_NAME).write_bytes(content)
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    line = f"{record.parent.as_posix()}/{INSTALLED_NAME},sha256={digest},{len(content)}\n"
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(line)
