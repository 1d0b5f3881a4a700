"""`make release-check`: everything that a release must be, one line each; what is made lies in build/release.

clean       nothing in the checkout that is not committed
version     the same wherever it is written, and no tag of it on another commit
changelog   a section of this version, and no fragments left
tests       `make lint`, `make test`, `make test-system`, `make image-check`
wheels      of every distribution, from two folders with the same bytes, for every Linux of this age
install     into an environment of their own, where the inventory of examples/ is computed
sbom        what is installed there, as CycloneDX
signatures  over every wheel, and over the hashes of all files
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from making import (
    ROOT,
    Unmet,
    bill_of_materials,
    built_twice,
    installed,
    manylinux,
    output,
    prepare,
    signed,
)
from packaging.requirements import Requirement

from greenlang import __version__

#: What must have passed, in the order of what fails soonest.
TESTS = ("lint", "test", "test-system", "image-check")

#: Where files are put unless another folder is named; it is emptied first.
INTO = ROOT / "build" / "release"

PROJECTS = [ROOT, *sorted(path.parent for path in ROOT.glob("*/*/pyproject.toml"))]


@dataclass
class Release:
    """What the checks have made until now."""

    into: Path
    work: Path
    keys: Path | None
    tests: bool
    files: list[Path] = field(default_factory=list)
    python: Path | None = None

    @property
    def wheels(self) -> list[Path]:
        """Those of `files`."""
        return [path for path in self.files if path.suffix == ".whl"]


def clean(_release: Release) -> str:
    """Nothing is there that is not committed."""
    changed = output("git", "status", "--porcelain").splitlines()
    if changed:
        raise Unmet(f"{len(changed)} files are not committed, {changed[0].split()[-1]} among them")
    return f"commit {output('git', 'rev-parse', '--short=12', 'HEAD')}"


def version(_release: Release) -> str:
    """It is the same wherever it is written."""
    tags = {
        path: re.findall(r"newTag: (\S+)", path.read_text())
        for path in (ROOT / "deploy" / "kubernetes").rglob("kustomization.yaml")
    }
    pack = yaml.safe_load((ROOT / "runtime" / "greenlang" / "pack.yaml").read_text())
    written = {"pack.yaml": [pack["version"]]} | {
        str(path.relative_to(ROOT)): found for path, found in tags.items()
    }
    differ = [place for place, found in written.items() if set(found) - {__version__}]
    for project in PROJECTS[1:]:
        named = tomllib.loads((project / "pyproject.toml").read_text())["project"]["dependencies"]
        ranges = [each for each in map(Requirement, named) if each.name == "greenlang-runtime"]
        if not all(each.specifier.contains(__version__, prereleases=True) for each in ranges):
            differ.append(f"{project.name}/pyproject.toml")
    if differ:
        raise Unmet(f"it is not {__version__} in {', '.join(differ)}")
    tagged = output("git", "tag", "--list", f"v{__version__}")
    if tagged and output("git", "rev-list", "-1", tagged) != output("git", "rev-parse", "HEAD"):
        raise Unmet(f"{tagged} is another commit: it has been released")
    return __version__


def changelog(_release: Release) -> str:
    """Its section is written, and the fragments are gone."""
    left = [path.name for path in (ROOT / "changelog").glob("*.*.md")]
    if left:
        raise Unmet(f"{len(left)} fragments wait: towncrier build --yes --version {__version__}")
    if f"\n## {__version__} (" not in (ROOT / "CHANGELOG.md").read_text():
        raise Unmet(f"CHANGELOG.md has no section '{__version__}'")
    return f"CHANGELOG.md has {__version__}, and no fragment is left"


def tests(release: Release) -> str:
    """They pass."""
    named = ", ".join(f"make {name}" for name in TESTS)
    if not release.tests:
        raise Unmet(f"not run: {named}")
    for name in TESTS:
        if subprocess.run(["make", name], cwd=ROOT, check=False).returncode:
            raise Unmet(f"`make {name}` fails")
    return named


def wheels(release: Release) -> str:
    """Every distribution is built twice, to the same bytes."""
    for project in PROJECTS:
        with tempfile.TemporaryDirectory(dir=release.work) as work:
            made = built_twice(project, Path(work), release.into)
        release.files += [manylinux(path) if "-linux_" in path.name else path for path in made]
    platforms = {path.stem.rpartition("-")[2] for path in release.wheels}
    return f"{len(release.files)} files of {len(PROJECTS)} distributions, for {', '.join(sorted(platforms))}"


def install(release: Release) -> str:
    """The wheels are enough to compute an inventory."""
    release.python = installed(release.wheels, release.work / "environment")
    examples = ROOT / "examples"
    command = (release.python, "-m", "greenlang", "run", examples / "inventory.gcel")
    told = output(*command, "--input", examples / "activities.csv", folder=release.work)
    return f"the inventory of examples/ in {len(told.splitlines())} lines"


def sbom(release: Release) -> str:
    """What was installed is listed."""
    if release.python is None:
        raise Unmet("nothing was installed")
    path = release.into / f"greenlang-{__version__}.cdx.json"
    count = bill_of_materials(release.python, path)
    release.files.append(path)
    return f"{count} components in {path.name}"


def signatures(release: Release) -> str:
    """Everything is signed with the release's key."""
    if release.keys is None:
        raise Unmet("no key: make release-check KEYS=FOLDER, with a signing_key.pem in it")
    if not release.files:
        raise Unmet("nothing was built")
    signer = signed(release.files, release.into, release.keys)
    return f"{len(release.wheels)} wheels, and the hashes of {len(release.files)} files, by {signer}"


CHECKS: tuple[Callable[[Release], str], ...] = (
    clean,
    version,
    changelog,
    tests,
    wheels,
    install,
    sbom,
    signatures,
)


def main() -> int:
    """Check all of it, or what is named; 1 if something is not as it must be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    names = [check.__name__ for check in CHECKS]
    parser.add_argument(
        "only", nargs="*", metavar="CHECK", help=f"of {', '.join(names)}; all if none is named"
    )
    parser.add_argument("--keys", type=Path, help="the folder of the release's signing_key.pem")
    parser.add_argument("--without-tests", action="store_true", help="name the tests, and leave them unmet")
    parser.add_argument("--into", type=Path, default=INTO, help="where files are put; it must be empty")
    given = parser.parse_args()
    if set(given.only) - set(names):
        parser.error(f"the checks are {', '.join(names)}")
    if given.into == INTO:
        shutil.rmtree(INTO, ignore_errors=True)
    elif given.into.exists() and any(given.into.iterdir()):
        parser.error(f"{given.into} is not empty")
    given.into.mkdir(parents=True, exist_ok=True)
    prepare()
    unmet = 0
    with tempfile.TemporaryDirectory(prefix="greenlang-release-") as work:
        release = Release(given.into, Path(work), given.keys, not given.without_tests)
        for check in CHECKS:
            if not given.only or check.__name__ in given.only:
                try:
                    print(f"ok     {check.__name__:<11} {check(release)}", flush=True)
                except Unmet as reason:
                    unmet += 1
                    print(f"UNMET  {check.__name__:<11} {reason}", flush=True)
    print(f"{unmet} unmet" if unmet else f"{__version__} can be released: {given.into}")
    return 1 if unmet else 0


if __name__ == "__main__":
    sys.exit(main())
