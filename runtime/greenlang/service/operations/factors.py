"""The emission factors that are installed."""

from __future__ import annotations

__all__ = ["Factors", "factor_data"]

import asyncio
from functools import cached_property

from greenlang.agents import Registry
from greenlang.carbon import EmissionFactor, FactorLibrary, Listed, Sought
from greenlang.service.messages import FactorData, FactorList, FactorQuery
from greenlang.service.operations.told import unknown
from greenlang.service.reading import read_query
from greenlang.service.roles import Permission
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Reply, answer, next_link


class Factors:
    """Operations on the factors of a registry; their files are read when one is first asked for."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route(
                "GET",
                "/v1/factors",
                self.factors,
                "Search emission factors",
                permission=Permission.READ,
                query=FactorQuery,
                answers={200: (FactorList,)},
            ),
            Route(
                "GET",
                "/v1/factors/{id}",
                self.factor,
                "One emission factor",
                permission=Permission.READ,
                answers={200: (FactorData,)},
            ),
        ]

    async def factors(self, call: Call) -> Reply:
        """`GET /v1/factors`."""
        asked = read_query(call, FactorQuery)
        sought = Sought(
            tuple(asked.words.split()), asked.region, asked.year, asked.gas, asked.source, asked.pack
        )
        found = await asyncio.to_thread(lambda: self._library.search(sought))
        found.sort(key=lambda listed: _rank(listed, asked.words))
        start = int(asked.cursor or 0)
        stop = start + asked.limit
        cursor = str(stop) if stop < len(found) else None
        links = () if cursor is None else (next_link(call, cursor),)
        listed = FactorList(
            [factor_data(one.factor, one.pack) for one in found[start:stop]], len(found), cursor
        )
        return answer(call, listed, headers=links)

    async def factor(self, call: Call) -> Reply:
        """`GET /v1/factors/{id}`."""
        found = (await asyncio.to_thread(lambda: self._by_id)).get(call.names["id"])
        if found is None:
            raise unknown("factor", call.names["id"])
        return answer(call, factor_data(found.factor, found.pack))

    @cached_property
    def _library(self) -> FactorLibrary:
        return FactorLibrary(self._registry.factors(), self._registry.aliases())

    @cached_property
    def _by_id(self) -> dict[str, Listed]:
        return {listed.factor.ef_cid: listed for listed in self._library.factors}


def _rank(listed: Listed, words: str) -> int:
    """What is called so comes before what has the words in its name, and that before the rest."""
    activity, sought = listed.factor.activity.casefold(), words.casefold()
    return 0 if activity == sought else 1 if sought in activity else 2


def factor_data(factor: EmissionFactor, pack: str) -> FactorData:
    """A factor as callers see it, of the distribution that brings it."""
    biogenic = " (biogenic)" if factor.biogenic and factor.gas == "CO2" else ""
    return FactorData(
        ef_cid=factor.ef_cid,
        pack=pack,
        activity=factor.activity,
        gas=f"{factor.gas}{biogenic}",
        value=factor.value_text,
        unit=factor.unit_text,
        region=factor.region,
        source=factor.source,
        dataset=factor.dataset,
        edition=factor.edition,
        table=factor.table,
        locator=factor.locator,
        published=str(factor.published or ""),
        data_year=str(factor.data_year or ""),
        applies_from=str(factor.applies_from or ""),
        applies_to=str(factor.applies_to or ""),
        gwp_basis=factor.gwp_basis,
        category=factor.category,
        vehicle=factor.vehicle,
        holder=factor.holder,
        uncertainty=factor.uncertainty,
        citation=factor.citation,
        note=factor.note,
    )
