"""What is special about the embedded store: a file, shared by processes, that survives them."""

import asyncio
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stored
from stored import NOW, execution, record, seal

from greenlang.errors import InputError, StoreError
from greenlang.stores import NewEvent, State, open_store
from greenlang.stores.sqlite.database import migrations
from greenlang.stores.statements import stored_bytes
from greenlang.stores.tables import USERS


def with_store(path, use):
    return stored.with_store(f"sqlite:{path}", use)


def test_a_store_is_found_again_as_it_was_left(database):
    new = execution()
    with_store(database, lambda store: store.submit(new))
    row = with_store(database, lambda store: store.execution("acme", new.id))
    assert row.request == new.request


def test_migrations_bring_a_new_file_to_the_newest_version(database):
    with_store(database, lambda store: store.counts())
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(migrations()),)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_was_written_before_a_migration_is_there_after_it(database, monkeypatch):
    made, new = record(), execution()
    kept = migrations()
    monkeypatch.setattr("greenlang.stores.sqlite.database.migrations", lambda: kept[:6])
    with_store(database, lambda store: store.submit_finished(new, result=b"1", record=made))
    monkeypatch.undo()
    found = with_store(database, lambda store: store.calculation("acme", made.calculation_id))
    assert (found.record, found.leaves) == (made.record, (made.leaf,))
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_file_of_a_newer_runtime_is_refused(database):
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(StoreError, match="of version 999, and this runtime knows"):
        open_store(str(database), seal)


def test_a_file_that_is_no_database_is_refused_and_left_alone(database):
    database.write_bytes(b"a,b\n1,2\n" * 200)
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(str(database), seal)
    assert database.read_bytes() == b"a,b\n1,2\n" * 200


def test_a_database_of_something_else_is_refused_and_left_alone(database):
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    before = database.read_bytes()
    with pytest.raises(StoreError, match="a database of something else"):
        with_store(database, lambda store: store.counts())
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == [database.name]


def test_a_url_of_another_kind_is_refused():
    with pytest.raises(InputError, match="names no store"):
        open_store("mysql://localhost/x", seal)
    for url in ("sqlite:", "sqlite::memory:"):
        with pytest.raises(InputError, match="names no file; write sqlite:PATH, or memory:"):
            open_store(url, seal)


def test_the_log_and_the_ledger_cannot_be_rewritten(database):
    async def fill(store):
        await store.submit_finished(execution(), result=b"1", record=record())
        await store.append_event("acme", "a.b", NewEvent("built"), at=NOW, aggregate_type="agent")

    with_store(database, fill)
    with sqlite3.connect(database) as connection:
        for statement in (
            "UPDATE events SET type = 'x'",
            "DELETE FROM events WHERE aggregate_type = 'agent'",
            "UPDATE commits SET head = x''",
            "DELETE FROM commits",
            "UPDATE calculations SET record = x''",
            "DELETE FROM calculations",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)


class Traced:
    """The statements that a store writes, and how many steps the database takes for them."""

    def __init__(self, store):
        self._connection = store._writer._connection
        self.statements, self.steps = [], 0

    def __enter__(self):
        self._connection.set_trace_callback(self.statements.append)
        self._connection.set_progress_handler(self._step, 1)
        return self

    def __exit__(self, *_):
        self._connection.set_trace_callback(None)
        self._connection.set_progress_handler(None, 0)

    def _step(self):
        self.steps += 1

    def scans(self, database):
        """The statements that read a whole table, or would if it had rows."""
        tables = ("executions", "events", "idempotency_keys", "deliveries", "calculations")
        with sqlite3.connect(database) as connection:
            return [
                statement
                for statement in self.statements
                if statement.lstrip().startswith(("UPDATE", "SELECT", "DELETE"))
                for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
                if row[3] in [f"SCAN {table}" for table in tables]
            ]


