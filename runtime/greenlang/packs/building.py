"""Builds a pack's wheel and source archive so that the same sources give the same bytes.

In: a project.  Out: two files.  The project's own build backend makes them, through the library `build` of
the extra `packs`; then times, owners, modes and order in both archives are made the same everywhere, which
not every backend does.
"""

from __future__ import annotations

__all__ = ["build_pack"]

import gzip
import io
import os
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from greenlang.errors import InputError, PackError

#: 1 January 1980 and the end of 2107: what a zip file can tell.
_FIRST_SECOND, _LAST_SECOND = 315_532_800, 4_354_819_199

_FILE_MODE = 0o644
_LEVEL = 9


def build_pack(folder: Path, into: Path, *, isolated: bool = True) -> list[Path]:
    """Build the wheel and the source archive of the project in `folder`; gives their paths.

    Parameters
    ----------
    isolated : bool
        Build in an environment of its own with what the project's [build-system] asks for; without it, with
        what is installed here.

    Raises
    ------
    InputError
        If the library `build` is not installed, or SOURCE_DATE_EPOCH is no time.
    PackError
        If the build fails.
    """
    try:
        import build
        from build.env import DefaultIsolatedEnv
    except ImportError:
        raise InputError(
            "packs are built by the library build, which is not installed",
            fix="run: pip install 'greenlang-runtime[packs]'",
        ) from None
    epoch = _epoch()
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="greenlang-build-") as work:
        try:
            if isolated:
                with DefaultIsolatedEnv() as environment:
                    builder = build.ProjectBuilder.from_isolated_env(environment, folder, runner=_quietly)
                    environment.install(builder.build_system_requires)
                    for kind in ("wheel", "sdist"):
                        environment.install(builder.get_requires_for_build(kind))
                    made = [Path(builder.build(kind, work)) for kind in ("wheel", "sdist")]
            else:
                builder = build.ProjectBuilder(folder, runner=_quietly)
                made = [Path(builder.build(kind, work)) for kind in ("wheel", "sdist")]
        except (build.BuildException, build.BuildBackendException, subprocess.CalledProcessError) as error:
            raise PackError(
                f"it cannot be built: {error}", fix="mend pyproject.toml", place=str(folder)
            ) from error
        normalise = {".whl": _same_zip, ".gz": _same_tar}
        return [normalise[path.suffix](path, into / path.name, epoch) for path in made]


def _epoch() -> int:
    text = os.environ.get("SOURCE_DATE_EPOCH", str(_FIRST_SECOND))
    if not text.isdecimal() or len(text) > 10 or int(text) > _LAST_SECOND:
        raise InputError(f"SOURCE_DATE_EPOCH is '{text}'", fix="give whole seconds since 1970, up to 2107")
    return max(int(text), _FIRST_SECOND)


def _quietly(
    cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None
) -> None:
    """Run the backend; what it says is told only where it fails."""
    done = subprocess.run(  # noqa: S603 - the command of the library build
        cmd,
        cwd=cwd,
        env={**os.environ, **(extra_environ or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise PackError(f"it cannot be built: {last}", fix="mend the project", place=str(cwd or "."))


def _same_zip(source: Path, target: Path, epoch: int) -> Path:
    time = datetime.fromtimestamp(epoch, UTC).timetuple()[:6]
    with zipfile.ZipFile(source) as given, zipfile.ZipFile(target, "w") as made:
        # The metadata come last, as the format of wheels asks.
        for name in sorted(given.namelist(), key=lambda name: (".dist-info/" in name, name)):
            entry = zipfile.ZipInfo(name, time)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _FILE_MODE << 16
            entry.create_system = 3
            made.writestr(entry, given.read(name), compresslevel=_LEVEL)
    return target


def _same_tar(source: Path, target: Path, epoch: int) -> Path:
    buffer = io.BytesIO()
    with (
        tarfile.open(source) as given,
        tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as made,
    ):
        for member in sorted(given.getmembers(), key=lambda member: member.name):
            if not member.isfile():
                continue
            entry = tarfile.TarInfo(member.name)
            entry.size, entry.mtime, entry.mode = member.size, epoch, _FILE_MODE
            made.addfile(entry, given.extractfile(member))
    target.write_bytes(gzip.compress(buffer.getvalue(), _LEVEL, mtime=epoch))
    return target
