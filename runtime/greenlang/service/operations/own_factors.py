"""Files of emission factors that a tenant keeps."""

from __future__ import annotations

__all__ = ["OwnFactors"]

import msgspec

from greenlang.engine.executions import time_text
from greenlang.engine.tenancy import OwnFactorFiles
from greenlang.errors import DataError
from greenlang.service.messages import FactorFileData, FactorFileList, FactorFileRequest, Fault
from greenlang.service.operations.acting import actor
from greenlang.service.operations.told import unknown
from greenlang.service.reading import read_body
from greenlang.service.roles import Permission
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Refusal, Reply, answer
from greenlang.stores import Store
from greenlang.stores.tables import OwnFactors as Kept


class OwnFactors:
    """Operations on the factor files of tenants, over a store."""

    def __init__(self, store: Store) -> None:
        self._files = OwnFactorFiles(store.rows)

    def routes(self) -> list[Route]:
        """What is answered here."""
        listed: dict[int, tuple[type[msgspec.Struct], ...]] = {200: (FactorFileList,)}
        return [
            Route(
                "GET",
                "/v1/tenant/factors",
                self.own_factors,
                "List your tenant's own factor files",
                permission=Permission.READ,
                answers=listed,
            ),
            Route(
                "GET",
                "/v1/tenant/factors/{id}",
                self.own_factor_file,
                "One of your tenant's own factor files",
                permission=Permission.READ,
                answers={200: (FactorFileData,)},
            ),
            Route(
                "PUT",
                "/v1/tenant/factors/{id}",
                self.put_own_factors,
                "Keep a factor file",
                permission=Permission.MANAGE,
                request=FactorFileRequest,
                answers={200: (FactorFileData,)},
            ),
            Route(
                "DELETE",
                "/v1/tenant/factors/{id}",
                self.remove_own_factors,
                "Forget a factor file",
                permission=Permission.MANAGE,
                answers=listed,
            ),
        ]

    async def own_factors(self, call: Call) -> Reply:
        """`GET /v1/tenant/factors`."""
        found = await self._files.files(call.tenant)
        return answer(call, FactorFileList([_told(one, with_text=False) for one in found]))

    async def own_factor_file(self, call: Call) -> Reply:
        """`GET /v1/tenant/factors/{id}`."""
        found = await self._files.file(call.tenant, call.names["id"])
        if found is None:
            raise unknown("factor file", call.names["id"])
        return answer(call, _told(found))

    async def put_own_factors(self, call: Call) -> Reply:
        """`PUT /v1/tenant/factors/{id}`."""
        asked = read_body(call, FactorFileRequest)
        try:
            made = await self._files.put(call.tenant, call.names["id"], asked.text, actor=actor())
        except DataError as error:
            faults = (Fault("factors", one.message, f"row {one.row}", one.fix) for one in error.problems)
            raise Refusal(422, *faults) from error
        return answer(call, _told(made))

    async def remove_own_factors(self, call: Call) -> Reply:
        """`DELETE /v1/tenant/factors/{id}`."""
        if not await self._files.remove(call.tenant, call.names["id"], actor=actor()):
            raise unknown("factor file", call.names["id"])
        return await self.own_factors(call)


def _told(kept: Kept, *, with_text: bool = True) -> FactorFileData:
    return FactorFileData(
        name=kept.name,
        changed_at=time_text(kept.changed_at),
        changed_by=kept.changed_by,
        revision=kept.revision,
        text=kept.text if with_text else "",
    )
