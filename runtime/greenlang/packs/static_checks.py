"""The rules that a pack is held to before anything of it is imported: what it says, and its factors."""

from __future__ import annotations

__all__ = ["static_findings"]

from collections.abc import Iterator, Mapping

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from greenlang import __version__
from greenlang.agents import PackManifest
from greenlang.errors import InputError
from greenlang.packs.factor_checks import factor_findings
from greenlang.packs.findings import Finding
from greenlang.packs.source import PackSource

_RUNTIME = "greenlang-runtime"


def static_findings(pack: PackSource, agents_of_others: Mapping[str, str]) -> list[Finding]:
    """Everything against a pack that can be told without running it.

    Parameters
    ----------
    agents_of_others : Mapping[str, str]
        The distributions that other agents come from, by agent name.
    """
    return [
        *_release(pack),
        *_licence(pack),
        *_contents(pack),
        *_names(pack.manifest, agents_of_others),
        *_factors(pack),
        *_aliases(pack),
        *_formulas(pack.manifest),
    ]


def _release(pack: PackSource) -> Iterator[Finding]:
    manifest, rule, place = pack.manifest, "manifest.release", "pack.yaml"
    if canonicalize_name(manifest.name) != canonicalize_name(pack.distribution):
        message = f"its name is '{manifest.name}', but the distribution is {pack.distribution}"
        yield Finding(rule, message, f"write `name: {pack.distribution}`", place)
    if manifest.version != pack.version:
        message = f"its version is {manifest.version}, but the distribution's is {pack.version}"
        yield Finding(rule, message, "give both the same version", place)
    wanted = SpecifierSet(manifest.requires.greenlang)
    if not wanted.contains(__version__, prereleases=True):
        yield Finding(
            rule,
            f"it needs greenlang {wanted}, and this is {__version__}",
            "check it with a runtime that it is made for",
            place,
        )
    if pack.dependencies is not None and wanted not in _runtime_ranges(pack.dependencies):
        yield Finding(
            rule,
            f"its dependencies do not ask for {_RUNTIME} {wanted}, as its pack.yaml does",
            f'write dependencies = ["{_RUNTIME}{manifest.requires.greenlang}"]',
            "pyproject.toml",
        )


def _runtime_ranges(dependencies: tuple[str, ...]) -> list[SpecifierSet]:
    ranges = []
    for text in dependencies:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if canonicalize_name(requirement.name) == _RUNTIME:
            ranges.append(requirement.specifier)
    return ranges


def _licence(pack: PackSource) -> Iterator[Finding]:
    rule, declared = "manifest.licence", pack.manifest.licence
    try:
        known = canonicalize_license_expression(declared)
    except InvalidLicenseExpression:
        fix = "write one of spdx.org/licenses, like Apache-2.0, or LicenseRef-NAME"
        yield Finding(rule, f"'{declared}' is not an SPDX expression", fix, "pack.yaml")
        return
    if pack.licence is not None and pack.licence != known:
        message = f"the project's licence is {pack.licence}, its pack.yaml's {known}"
        yield Finding(rule, message, "write the same in both", "pyproject.toml")


def _contents(pack: PackSource) -> Iterator[Finding]:
    for declared in pack.manifest.agents:
        module = declared.entrypoint.partition(":")[0]
        if module != pack.package and not module.startswith(f"{pack.package}."):
            yield Finding(
                "manifest.release",
                f"it is in {module}, which is not part of {pack.package}",
                "keep the code of its agents inside the pack",
                declared.name,
            )
    for path in pack.manifest.files():
        if not (pack.folder / path).is_file():
            message, fix = f"there is no file {path}", "put it beside pack.yaml, and into the package data"
            yield Finding("manifest.release", message, fix, "pack.yaml")


def _names(manifest: PackManifest, others: Mapping[str, str]) -> Iterator[Finding]:
    for name in dict.fromkeys(declared.name for declared in manifest.agents):
        if name in others:
            message = f"agent '{name}' is declared by {others[name]} already"
            yield Finding("agent.name", message, "begin its name with a word of your own", name)


def _factors(pack: PackSource) -> Iterator[Finding]:
    for declared in pack.manifest.factor_sets:
        text = _text(pack, declared.path)
        if text is not None:
            publication = declared.dataset, declared.edition
            yield from factor_findings(text, file=declared.path, publication=publication)


def _aliases(pack: PackSource) -> Iterator[Finding]:
    if not pack.manifest.aliases:
        return
    from greenlang.carbon import load_aliases

    for path in pack.manifest.aliases:
        text = _text(pack, path)
        if text is not None:
            try:
                load_aliases(text, file=path)
            except InputError as error:
                yield Finding("factor.table", str(error))


def _formulas(manifest: PackManifest) -> Iterator[Finding]:
    if not manifest.formulas:
        return
    from greenlang.carbon import Formula

    for declared in manifest.formulas:
        try:
            Formula(declared.name, declared.version, declared.text, citation=declared.citation)
        except InputError as error:
            yield Finding("formula.text", str(error), place=f"{declared.name} {declared.version}")


def _text(pack: PackSource, path: str) -> str | None:
    """What a file holds; None where it is missing, which is told elsewhere."""
    try:
        return (pack.folder / path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
