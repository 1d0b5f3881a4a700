"""The data of a pack: factors, other names of activities and formulas, read from its package once.

A pack whose agent has nothing to add to "quantity times factor" needs no more than this:

    @gl.agent(name="acme.laundry", version="1.0.0", effects=["pure", "calculates"])
    def laundry(data: ActivityData) -> Emissions:
        pack = load_pack_data(__package__, ("data/laundry_2025.csv",))
        return pack.emissions(data, agent="acme.laundry", scope=3, category="purchased goods and services")

One that has more to compute declares formulas in its pack.yaml and gets them by `load_formula`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from greenlang.agents import parse_manifest
from greenlang.agents.manifest import FILE_NAME
from greenlang.carbon.activity import ActivityData
from greenlang.carbon.emissions import COMBUSTION_GASES, Component, Emissions, calculate, kinds_of_rows
from greenlang.carbon.factors import (
    Aliases,
    FactorBook,
    FactorSet,
    activity_key,
    load_aliases,
    load_factors,
)
from greenlang.carbon.formulas import Formula
from greenlang.carbon.policy import AccountingPolicy
from greenlang.carbon.rows import own_activities, own_factors, wanted_of
from greenlang.errors import FormulaError

__all__ = ["PackData", "load_formula", "load_pack_data"]


@dataclass(frozen=True, slots=True)
class PackData:
    """Factor sets and aliases of a pack."""

    factor_sets: tuple[FactorSet, ...]
    aliases: Aliases

    def activities(self) -> frozenset[str]:
        """Every activity that there is a factor for, as its publisher names it."""
        return frozenset(factor.activity for factors in self.factor_sets for factor in factors)

    def of_category(self, category: str) -> PackData:
        """The same without the factors of other categories, for an agent that reports under several."""
        return PackData(
            tuple(
                FactorSet(factors.name, tuple(factor for factor in factors if factor.category == category))
                for factors in self.factor_sets
            ),
            self.aliases,
        )

    def names(self, others: Collection[str] = ()) -> frozenset[str]:
        """The activities, `others` that the user has factors for, and the aliases of them all."""
        known = self.activities().union(others)
        keys = {activity_key(name) for name in known}
        return known | {
            alias
            for alias, meanings in self.aliases.items()
            if not keys.isdisjoint(map(activity_key, meanings.values()))
        }

    def rows_taken(
        self, data: ActivityData, methods: Collection[str], others: Collection[str] = ()
    ) -> npt.NDArray[np.int32]:
        """The usable rows of these activities and methods, ascending.

        Unlike the plain `rows_taken`, it takes a word only where it means one of the activities in the region
        of the row: `diesel` may be a fuel for boilers in one country and none in another.

        Parameters
        ----------
        methods : collection of str
            Words of column `method`, in lower case; the empty one for rows that leave it open.
        others : collection of str
            Further activities, those that the user has factors for.
        """
        known = {activity_key(name) for name in self.activities().union(others)}
        words = {
            activity_key(alias): {region for region, name in meanings.items() if activity_key(name) in known}
            for alias, meanings in self.aliases.items()
        }
        taken = np.zeros(len(data), dtype=np.bool_)
        for code, activity in enumerate(data.activity.values):
            key = activity_key(activity)
            if key not in known and not words.get(key):
                continue
            rows = np.flatnonzero(data.activity.codes == code)
            if key not in known:
                here = [not words[key].isdisjoint(path) for path in data.regions]
                rows = rows[np.array(here)[data.region.codes[rows]]]
            taken[rows] = True
        right_method = np.array([method.casefold() in methods for method in data.method.values])
        return np.flatnonzero(taken & right_method[data.method.codes] & data.usable).astype(np.int32)

    def book(
        self, policy: AccountingPolicy, own: Iterable[FactorSet], categories: Sequence[str]
    ) -> FactorBook:
        """The user's own factors of these categories, then the pack's."""
        return FactorBook(own_factors(own, self.names(), categories), self.factor_sets, policy, self.aliases)

    def emissions(
        self,
        data: ActivityData,
        *,
        agent: str,
        scope: int,
        category: str,
        kinds: tuple[str, ...] = ("",),
        expected: Sequence[str] = COMBUSTION_GASES,
        takes_own: bool = True,
    ) -> Emissions:
        """Quantity times factor, for every row that names one of the pack's activities.

        A row is taken where its column `method` is empty or names the category; a quantity that is a plain
        distance is one of a vehicle where the factor is per vehicle distance.

        Parameters
        ----------
        data, agent, scope, category, expected
            As for `calculate`.
        kinds : tuple of str
            Kinds of factor that will do.
        takes_own : bool
            Whether it takes activities that it does not know itself and the user has factors of its category
            for; of the agents of one category one should.
        """
        book = self.book(data.policy, data.own_factors, (category,))
        own = own_activities(data.own_factors, (category,)) if takes_own else frozenset()
        return calculate(
            data,
            agent=agent,
            scope=scope,
            category=category,
            kinds=kinds_of_rows(
                self.rows_taken(data, ("", category), own),
                (data.activity, data.unit, data.region, data.period),
            ),
            choose=lambda row: [Component(book.select(book.as_offered(wanted_of(data, row, kinds=kinds))))],
            expected=expected,
            activities=tuple(sorted(self.names(own))),
            row_by_row=True,
        )


@cache
def load_pack_data(package: str, factors: tuple[str, ...], aliases: str = "data/aliases.csv") -> PackData:
    """Read a pack's own factor files and its table of aliases.

    Parameters
    ----------
    package : str
        The pack's package, `__package__` in its modules.
    factors : tuple of str
        Paths in it of factor files.
    aliases : str
        Path of a table with the columns `alias`, `activity` and, where needed, `region`; empty for none.
    """
    folder = files(package)

    def text(path: str) -> str:
        return folder.joinpath(path).read_text(encoding="utf-8")

    return PackData(
        tuple(load_factors(text(path), file=path) for path in factors),
        load_aliases(text(aliases), file=aliases) if aliases else {},
    )


@cache
def load_formula(package: str, name: str, version: str) -> Formula:
    """Read a formula that a pack declares in its pack.yaml.

    Parameters
    ----------
    package : str
        The pack's package, `__package__` in its modules.
    name, version : str
        Which of its formulas; an agent says the version, so that a later one changes nothing for it.

    Raises
    ------
    FormulaError
        If the pack declares no such formula, or its text is none.
    """
    declared = parse_manifest(files(package).joinpath(FILE_NAME).read_text(encoding="utf-8")).formulas
    for formula in declared:
        if (formula.name, formula.version) == (name, version):
            return Formula(name, version, formula.text, citation=formula.citation)
    known = ", ".join(f"{formula.name} {formula.version}" for formula in declared) or "none"
    raise FormulaError(
        f"there is no formula {name} {version}",
        fix=f"declare it in {FILE_NAME}, or use one of those there: {known}",
        place=f"{package}/{FILE_NAME}",
    )
