"""The formats of `greenlang run --format`: the runtime's own, and the reports that plugins bring."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from greenlang.agents import ReportFormat, default_registry
from greenlang.carbon import TABLE_FORMATS
from greenlang.errors import PackError

if TYPE_CHECKING:
    from greenlang.engine import Execution

__all__ = ["FORMATS", "check_format", "plugin_reports", "print_report"]

#: The runtime's own.
FORMATS = ("table", "json", *TABLE_FORMATS)


def check_format(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """The format itself, if it is one of `FORMATS` or, for which plugins are asked only then, of a plugin."""
    if value not in FORMATS and value not in (reports := plugin_reports()):
        known = ", ".join([*FORMATS, *sorted(reports)])
        raise click.BadParameter(f"{value!r} is not one of {known}.", context, parameter)
    return value


def plugin_reports() -> Mapping[str, ReportFormat]:
    """The reports that plugins bring, by name."""
    return default_registry().contributions(ReportFormat, reserved=FORMATS)


def print_report(execution: Execution, name: str) -> None:
    """Print a plugin's report of an execution.

    Raises
    ------
    PackError
        If the plugin cannot make it.
    """
    try:
        rendered = plugin_reports()[name].render(execution)
    except Exception as error:  # foreign code may raise anything; it is told by the report's name
        raise PackError(
            f"the report '{name}' cannot be made: {type(error).__name__}: {error}",
            fix="ask its plugin's authors, or choose another format",
        ) from error
    sys.stdout.flush()  # what was printed as text comes first
    sys.stdout.buffer.write(rendered)
    sys.stdout.buffer.flush()
