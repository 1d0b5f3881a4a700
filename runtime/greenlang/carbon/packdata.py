"""The data files of a pack: factors and other names of activities, read from its package once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from greenlang.carbon.factors import FactorBook, FactorSet, activity_key, load_aliases, load_factors
from greenlang.carbon.policy import AccountingPolicy
from greenlang.carbon.rows import own_factors

__all__ = ["PackData", "load_pack_data"]


@dataclass(frozen=True, slots=True)
class PackData:
    """Factor sets and aliases of a pack."""

    factor_sets: tuple[FactorSet, ...]
    aliases: Mapping[str, str]

    def activities(self) -> frozenset[str]:
        """Every activity that there is a factor for, as its publisher names it."""
        return frozenset(factor.activity for factors in self.factor_sets for factor in factors)

    def names(self, others: Collection[str] = ()) -> frozenset[str]:
        """The activities, `others` that the user has factors for, and the aliases of them all."""
        known = self.activities().union(others)
        keys = {activity_key(name) for name in known}
        return known | {alias for alias, name in self.aliases.items() if activity_key(name) in keys}

    def book(
        self, policy: AccountingPolicy, own: Iterable[FactorSet], categories: Sequence[str]
    ) -> FactorBook:
        """The user's own factors of these categories, then the pack's."""
        return FactorBook(own_factors(own, self.names(), categories), self.factor_sets, policy, self.aliases)


@cache
def load_pack_data(package: str, factors: tuple[str, ...], aliases: str = "data/aliases.csv") -> PackData:
    """Read a pack's own factor files and its table of aliases (columns `alias`, `activity`)."""
    folder = files(package)

    def text(path: str) -> str:
        return folder.joinpath(path).read_text(encoding="utf-8")

    return PackData(
        tuple(load_factors(text(path), file=path) for path in factors),
        load_aliases(text(aliases), file=aliases),
    )
