"""Runs the `>>>` examples in the documentation of an agent: what people read has to be true."""

from __future__ import annotations

__all__ = ["documentation_findings"]

import doctest
import sys
from collections.abc import Iterator
from typing import Any

from greenlang.agents import AgentSpec
from greenlang.packs.findings import Finding

_RULE = "example.documentation"


def documentation_findings(name: str, spec: AgentSpec) -> Iterator[Finding]:
    """What the examples in an agent's docstring give otherwise than they say; they see its module's names."""
    names = dict(vars(sys.modules[spec.definition.__module__]))
    examples = doctest.DocTestParser().get_doctest(spec.doc, names, name, None, None)
    runner = _Runner()
    runner.run(examples, out=lambda _: None)
    for source, wanted, given in runner.failed:
        message = f"{source.strip()} gives {given.strip() or 'nothing'}"
        fix = "mend the agent or its documentation"
        yield Finding(_RULE, f"{message}, and {wanted.strip() or 'nothing'} is shown", fix, name)


class _Runner(doctest.DocTestRunner):
    """Keeps what failed: source, what was wanted, what was given."""

    def __init__(self) -> None:
        super().__init__(verbose=False)
        self.failed: list[tuple[str, str, str]] = []

    def report_failure(
        self,
        out: Any,  # noqa: ARG002  what doctest hands over
        test: doctest.DocTest,  # noqa: ARG002
        example: doctest.Example,
        got: str,
    ) -> None:
        self.failed.append((example.source, example.want, got))

    def report_unexpected_exception(
        self,
        out: Any,  # noqa: ARG002
        test: doctest.DocTest,  # noqa: ARG002
        example: doctest.Example,
        exc_info: Any,
    ) -> None:
        self.failed.append((example.source, example.want, f"{exc_info[0].__name__}: {exc_info[1]}"))
