"""Behind PgBouncer in transaction mode: each transaction may run on another session, after anybody's."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time

import asyncpg
import pytest
from served import Served
from stored import NOW, SECOND, execution, record, seal

from greenlang.engine.tenancy import People, Tenants
from greenlang.stores import ExecutionFilter, State, open_store
from greenlang.stores.rows import Administrator

PROGRAM = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed: `make test-system` does")

#: Sessions of the server that everybody shares: fewer than there are tenants at once.
SESSIONS = 2

CONFIG = """
[databases]
* = host=127.0.0.1 port={server}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
"""


class Pooler:
    """PgBouncer before a server, which it gives few sessions of."""

    def __init__(self, folder, server):
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        (folder / "users.txt").write_text('"runtime" ""\n')
        given = {"server": server.port, "port": self.port, "folder": folder, "sessions": SESSIONS}
        (folder / "pgbouncer.ini").write_text(CONFIG.format(**given))
        # It refuses to be root.
        before = ["unshare", "--user", "--map-user=65534", "--map-group=65534"] if os.getuid() == 0 else []
        with (folder / "pgbouncer.log").open("wb") as log:
            command = [*before, PROGRAM, str(folder / "pgbouncer.ini")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None, (folder / "pgbouncer.log").read_text()
            assert time.monotonic() < end
            time.sleep(0.02)

    def url(self, database):
        return f"postgresql://runtime@127.0.0.1:{self.port}/{database}?statement_cache_size=0"


@pytest.fixture(scope="module")
def kept(postgresql_server):
    """A database whose schema is made through the pooler."""
    return postgresql_server.new_database(schema=False)


@pytest.fixture(scope="module")
def pooler(postgresql_server, tmp_path_factory):
    made = Pooler(tmp_path_factory.mktemp("pgbouncer"), postgresql_server)
    yield made
    made.process.send_signal(signal.SIGINT)
    made.process.wait(20)


def test_tenants_that_take_turns_on_few_sessions_never_meet(pooler, kept):
    operator = Administrator("operations", "key:1")
    tenants = [f"tenant-{number}" for number in range(12)]

    async def use_one(stores, tenant):
        """What one tenant does on several nodes, while the others do likewise."""
        for number in range(6):
            store = stores[number % len(stores)]
            await Tenants(store.rows).create(operator, tenant, name=tenant, tier="free")
            done = {"name": tenant, "organisation": None, "roles": (), "actor": tenant}
            await People(store.rows).put_user(tenant, f"user-{number}", **done)
            await store.submit_finished(execution(tenant=tenant), result=b"1", record=record(tenant))
            other = stores[(number + 1) % len(stores)]
            page = await other.executions(tenant, ExecutionFilter(), limit=100)
            assert {row.tenant for row in page.rows} == {tenant}
            assert len(page.rows) == number + 1
            users = await People(other.rows).users(tenant)
            assert {user.name for user in users} == {tenant}
            assert len(users) == number + 1

    async def main():
        stores = [open_store(pooler.url(kept), seal) for _ in range(3)]
        await asyncio.gather(*(store.counts() for store in stores))
        await asyncio.gather(*(use_one(stores, tenant) for tenant in tenants))
        for tenant in tenants:
            await stores[0].submit(execution(tenant=tenant))
        claimed = await stores[1].claim("w", limit=99, now=NOW + 10**9, lease=SECOND, per_tenant=5)
        assert {row.tenant for row in claimed} == set(tenants)
        counts = await stores[2].counts()
        await asyncio.gather(*(store.close() for store in stores))
        return counts

    counts = asyncio.run(main())
    assert counts[State.COMPLETED] == 6 * len(tenants)
    assert counts[State.RUNNING] == len(tenants)


def test_no_session_keeps_a_role_or_a_tenant_or_a_lock(pooler, postgresql_server, kept):
    async def main():
        left = set()
        for _ in range(4 * SESSIONS):
            # Connected anew, so that it meets whichever session is free.
            connection = await asyncpg.connect(pooler.url(kept).partition("?")[0], statement_cache_size=0)
            row = await connection.fetchrow(
                "SELECT current_user::text, coalesce(current_setting('greenlang.tenant', true), ''),"
                " coalesce(current_setting('greenlang.admin', true), ''),"
                " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')"
            )
            left.add(tuple(row))
            await connection.close()
        straight = await asyncpg.connect(postgresql_server.url(kept))
        sessions = await straight.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'runtime' AND datname = $1", kept
        )
        await straight.close()
        return left, sessions

    left, sessions = asyncio.run(main())
    assert left == {("runtime", "", "", 0)}
    assert 1 <= sessions <= SESSIONS


def test_two_nodes_behind_it_serve_one_store(pooler, postgresql_server, tmp_path):
    nodes, served = [], postgresql_server.new_database(schema=False)
    for number in range(2):
        folder = tmp_path / f"node{number}"
        folder.mkdir()
        nodes.append(Served(pooler.url(served), folder))
    order = {"program": "sum >> identity", "input": [1, 2.25], "wait": 0}
    names = [
        node.call("POST", "/v1/workflows/execute", order)[1]["data"]["execution_id"]
        for node in nodes
        for _ in range(10)
    ]
    end = time.monotonic() + 60
    for name in names:
        for node in nodes:
            while not node.call("GET", f"/v1/workflows/{name}/status")[1]["data"]["finished"]:
                assert time.monotonic() < end
                time.sleep(0.05)
            assert node.call("GET", f"/v1/workflows/{name}/results")[1]["data"]["result"] == "3.25"
    assert [node.stop() for node in nodes] == [0, 0]
