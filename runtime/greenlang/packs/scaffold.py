"""Makes a new pack from the template, and merges later fixes of the template into it.

In: answers.  Out: a project that passes the conformance kit.  The work is copier's, which comes with the
extra `packs`.  copier updates from a Git repository whose tags are the template's versions; here that
repository is made on the spot from the folders of `template`, so that an update needs no network.
"""

from __future__ import annotations

__all__ = ["TEMPLATES", "new_pack", "template_versions", "update_pack"]

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from packaging.version import Version

from greenlang.errors import InputError, PackError

#: One folder a version of the template; old ones stay, for packs that were made with them.
TEMPLATES = Path(__file__).with_name("template")

ANSWERS_FILE = ".copier-answers.yml"

#: What the answers call the template; Git is told where it is.
_TEMPLATE_URL = "https://greenlang.invalid/pack-template.git"


def template_versions() -> list[str]:
    """The versions of the template, from old to new."""
    return sorted((path.name for path in TEMPLATES.iterdir() if path.is_dir()), key=Version)


def new_pack(folder: Path, answers: Mapping[str, str], *, ask: bool) -> None:
    """Make a pack in an empty or new folder.

    Parameters
    ----------
    answers : Mapping[str, str]
        Answers to the questions of copier.yml, by their names; the pack is called like the folder otherwise.
    ask : bool
        Ask for the other answers on the terminal; without it they are the defaults.

    Raises
    ------
    InputError
        If the folder is not empty, an answer is missing or wrong, or copier is not installed.
    """
    copier = _copier()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"'{folder}' is not an empty folder", fix="name a folder that is not there yet")
    newest = TEMPLATES / template_versions()[-1]
    name = folder.resolve().name.replace("-", "_").lower()
    with _told_by_copier():
        copier.run_copy(
            str(newest),
            folder,
            data=dict(answers),
            user_defaults={"pack": name},
            defaults=not ask,
            quiet=True,
        )


def update_pack(folder: Path) -> str:
    """Merge what changed in the template since a pack was made; gives the version that it now has.

    Raises
    ------
    InputError
        If the pack was not made by us, is not committed to Git, or there is no Git.
    """
    _copier()
    if not (folder / ANSWERS_FILE).is_file():
        raise InputError(
            f"there is no {ANSWERS_FILE} in '{folder}'", fix="update a pack that `greenlang packs new` made"
        )
    if shutil.which("git") is None:
        raise InputError("the merge is done by Git, which is not installed", fix="install Git")
    with _repository() as environment:
        # In a process of its own: copier keeps the environment that it was imported in.
        done = subprocess.run(  # noqa: S603 - this Python, on copier
            [sys.executable, "-m", "copier", "update", "--defaults", "--quiet", str(folder)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise PackError(f"copier: {last}", fix="commit the pack to Git first", place=str(folder))
    return template_versions()[-1]


@contextmanager
def _repository() -> Iterator[dict[str, str]]:
    """The versions of the template as tags of a Git repository, and the environment in which Git finds it."""
    with tempfile.TemporaryDirectory(prefix="greenlang-template-") as folder:
        repository = Path(folder)

        def git(*arguments: str) -> None:
            command = ["git", "-c", "user.name=greenlang", "-c", "user.email=greenlang@localhost", *arguments]
            subprocess.run(command, cwd=repository, check=True, capture_output=True)  # noqa: S603 - ours

        git("init", "--quiet")
        for version in template_versions():
            for path in repository.iterdir():
                if path.name != ".git":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            shutil.copytree(TEMPLATES / version, repository, dirs_exist_ok=True)
            git("add", "--all")
            git("-c", "commit.gpgsign=false", "commit", "--quiet", "--allow-empty", "--message", version)
            git("tag", version)
        yield {
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": f"url.{repository.as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": _TEMPLATE_URL,
            "GIT_CONFIG_KEY_1": "protocol.file.allow",
            "GIT_CONFIG_VALUE_1": "always",
        }


def _copier() -> ModuleType:
    try:
        import copier
    except ImportError:
        raise InputError(
            "the scaffold is made by copier, which is not installed",
            fix="run: pip install 'greenlang-runtime[packs]'",
        ) from None
    return copier


@contextmanager
def _told_by_copier() -> Iterator[None]:
    """Tell what copier refuses in our words."""
    from copier.errors import CopierError

    try:
        yield
    except (CopierError, ValueError) as error:
        raise PackError(str(error).strip(), fix="give another answer, or mend what is named") from error
