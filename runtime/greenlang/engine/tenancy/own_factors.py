"""Files of emission factors that a tenant keeps, to be named in its calculations."""

from __future__ import annotations

__all__ = ["OwnFactorFiles"]

import time
from collections.abc import Iterable

from msgspec.structs import replace

from greenlang.agents import Resource
from greenlang.carbon import load_factors
from greenlang.engine.tenancy.audit import noted
from greenlang.errors import InputError
from greenlang.stores.rows import Delete, Insert, Replace, Rows
from greenlang.stores.tables import OWN_FACTORS, OwnFactors


class OwnFactorFiles:
    """The factor files of a store's tenants."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def put(self, tenant: str, name: str, text: str, *, actor: str) -> OwnFactors:
        """Keep a file, in place of one of that name.

        Raises
        ------
        DataError
            For everything that is wrong with it.
        InputError
            If somebody else put one at the same time.
        """
        load_factors(text, file=name)
        before = await self.file(tenant, name)
        after = OwnFactors(
            tenant=tenant, name=name, text=text, changed_at=time.time_ns() // 1000, changed_by=actor
        )
        if before is not None:
            after = replace(after, revision=before.revision + 1)
        change = Insert(OWN_FACTORS, after) if before is None else Replace(OWN_FACTORS, after)
        if not await self._rows.write(tenant, [change, noted(tenant, actor, "factors.put", name)]):
            raise InputError("somebody else put the file at that time", fix="look at it, and try again")
        return after

    async def file(self, tenant: str, name: str) -> OwnFactors | None:
        """One file."""
        return next(iter(await self._rows.rows(tenant, OWN_FACTORS, where={"name": name})), None)

    async def files(self, tenant: str) -> tuple[OwnFactors, ...]:
        """All of them, by name."""
        return await self._rows.rows(tenant, OWN_FACTORS)

    async def remove(self, tenant: str, name: str, *, actor: str) -> bool:
        """Forget one; False if it is not there."""
        entry = noted(tenant, actor, "factors.removed", name)
        return await self._rows.write(tenant, [Delete(OWN_FACTORS, tenant, (name,)), entry])

    async def resources(self, tenant: str, names: Iterable[str]) -> tuple[Resource, ...]:
        """The files of some names, as calculations take them.

        Raises
        ------
        InputError
            If one is not there.
        """
        found = []
        for name in names:
            kept = await self.file(tenant, name)
            if kept is None:
                raise InputError(
                    f"there is no factor file '{name[:80]}' of yours",
                    fix="PUT /v1/tenant/factors keeps one",
                    place="own_factors",
                )
            found.append(Resource.of(kept.name, kept.text))
        return tuple(found)
