"""Transactions, each as one of three roles that row-level security binds: a tenant's, workers', admins'."""

from __future__ import annotations

__all__ = ["as_admin", "as_tenant", "as_worker"]

from greenlang.stores.postgresql.database import Connection

#: What was committed is on disk when that is answered, whatever the server or the role is set up with; and a
#: node that is gone in the middle of a transaction, and cannot say so, holds its locks no longer than this.
_KEPT = (
    "set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), true),"
    " set_config('idle_in_transaction_session_timeout', '5s', true)"
)


async def as_tenant(connection: Connection, tenant: str) -> None:
    """See, for the rest of the transaction, one tenant's rows and no others."""
    # The role too is set as a parameter, so that one round trip does both.
    await connection.fetchval(
        "SELECT set_config('role', 'greenlang_tenant', true), set_config('greenlang.tenant', $1, true),"
        f" {_KEPT}",
        tenant,
    )


async def as_worker(connection: Connection) -> None:
    """See, for the rest of the transaction, everybody's rows, as whoever runs everybody's executions must."""
    await connection.fetchval(
        "SELECT set_config('role', 'greenlang_worker', true), set_config('greenlang.tenant', '', true),"
        f" {_KEPT}"
    )


async def as_admin(connection: Connection, name: str) -> None:
    """See, for the rest of the transaction, what administrators may see of all tenants.

    Who that is goes in with it: the policies of the role let nobody see anything who has no name.
    """
    await connection.fetchval(
        "SELECT set_config('role', 'greenlang_admin', true), set_config('greenlang.admin', $1, true),"
        f" {_KEPT}",
        name,
    )