def test_a_claim_looks_at_what_it_takes_and_not_at_all_that_waits(database):
    async def use(store):
        steps = []
        for waiting in (20, 2000):
            new = [execution(deadline_at=stored.NOW * 2) for _ in range(waiting)]
            await asyncio.gather(*map(store.submit, new))
            new = [
                execution(deadline_at=stored.NOW * 2, created_at=stored.NOW + 10**12) for _ in range(waiting)
            ]
            await asyncio.gather(*(store.submit(one, state=State.PENDING) for one in new))
            with Traced(store) as traced:
                claimed = await store.claim("w", limit=4, now=stored.NOW + 10**9, lease=10**9)
            assert len(claimed) == 4
            steps.append(traced.steps)
        assert sum("UPDATE executions" in statement for statement in traced.statements) == 4
        return steps, traced.scans(database)

    steps, scans = with_store(database, use)
    assert scans == []
    assert steps[1] < 1.5 * steps[0]


def test_a_purge_goes_in_portions_and_looks_at_what_it_takes(database, monkeypatch):
    monkeypatch.setattr("greenlang.stores.sqlite.store._PORTION", 10)

    async def use(store):
        for number in range(25):
            await store.submit_finished(execution(idempotency_key=f"e{number}"), result=b"1", record=None)
            await store.add_calculation(record(), idempotency_key=f"c{number}")
        with Traced(store) as traced:
            assert await store.purge(before=stored.NOW + 10**9) == 25
        keys = store._reader.execute("SELECT count(*) FROM idempotency_keys").fetchone()
        pages = store._reader.execute("PRAGMA freelist_count").fetchone()
        deleting = traced.statements[: traced.statements.index("PRAGMA freelist_count")]
        return keys, pages, deleting.count("COMMIT"), traced.scans(database)

    # Of each kind 10, 10 and 5, and one portion in which nothing is left.
    assert with_store(database, use) == ((0,), (0,), 8, [])


def test_what_a_tenant_has_stored_is_added_up_without_a_look_at_what_others_have(database):
    with_store(database, lambda store: store.counts())
    statement, values = stored_bytes("acme", "?".format)
    with sqlite3.connect(database) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
    assert {row[3].partition(" USING")[0] for row in plan} >= {"SEARCH executions", "SEARCH calculations"}


def test_many_requests_share_a_commit(database):
    async def use(store):
        await asyncio.gather(*(store.add_calculation(record()) for _ in range(500)))
        return [link.head async for link in store.commits()]

    assert len(with_store(database, use)) < 50


def test_a_store_locked_by_another_says_so_and_loses_nothing(database, monkeypatch):
    monkeypatch.setattr("greenlang.stores.sqlite.database._BUSY_SECONDS", 0.2)

    async def use(store):
        with sqlite3.connect(database, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="locked"):
                await store.submit(execution())
            other.execute("ROLLBACK")
        assert (await store.submit(execution())).fresh

    with_store(database, use)


