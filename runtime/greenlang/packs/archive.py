"""Opens a wheel that nobody vouches for: sizes and names are checked before a byte of it is unpacked.

In: a file.  Out: a `Wheel` whose members have plain names, known sizes and hashes, and can be unpacked
nowhere but into the folder that is given.  What they are is asked by `inspection`.
"""

from __future__ import annotations

__all__ = ["MAX_FILES", "MAX_RATIO", "MAX_UNPACKED_BYTES", "Member", "Wheel", "open_wheel"]

import base64
import hashlib
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from packaging.utils import InvalidWheelFilename, NormalizedName, canonicalize_name, parse_wheel_filename

from greenlang.errors import PackError
from greenlang.packs.findings import Finding, refusal

#: Limits of the rule archive.size: far beyond what factors and code need, far below what hurts.
MAX_FILES = 10_000
MAX_UNPACKED_BYTES = 512 * 1024 * 1024
#: DEFLATE packs zeros a thousandfold; the text of factors, about tenfold.
MAX_RATIO = 200

#: A small file may shrink a lot without harming anybody.
_RATIO_FREE_BYTES = 1024 * 1024

#: Metadata and pack.yaml are read whole.
_MAX_TEXT_BYTES = 16 * 1024 * 1024

_CHUNK = 1024 * 1024

#: What a wheel's members may be packed with.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}

#: Set in a member's flags where it is encrypted.
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a wheel."""

    name: str
    size: int
    #: Hex digits.
    sha256: str

    @property
    def record_hash(self) -> str:
        """The hash as RECORD writes it: URL-safe base64 without padding."""
        return base64.urlsafe_b64encode(bytes.fromhex(self.sha256)).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel whose sizes and names are sound."""

    path: Path
    #: As its file name promises; normalised.
    distribution: NormalizedName
    version: str
    #: By name, in the order of the archive.
    members: dict[str, Member]

    @property
    def release(self) -> str:
        """`acme-fuels 1.2.0`."""
        return f"{self.distribution} {self.version}"

    def read_text(self, name: str) -> str:
        """The text of a member.

        Raises
        ------
        PackError
            If it is no UTF-8, or larger than metadata can be.
        """
        if self.members[name].size > _MAX_TEXT_BYTES:
            raise refusal(
                self.path.name, [Finding("archive.size", "it is too large to be read whole", place=name)]
            )
        with zipfile.ZipFile(self.path) as archive:
            content = archive.read(name)
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise refusal(
                self.path.name,
                [Finding("archive.readable", f"it is not UTF-8 (byte {error.start:,})", place=name)],
            ) from None

    def unpack(self, folder: Path) -> None:
        """Write every member below `folder`, as plain files that are not executable.

        Raises
        ------
        PackError
            If a file system does not take it: a name is too long, or there is no room.
        """
        with zipfile.ZipFile(self.path) as archive:
            for name in self.members:
                path = folder / name
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(archive.read(name))
                except OSError as error:
                    raise PackError(f"it cannot be unpacked: {error.strerror}", place=name[:200]) from error


def open_wheel(path: Path) -> Wheel:
    """Check a wheel's form, sizes and names.

    Raises
    ------
    PackError
        With every finding that makes it unsafe to unpack.
    """
    try:
        name, version, _, _ = parse_wheel_filename(path.name)
    except InvalidWheelFilename:
        raise refusal(
            path.name,
            [
                Finding(
                    "archive.readable",
                    "it is not named as a wheel is",
                    "give a wheel, like acme_fuels-1.2.0-py3-none-any.whl; what a source archive installs is "
                    "known only after its code ran",
                )
            ],
        ) from None
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            findings = [*_sizes(entries, path.stat().st_size), *_names(entries)]
            if findings:
                raise refusal(path.name, findings)
            members = {
                entry.filename: _measured(archive, entry, path.name)
                for entry in entries
                if not entry.is_dir()
            }
    except FileNotFoundError:
        raise PackError(f"there is no file '{path}'", fix="check the path") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise refusal(
            path.name, [Finding("archive.readable", f"it cannot be read: {error}", "build it again")]
        ) from error
    return Wheel(path, canonicalize_name(name), str(version), members)


def _sizes(entries: list[zipfile.ZipInfo], file_size: int) -> Iterator[Finding]:
    """What the directory of the archive says of sizes; what is really there is counted when it is read."""
    rule, fix = "archive.size", "ship data that packs need, and no more"
    if len(entries) > MAX_FILES:
        yield Finding(rule, f"it has {len(entries):,} files, and at most {MAX_FILES:,} are taken", fix)
        return
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES:
        yield Finding(
            rule, f"it unpacks to {unpacked:,} bytes, and at most {MAX_UNPACKED_BYTES:,} are taken", fix
        )
    if sum(entry.compress_size for entry in entries) > file_size:
        yield Finding(rule, "its files overlap, so that one part unpacks many times", "build it again")
    for entry in entries:
        if entry.file_size > max(_RATIO_FREE_BYTES, MAX_RATIO * entry.compress_size):
            message = f"it unpacks from {entry.compress_size:,} bytes to {entry.file_size:,}"
            yield Finding(rule, message, fix, entry.filename)
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
            yield Finding(
                "archive.readable",
                "it is encrypted, or packed by another method than DEFLATE",
                "build it again",
                entry.filename,
            )


def _names(entries: list[zipfile.ZipInfo]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for entry in entries:
        # `filename` is what zipfile made of it: cut at a NUL, with other separators replaced.
        name = entry.orig_filename
        if _leads_away(name) or entry.filename != name:
            yield Finding(
                "archive.path",
                "the name leads out of the folder it is unpacked in",
                "leave it out",
                repr(name),
            )
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            yield Finding("archive.path", "it is a link or a device", "ship a plain file", repr(name))
        # Two names that one file system keeps apart are one file in another.
        key = unicodedata.normalize("NFC", name).casefold()
        if key in seen:
            yield Finding("archive.path", f"it is there twice, also as {seen[key]!r}", "keep one", repr(name))
        seen[key] = name
    for key, name in seen.items():
        for folder in PurePosixPath(key).parents:
            if file := seen.get(str(folder)):
                yield Finding(
                    "archive.path", f"{file!r} is a file, and this lies in it", "keep one", repr(name)
                )


def _leads_away(name: str) -> bool:
    parts = name.removesuffix("/").split("/")
    return (
        any(part in ("", ".", "..") or part != part.strip() for part in parts)
        or bool(PureWindowsPath(name).drive)
        or any(character in name for character in "\\:\0")
        or not name.isprintable()
    )


def _measured(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, wheel: str) -> Member:
    """Hash a member, reading no more than its directory entry promises."""
    digest, left = hashlib.sha256(), entry.file_size
    with archive.open(entry) as stream:
        while chunk := stream.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise refusal(
                    wheel,
                    [Finding("archive.size", "it unpacks to more than it says", place=entry.filename)],
                )
            digest.update(chunk)
    if left:
        raise refusal(
            wheel, [Finding("archive.readable", "it is shorter than it says", place=entry.filename)]
        )
    return Member(entry.filename, entry.file_size, digest.hexdigest())
