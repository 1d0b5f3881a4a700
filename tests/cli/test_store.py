"""`greenlang store`, on a store that was really served."""

import asyncio
import json
import re
import sqlite3

import msgspec
import pytest

from greenlang.agents import Registry
from greenlang.engine.executions import Order, PlanCache, Prover, Runner, Terms
from greenlang.ledger import load_signer
from greenlang.stores import open_store


@pytest.fixture
def database(tmp_path):
    """Three executions that ended well, signed, and one dead letter."""

    async def main():
        prover = Prover(Registry(), load_signer(tmp_path / "keys"))
        store = open_store(str(tmp_path / "runtime.db"), prover.seal)
        runner = Runner(store, PlanCache(Registry()), prover)
        await runner.start()
        for number in range(3):
            order = Order("sum", msgspec.Raw(f"[{number}, 1.5]".encode()))
            await runner.execute(order, Terms(tenant="default"), wait_seconds=5)
        await runner.stop(1)
        await store.close()

    asyncio.run(main())
    return tmp_path / "runtime.db"


def kill(database):
    """Make a dead letter of the newest execution, behind the runtime's back."""
    with sqlite3.connect(database) as opened:
        (name,) = opened.execute("SELECT max(id) FROM executions").fetchone()
        error = json.dumps({"code": "agent", "message": "ValueError: out of luck"}).encode()
        opened.execute("UPDATE executions SET state = 'dead_letter', error = ? WHERE id = ?", (error, name))
    opened.close()
    return name


def test_counts_are_told(greenlang, database):
    told = json.loads(greenlang("store", "info", "--store", database, "--format", "json").stdout)
    assert (told["completed"], told["failed"]) == (3, 0)
    shown = greenlang("store", "info", "--store", database).stdout
    assert re.search(r"completed +3\b", shown)


def test_dead_letters_are_looked_at_and_tried_again(greenlang, database):
    name = kill(database)
    dead = ("--store", database, "--state", "dead_letter")
    shown = greenlang("store", "executions", *dead).stdout
    assert name in shown
    assert "out of luck" in shown
    assert greenlang("store", "requeue", name, "--store", database).stderr == f"{name} is queued\n"
    assert json.loads(greenlang("store", "executions", *dead, "--format", "json").stdout) == []
    done = greenlang("store", "requeue", name, "--store", database, code=2)
    assert "is no dead letter of default" in done.stderr


def test_the_ledger_is_followed_to_its_end_and_whose_it_is_said(greenlang, database, tmp_path):
    done = greenlang("store", "verify", "--store", database)
    assert done.stdout.startswith("3 commits of 3 records; the chain ends in ")
    assert "\n  3 commits are signed by ed25519:" in done.stdout
    assert done.stdout.endswith(" (unknown key)\nthe ledger is whole\n")
    trusted = tmp_path / "config" / "greenlang" / "trusted_keys"
    trusted.mkdir(parents=True)
    trusted.joinpath("node-1.pub").write_text(load_signer(tmp_path / "keys").public_key)
    done = greenlang("store", "verify", "--store", database)
    assert done.stdout.endswith(" (trusted: node-1)\nthe ledger is whole\n")


RECORD = "UPDATE calculations SET record = CAST(replace(record, '{}', '{}') AS BLOB) WHERE commit_number = 2"
HEAD = "UPDATE commits SET head = CAST(replace(head, '{}', '{}') AS BLOB) WHERE number = 1"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (RECORD.format("default", "another"), "commit 2: record 0 was changed"),
        ("UPDATE calculations SET leaf = zeroblob(32) WHERE commit_number = 1", "commit 1: it covers other"),
        ("DELETE FROM calculations WHERE commit_number = 3", "commit 3: it covers other"),
        ("UPDATE calculations SET tenant = 'globex' WHERE commit_number = 2", "is kept as"),
        (
            "UPDATE calculations SET calculation_id = 'calc_other' WHERE commit_number = 2",
            "and is kept as 'calc_other' of tenant 'default'",
        ),
        ("UPDATE commits SET number = 10 - number", "it does not follow the commit before it"),
        (HEAD.format('"signature":"', '"signature":"0'), "commit 1: its head cannot be read"),
        (HEAD.format('"record_count":1', '"record_count":2'), "commit 1: its link is not that"),
    ],
)
def test_a_ledger_that_was_changed_is_told_with_the_place(greenlang, database, change, told):
    with sqlite3.connect(database) as opened:
        opened.execute("PRAGMA foreign_keys = OFF")
        for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            opened.execute(f"DROP TRIGGER {name}")
        opened.execute(change)
    opened.close()
    done = greenlang("store", "verify", "--store", database, code=1)
    assert told in done.stdout
    assert done.stdout.endswith("the ledger was changed\n")


