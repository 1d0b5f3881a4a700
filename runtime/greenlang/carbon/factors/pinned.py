"""Editions that a policy keeps to: one that nobody has would change nothing, and nobody would notice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from greenlang.errors import FactorError, either, nearest

__all__ = ["check_pinned"]


def check_pinned(editions: Mapping[str, str], known: Iterable[tuple[str, str]]) -> None:
    """Refuse a pinned edition that is not among those `known`, as datasets and editions.

    Raises
    ------
    FactorError
        With the nearest names.
    """
    by_dataset: dict[str, set[str]] = {}
    for dataset, edition in known:
        if dataset:
            by_dataset.setdefault(dataset, set()).add(edition)
    for dataset, edition in editions.items():
        if dataset not in by_dataset:
            names = nearest(dataset, by_dataset) or sorted(by_dataset)
            raise FactorError(
                f"edition {edition} of '{dataset}' is asked for, and there is no such dataset",
                fix=f"write {either(names)}" if names else "leave it out: there are no datasets here",
                place="editions",
            )
        if edition not in by_dataset[dataset]:
            raise FactorError(
                f"there is no edition '{edition}' of '{dataset}'",
                fix=f"write {either(sorted(by_dataset[dataset]))}",
                place="editions",
            )
