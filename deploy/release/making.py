"""What a release is made of: wheels, source archives, a bill of materials, and signatures over all."""

from __future__ import annotations

__all__ = [
    "Unmet",
    "bill_of_materials",
    "built_twice",
    "installed",
    "manylinux",
    "output",
    "prepare",
    "signed",
]

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

from greenlang.ledger import load_signer
from greenlang.ledger.signing import Signer, signature_holds
from greenlang.packs import open_wheel, sign_wheel
from greenlang.packs.building import build_pack

ROOT = Path(__file__).parents[2]
SUMS = "SHA256SUMS"


class Unmet(Exception):
    """Why something that a release must be is not so."""


def output(*command: str | Path, folder: Path = ROOT) -> str:
    """What a command prints.

    Raises
    ------
    Unmet
        If it fails.
    """
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise Unmet(f"`{' '.join(map(str, command))}` fails: {' / '.join(said)}")
    return done.stdout.strip()


def built_twice(project: Path, work: Path, into: Path) -> list[Path]:
    """The wheel and the source archive of a project that git knows, built from two folders.

    They are built from the files of the last commit, and again, elsewhere, from what the first source archive
    holds: so that archive is complete, and the second build must give the same bytes.

    Raises
    ------
    Unmet
        If it does not.
    """
    name = project.relative_to(ROOT).as_posix()
    first = work / "first" / name
    first.mkdir(parents=True)
    archive = work / "first.tar"
    tree = "HEAD" if name == "." else f"HEAD:{name}"
    output("git", "archive", "--output", archive, tree)
    with tarfile.open(archive) as files:
        files.extractall(first, filter="data")
    made = build_pack(first, into)
    (source,) = [path for path in made if path.suffix == ".gz"]
    second = work / "built again, in a folder of another name"
    with tarfile.open(source) as files:
        files.extractall(second, filter="data")
    unpacked = second / source.name.removesuffix(".tar.gz")
    (unpacked / "setup.cfg").unlink()  # setuptools adds it to archives, and would list it the second time
    again = build_pack(unpacked, work / "again")
    differ = [
        path.name for path, other in zip(made, again, strict=True) if path.read_bytes() != other.read_bytes()
    ]
    if differ:
        raise Unmet(f"{', '.join(differ)}: two builds differ")
    return made


def manylinux(wheel: Path) -> Path:
    """A wheel for this Linux alone as one for all that have its C library or a later one; it takes its place.

    Raises
    ------
    Unmet
        If it needs what they may not have.
    """
    output("auditwheel", "repair", "--wheel-dir", wheel.parent, wheel)
    (made,) = [
        path for path in wheel.parent.glob(f"{wheel.name.partition('-linux_')[0]}-*.whl") if path != wheel
    ]
    wheel.unlink()
    return made


def installed(wheels: list[Path], folder: Path) -> Path:
    """A new environment with these wheels and what they require; gives its Python."""
    output(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    output(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wheels)
    return python


def bill_of_materials(python: Path, path: Path) -> int:
    """Write what is installed in an environment as CycloneDX; gives how many components there are."""
    output("cyclonedx-py", "environment", "--output-reproducible", "--output-file", path, python)
    return len(json.loads(path.read_bytes())["components"])


def signed(files: list[Path], folder: Path, keys: Path) -> str:
    """Sign each wheel, and the list of the hashes of all files; gives whose signature it is.

    Raises
    ------
    Unmet
        If there is no key in `keys`: none is made for a release.
    """
    if not (keys / "signing_key.pem").is_file():
        raise Unmet(f"there is no signing_key.pem in '{keys}'")
    signer = load_signer(keys)
    if not isinstance(signer, Signer):
        raise Unmet(signer.reason)
    for wheel in files:
        if wheel.suffix == ".whl":
            sign_wheel(open_wheel(wheel), keys=keys)
    listed = "".join(
        f"{digest(path)}  {path.name}\n" for path in sorted(folder.iterdir()) if path.stem != SUMS
    )
    (folder / SUMS).write_text(listed)
    signature = {"public_key": signer.public_key, "signature": signer.sign(listed.encode())}
    (folder / f"{SUMS}.sig").write_text(json.dumps(signature) + "\n")
    if not signature_holds(signature["public_key"], signature["signature"], (folder / SUMS).read_bytes()):
        raise Unmet("the signature that was made does not hold")
    return signer.fingerprint


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def prepare() -> None:
    """Have builds tell the time of the last commit, and find the programs of this environment."""
    os.environ["SOURCE_DATE_EPOCH"] = output("git", "log", "-1", "--format=%ct")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