def test_a_backup_is_a_store(greenlang, database, tmp_path):
    greenlang("store", "backup", tmp_path / "copy.db", "--store", database)
    assert "ledger is whole" in greenlang("store", "verify", "--store", tmp_path / "copy.db").stdout
    done = greenlang("store", "backup", tmp_path / "copy.db", "--store", database, code=1)
    assert "exists already" in done.stderr


def test_what_ended_long_ago_is_deleted_and_the_ledger_stays(greenlang, database):
    assert "0 executions" in greenlang("store", "purge", "--older-than", "1d", "--store", database).stderr
    with sqlite3.connect(database) as opened:
        opened.execute("UPDATE executions SET finished_at = finished_at - 172800000000")
    opened.close()
    assert "3 executions" in greenlang("store", "purge", "--older-than", "1d", "--store", database).stderr
    assert "3 records" in greenlang("store", "verify", "--store", database).stdout


@pytest.mark.parametrize("age", ["", "90", "0d", "-1d", "1y", "99999999d"])
def test_an_age_that_is_none_is_refused(greenlang, database, age):
    assert "is no age" in greenlang("store", "purge", "--older-than", age, "--store", database, code=2).stderr


@pytest.mark.parametrize(
    "command", [("store", "executions"), ("store", "requeue", "exec_1"), ("keys", "list")], ids=" ".join
)
def test_a_tenant_has_a_name(greenlang, database, command):
    run = greenlang(*command, "--store", database, "--tenant", "", code=2)
    assert "--tenant: a tenant has a name" in run.stderr


def test_a_store_that_is_not_there_is_not_made(greenlang, tmp_path):
    assert "there is no store" in greenlang("store", "info", code=2).stderr
    (tmp_path / "empty.csv").touch()
    assert "there is no store" in greenlang("store", "info", "--store", "empty.csv", code=2).stderr
    assert (tmp_path / "empty.csv").read_bytes() == b""
    assert not (tmp_path / "greenlang.db").exists()


class TestHistory:
    @pytest.fixture
    def name(self, database):
        with sqlite3.connect(database) as opened:
            (name,) = opened.execute("SELECT max(id) FROM executions").fetchone()
        opened.close()
        return name

    def test_it_tells_what_happened_and_how_it_stood(self, greenlang, database, name):
        shown = greenlang("store", "history", name, "--store", database).stdout
        assert re.search(r"pending.*queued.*running.*completed", shown, re.DOTALL)
        assert shown.rstrip().endswith(f"{name} was completed (attempt 1)")
        told = json.loads(greenlang("store", "history", name, "--store", database, "--format", "json").stdout)
        assert told["state"]["state"] == "completed"
        assert told["state"]["last_event_id"] == told["events"][-1]["event_id"]

    @pytest.mark.parametrize("arguments", [("--at", "2020-01-01"), ("--agent",), ("--tenant", "other")])
    def test_of_what_was_not_there_it_says_so(self, greenlang, database, name, arguments):
        done = greenlang("store", "history", name, "--store", database, *arguments, code=2)
        assert "nothing had happened to an" in done.stderr


def test_sinks_are_listed_with_what_fails(greenlang, database):
    with sqlite3.connect(database) as opened:
        opened.execute("INSERT INTO sinks VALUES ('bus', 7, NULL, NULL, 2, 0, 'OSError: gone')")
    opened.close()
    assert re.search(r"bus +7 +2 +OSError: gone", greenlang("store", "sinks", "--store", database).stdout)
    [told] = json.loads(greenlang("store", "sinks", "--store", database, "--format", "json").stdout)
    assert (told["name"], told["position"], told["failures"]) == ("bus", 7, 2)
