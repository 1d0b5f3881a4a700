"""The audit log: who changed what of a tenant's, written down in the commit of the change itself."""

from __future__ import annotations

__all__ = ["AuditPage", "audit_page", "note", "noted"]

import time
from dataclasses import dataclass

import msgspec

from greenlang.stores.rows import Insert, Row, Rows
from greenlang.stores.tables import AUDIT_LOG, AuditEntry


def noted(
    tenant: str, actor: str, action: str, subject: str, *, before: Row | None = None, after: Row | None = None
) -> Insert:
    """The entry that goes with a change, from one row to another."""
    return Insert(
        AUDIT_LOG,
        AuditEntry(
            tenant=tenant,
            at=time.time_ns() // 1000,
            actor=actor,
            action=action,
            subject=subject,
            before=None if before is None else msgspec.json.encode(before),
            after=None if after is None else msgspec.json.encode(after),
        ),
    )


async def note(rows: Rows, tenant: str, actor: str, action: str, subject: str) -> None:
    """Write down what is about to be done: before it is, so that nothing is done that is not written down."""
    await rows.write(tenant, [noted(tenant, actor, action, subject)])


@dataclass(frozen=True, slots=True)
class AuditPage:
    """One page of the log, newest first, and behind which number the next begins (None: there is none)."""

    entries: tuple[AuditEntry, ...]
    next_before: int | None


async def audit_page(rows: Rows, tenant: str, *, before: int | None = None, limit: int = 50) -> AuditPage:
    """A page of a tenant's log."""
    behind = None if before is None else (tenant, before)
    found = await rows.rows(tenant, AUDIT_LOG, after=behind, limit=limit + 1, newest_first=True)
    page = found[:limit]
    return AuditPage(page, page[-1].sequence if len(found) > limit else None)
