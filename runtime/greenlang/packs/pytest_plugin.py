"""The conformance kit as a pytest plugin: each rule is a test of the pack.yaml that pytest collects.

It is named in a project's own settings, `addopts = "-p greenlang.packs.pytest_plugin"`, and registers itself
nowhere: whoever has the runtime installed and tests something else pays nothing for it.
"""

from __future__ import annotations

__all__ = ["pytest_collect_file"]

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from greenlang.errors import GreenLangError
from greenlang.packs.conformance import DYNAMIC_RULES, STATIC_RULES, ConformanceReport, check_pack
from greenlang.packs.findings import RULES
from greenlang.packs.source import open_project


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the pack.yaml of a project."""
    if file_path.name != "pack.yaml" or _project_of(file_path) is None:
        return None
    return PackFile.from_parent(parent, path=file_path)


class PackFile(pytest.File):
    """A pack.yaml, and the rules that its pack is held to."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item a rule."""
        for rule in (*STATIC_RULES, *DYNAMIC_RULES):
            yield RuleItem.from_parent(self, name=rule)

    @functools.cached_property
    def report(self) -> ConformanceReport:
        """What the kit found; the pack runs once for all items."""
        project = _project_of(self.path)
        assert project is not None  # noqa: S101 - it was collected for having one
        return check_pack(open_project(project))


class RuleItem(pytest.Item):
    """One rule."""

    parent: PackFile

    def runtest(self) -> None:
        """Fail with what breaks the rule; skip it where others have to be mended first."""
        report = self.parent.report
        findings = [str(finding) for finding in report.findings if finding.rule == self.name]
        if findings:
            pytest.fail("\n".join(findings), pytrace=False)
        if self.name not in report.asked:
            pytest.skip("asked when the rules that need no code are kept")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:  # type: ignore[override]  # text will do
        """A pack that cannot be opened is told without a traceback."""
        if isinstance(excinfo.value, GreenLangError | pytest.fail.Exception):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """The rule in words, where pytest tells of the item."""
        return self.path, 0, f"{self.name}: {RULES[self.name]}"


def _project_of(manifest: Path) -> Path | None:
    """The folder of the pyproject.toml above a pack.yaml."""
    return next((folder for folder in manifest.parents if (folder / "pyproject.toml").is_file()), None)
