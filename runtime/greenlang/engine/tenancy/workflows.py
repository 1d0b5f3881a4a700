"""Programs that a tenant saved under a name, in versions that never change."""

from __future__ import annotations

__all__ = ["Workflows", "read_reference"]

import re
import time

from greenlang.engine.tenancy.audit import noted
from greenlang.errors import InputError
from greenlang.stores.rows import Insert, Rows
from greenlang.stores.tables import WORKFLOWS, SavedWorkflow

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_REFERENCE = re.compile(r"([a-z0-9][a-z0-9._-]{0,99})(?:@([1-9][0-9]{0,8}))?")

#: What stands in the place of a name in other paths.
_TAKEN = frozenset({"execute", "plan", "validate"})


def read_reference(text: str) -> tuple[str, int | None]:
    """The name and version in `name` or `name@3`; without a version the newest is meant.

    Raises
    ------
    InputError
        If it is neither.
    """
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise InputError(
            f"'{text[:80]}' names no workflow", fix="write its name, or its name@version", place="workflow"
        )
    return found[1], None if found[2] is None else int(found[2])


class Workflows:
    """The saved programs of a store's tenants."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def save(
        self, tenant: str, name: str, program: str, *, summary: str, plan_hash: str, actor: str
    ) -> SavedWorkflow:
        """Save a program as the next version of a name.

        Raises
        ------
        InputError
            If the name is none, or somebody else saved under it at the same time.
        """
        if not _NAME.fullmatch(name) or name in _TAKEN:
            raise InputError(
                f"'{name[:80]}' is no name of a workflow",
                fix="use small letters, digits, dots, hyphens and underscores, and no word of the API",
                place="name",
            )
        newest = await self.workflow(tenant, name)
        made = SavedWorkflow(
            tenant=tenant,
            name=name,
            version=1 if newest is None else newest.version + 1,
            program=program,
            summary=summary,
            plan_hash=plan_hash,
            created_at=time.time_ns() // 1000,
            created_by=actor,
        )
        entry = noted(tenant, actor, "workflow.saved", f"{name}@{made.version}")
        if not await self._rows.write(tenant, [Insert(WORKFLOWS, made), entry]):
            raise InputError("somebody else saved a version at the same time", fix="try again", place="name")
        return made

    async def workflow(self, tenant: str, name: str, version: int | None = None) -> SavedWorkflow | None:
        """One version of a workflow, the newest unless another is named."""
        wanted: dict[str, str | int] = (
            {"name": name} if version is None else {"name": name, "version": version}
        )
        found = await self._rows.rows(tenant, WORKFLOWS, where=wanted, newest_first=True, limit=1)
        return next(iter(found), None)

    async def workflows(
        self, tenant: str, *, after: tuple[str, int] | None = None, limit: int = 100
    ) -> tuple[SavedWorkflow, ...]:
        """Versions of all of them, by name, from old to new."""
        behind = None if after is None else (tenant, *after)
        return await self._rows.rows(tenant, WORKFLOWS, after=behind, limit=limit)
