"""`greenlang tenants` and `greenlang lifecycle`, on a store that other commands go on with."""

import json
from types import SimpleNamespace

import pytest

from greenlang.cli import main


@pytest.fixture
def store(tmp_path):
    return str(tmp_path / "runtime.db")


@pytest.fixture
def greenlang(capsys):
    """Runs commands in this process: there are many of them."""

    def run(*arguments, code=0):
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        said = capsys.readouterr()
        assert ended.value.code == code, said.err
        return SimpleNamespace(stdout=said.out, stderr=said.err)

    return run


def test_a_tenant_is_made_changed_and_suspended(greenlang, store):
    greenlang("tenants", "create", "acme", "--name", "Acme Ltd", "--tier", "pro", "--store", store)
    again = greenlang("tenants", "create", "acme", "--store", store, code=2)
    assert "there is a tenant 'acme'" in again.stderr
    greenlang("tenants", "quotas", "acme", "--daily-executions", "7", "--store", store)
    told = json.loads(greenlang("tenants", "show", "acme", "--store", store, "--format", "json").stdout)
    assert (told["quotas"]["daily_executions"], told["quotas"]["requests_a_minute"]) == (7, 600)
    assert told["used"] == {
        "daily_executions": 0,
        "daily_compute_minutes": 0,
        "daily_tokens": 0,
        "storage_bytes": 0,
    }
    greenlang("tenants", "set", "acme", "--tier", "enterprise", "--store", store)
    greenlang("tenants", "suspend", "acme", "--store", store)
    listed = json.loads(greenlang("tenants", "list", "--store", store, "--format", "json").stdout)
    assert [(one["tenant"], one["tier"], one["status"]) for one in listed] == [
        ("acme", "enterprise", "suspended")
    ]
    greenlang("tenants", "resume", "acme", "--store", store)
    entries = json.loads(greenlang("tenants", "audit", "acme", "--store", store, "--format", "json").stdout)
    assert [one["action"].partition(".")[2] for one in entries] == [
        "resumed",
        "suspended",
        "changed",
        "changed",
        "created",
    ]
    greenlang("keys", "create", "--tenant", "acme", "--role", "viewer", "--name", "k", "--store", store)
    shown = greenlang("tenants", "audit", "acme", "--limit", "1", "--store", store).stdout
    assert "key.created" in shown
    assert entries[1]["before"]["status"] == "active"
    assert entries[0]["actor"].startswith("cli:")
    shown = greenlang("tenants", "show", "acme", "--store", store).stdout
    assert "requests a minute" in shown
    assert "6,000" in shown


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "nobody"), "there is no tenant 'nobody'"),
        (("suspend", "nobody"), "there is no tenant 'nobody'"),
        (("quotas", "nobody", "--agents", "1"), "there is no tenant 'nobody'"),
        (("quotas", "acme"), "nothing is agreed on"),
        (("quotas", "acme", "--requests-a-minute", "0"), "range 1<="),
        (("quotas", "acme", "--agents", "1" + "0" * 20), "range 0<="),
        (("set", "acme", "--name", ""), "a name has 1 to 200 characters"),
        (("set", "acme"), "nothing is to be changed"),
        (("create", "a b"), "is no id of a tenant"),
    ],
)
def test_mistakes_are_told(greenlang, store, arguments, told):
    greenlang("tenants", "create", "acme", "--store", store)
    assert told in greenlang("tenants", *arguments, "--store", store, code=2).stderr


def test_agents_are_registered_and_moved(greenlang, store):
    named = ("fuels.stationary", "0.1.0")
    acme = ("--tenant", "acme", "--store", store)
    warned = greenlang("lifecycle", "register", *named, *acme).stderr
    assert "warning: agent 'fuels.stationary' has no version 0.1.0; there is 1.0.0" in warned
    assert "is registered" in greenlang("lifecycle", "register", *named, *acme, code=2).stderr
    refused = greenlang("lifecycle", "move", *named, "paused", *acme, code=2).stderr
    assert "is staged, and does not become paused from there; it may become active" in refused
    greenlang("lifecycle", "move", *named, "active", *acme)
    greenlang("lifecycle", "move", *named, "paused", "--reason", "under review", *acme)
    (one,) = json.loads(greenlang("lifecycle", "list", *acme, "--format", "json").stdout)
    assert (one["state"], one["reason"]) == ("paused", "under review")
    assert "active, failed, retired, running" in greenlang("lifecycle", "list", *acme).stdout
    other = greenlang("lifecycle", "move", *named, "active", "--tenant", "other", "--store", store, code=2)
    assert "is not registered for other" in other.stderr