def test_all_that_wait_for_a_lock_wait_once_and_not_one_after_the_other(database, monkeypatch):
    monkeypatch.setattr("greenlang.stores.sqlite.database._BUSY_SECONDS", 0.3)

    async def use(store):
        with sqlite3.connect(database, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            new = [execution() for _ in range(50)]
            told = await asyncio.gather(*map(store.submit, new), return_exceptions=True)
            waited = time.monotonic() - began
            other.execute("ROLLBACK")
        assert len(set(map(id, told))) == 50
        assert {type(one) for one in told} == {StoreError}
        return waited

    assert with_store(database, use) < 3


def test_what_a_file_cannot_hold_is_told_and_harms_nobody_else(database):
    async def use(store):
        strange = execution(idempotency_key="\udcff")
        told = await asyncio.gather(store.submit(strange), store.submit(execution()), return_exceptions=True)
        assert (type(told[0]), told[1].fresh) == (StoreError, True)
        for asked in (
            store.execution("acme", "\udcff"),
            store.events("acme", strange.id, after=2**64),
            store.rows.rows("acme", USERS, limit=2**64),
        ):
            with pytest.raises(StoreError, match="could not be read"):
                await asked

    with_store(database, use)


def test_a_store_that_is_closed_says_so(database):
    async def main():
        store = open_store(str(database), seal)
        await store.close()
        for ask in (store.counts, lambda: store.submit(execution())):
            with pytest.raises(StoreError, match="is closed"):
                await ask()
        await store.close()

    asyncio.run(main())


def test_a_full_disk_says_so_and_loses_nothing(database):
    async def use(store):
        pages = store._writer._connection.execute("PRAGMA page_count").fetchone()[0]
        store._writer._connection.execute(f"PRAGMA max_page_count = {pages + 20}")
        kept = []

        async def fill():
            for _ in range(10_000):
                kept.append((await store.submit(execution(request=b"x" * 2000))).id)

        with pytest.raises(StoreError, match="full"):
            await fill()
        assert kept
        store._writer._connection.execute(f"PRAGMA max_page_count = {pages + 10_000}")
        assert [(await store.execution("acme", one)).id for one in kept] == kept
        assert (await store.submit(execution())).fresh

    with_store(database, use)


def test_a_backup_of_a_store_in_use_is_whole(database, tmp_path):
    async def use(store):
        await asyncio.gather(*(store.submit(execution()) for _ in range(200)))
        writing = asyncio.gather(*(store.add_calculation(record()) for _ in range(200)))
        await store.backup(tmp_path / "copy.db")
        await writing
        with pytest.raises(StoreError, match="exists already"):
            await store.backup(tmp_path / "copy.db")

    with_store(database, use)
    counts = with_store(tmp_path / "copy.db", lambda store: store.counts())
    assert sum(counts.values()) == 200


def test_a_backup_that_fails_leaves_nothing_behind(database, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("no room")

    async def use(store):
        with pytest.raises(StoreError, match=r"copy\.db' was not written: unable to open"):
            await store.backup(tmp_path / "nowhere" / "copy.db")
        monkeypatch.setattr(Path, "rename", fail)
        with pytest.raises(StoreError, match="no room"):
            await store.backup(tmp_path / "copy.db")

    with_store(database, use)
    assert list(tmp_path.glob("copy*")) == []


def _submit_many(path, start, results):
    async def use(store):
        ready = [execution(id=f"exec_{start}_{number}") for number in range(100)]
        for new in ready:
            await store.submit(new)
            await store.add_calculation(record(calculation_id=f"calc_{new.id}"))

    with_store(path, use)
    results.put(start)


def test_processes_share_a_file_and_one_chain(database):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    with_store(database, lambda store: store.counts())
    workers = [context.Process(target=_submit_many, args=(database, start, results)) for start in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0

    async def use(store):
        previous, count = None, 0
        async for link in store.commits():
            previous = seal(link.leaves, previous).chain_hash
            assert link.head.decode() == previous
            count += len(link.leaves)
        return count, await store.counts()

    count, counts = with_store(database, use)
    assert (count, sum(counts.values())) == (300, 300)


WRITER = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
from stored import execution, seal
from greenlang.stores import open_store

async def main():
    store = open_store("sqlite:" + sys.argv[1], seal)
    number = 0
    while True:
        batch = [execution(id=f"exec_{sys.argv[3]}_{number + i}") for i in range(7)]
        await asyncio.gather(*map(store.submit, batch))
        number += 7
        print(*(new.id for new in batch), flush=True)

asyncio.run(main())
"""


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(database):
    acknowledged = []
    for life in range(3):
        arguments = [
            sys.executable,
            "-c",
            WRITER,
            str(database),
            str(Path(stored.__file__).parent),
        ]
        child = subprocess.Popen([*arguments, str(life)], stdout=subprocess.PIPE, text=True)
        for _ in range(20):
            acknowledged += child.stdout.readline().split()
        os.kill(child.pid, signal.SIGKILL)
        acknowledged += child.stdout.read().rpartition("\n")[0].split()
        child.wait()

    async def use(store):
        return [await store.execution("acme", name) for name in acknowledged]

    rows = with_store(database, use)
    assert len(rows) >= 3 * 20 * 7
    assert None not in rows
