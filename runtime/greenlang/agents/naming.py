"""What an agent may be called, how its versions are written, and which of them a request means."""

from __future__ import annotations

__all__ = ["check_name", "check_version", "in_order", "newest_matching", "specifier_text"]

import re
from collections.abc import Iterable

from greenlang.errors import AgentError

_NAME = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")

#: Three numbers and perhaps a pre-release: what semantic versioning and PEP 440 both read the same way.
_VERSION = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){2}(?:(?:a|b|rc)(?:0|[1-9][0-9]*))?")

#: The last part of a version.
_PATCH = re.compile(r"([0-9]+)(?:(a|b|rc)([0-9]+))?")

#: `name@1`, `name@1.2` and `name@1.2.3` mean any version that begins so.
_PREFIX = re.compile(r"[0-9]+(?:\.[0-9]+)*")


def check_name(name: object) -> str:
    """`name` itself if agents may have it, `pack.agent`; AgentError otherwise."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    raise AgentError(
        f"{name!r} cannot name an agent",
        fix="write pack.agent in lower case: letters, digits and _, parts joined by points, like acme.double",
    )


def check_version(version: object) -> str:
    """`version` itself if agents may have it, `1.2.0` or `1.2.0rc1`; AgentError otherwise."""
    if isinstance(version, str) and _VERSION.fullmatch(version):
        return version
    raise AgentError(
        f"{version!r} is not an agent's version",
        fix='write three numbers as text, like "1.2.0" or "1.2.0rc1"',
    )


def specifier_text(requested: str) -> str:
    """The PEP 440 range that a request means: `1.2` is `==1.2.*`, a full version is itself, ranges stay."""
    requested = requested.strip()
    if _PREFIX.fullmatch(requested):
        return f"=={requested}.*"
    return f"=={requested}" if _VERSION.fullmatch(requested) else requested


def newest_matching(versions: Iterable[str], requested: str | None) -> str | None:
    """The version that pip would choose: the newest in the range, a pre-release only if nothing else is.

    Raises
    ------
    AgentError
        If `requested` is not a version, a prefix of one, or a PEP 440 range.
    """
    # packaging takes as long to import as all of this folder: only who resolves an agent pays.
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import Version

    try:
        allowed = SpecifierSet(specifier_text(requested or ""))
    except InvalidSpecifier:
        raise AgentError(
            f"'{requested}' is not a version or a range of versions",
            fix="write 1.2, or a range like >=1.2,<2",
        ) from None
    return max(allowed.filter(versions), key=Version, default=None)


def in_order(versions: Iterable[str]) -> list[str]:
    """The versions from old to new; of agents, so that they have the form that `check_version` asks for."""
    return sorted(versions, key=_order)


def _order(version: str) -> tuple[int, int, int, str, int]:
    """What PEP 440 orders such a version by, without packaging, which a list of agents never needs."""
    major, minor, rest = version.split(".")
    patch, stage, number = _PATCH.match(rest).groups()  # type: ignore[union-attr]  # check_version saw to it
    # A release comes after its pre-releases: `a`, `b` and `rc` are in alphabetical order.
    return int(major), int(minor), int(patch), stage or "release", int(number or 0)
