"""The accounting choices that commands take as options."""

from __future__ import annotations

__all__ = ["policy_of", "policy_options"]

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from greenlang.carbon import AccountingPolicy

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--gwp", default="AR5", show_default=True, help="GWP set: AR4, AR5, AR6, or one with its table."
    ),
    click.option(
        "--factors",
        "factor_paths",
        type=click.Path(path_type=Path),
        multiple=True,
        help="Factors of your own.",
    ),
    click.option(
        "--vintage",
        type=click.Choice(["nearest", "strict"]),
        default="nearest",
        show_default=True,
        help="A period outside every edition: take the nearest and record it, or refuse the row.",
    ),
    click.option(
        "--straddle",
        type=click.Choice(["split", "refuse"]),
        default="split",
        show_default=True,
        help="A period across editions: split it by days, or refuse the row.",
    ),
    click.option(
        "--as-at", default="", metavar="DATE", help="Only factors published by this day (YYYY-MM-DD)."
    ),
    click.option(
        "--edition", "editions", multiple=True, metavar="DATASET=EDITION", help="Keep to an edition."
    ),
    click.option(
        "--forbid-fallback",
        "forbidden",
        type=click.Choice(["region", "vintage", "method"]),
        multiple=True,
        help="Refuse rows that would need a fallback of this kind.",
    ),
)


def policy_options(command: F) -> F:
    """Add the options of an accounting policy; all but `factor_paths` are for `policy_of`."""
    return reduce(lambda made, option: option(made), reversed(_OPTIONS), command)


def policy_of(
    *,
    gwp: str,
    vintage: str,
    straddle: str,
    as_at: str,
    editions: tuple[str, ...],
    forbidden: tuple[str, ...],
    on_error: str,
) -> AccountingPolicy:
    """The policy that was chosen.

    Raises
    ------
    InputError
        If a choice is none of those there are.
    """
    from greenlang.carbon import parse_editions
    from greenlang.engine import make_policy

    return make_policy(
        gwp_set=gwp,
        vintage=vintage,
        straddle=straddle,
        as_at=as_at,
        editions=parse_editions(editions),
        forbidden_fallbacks=forbidden,
        on_error=on_error,
    )
