import os
import time
from pathlib import Path

import pytest

from greenlang.agents import Plugin, parse_manifest
from greenlang.agents.snapshots import Snapshot

PACK = """\
schema: 1
name: acme
version: 1.0.0
summary: Made for a test.
licence: Apache-2.0
requires: {greenlang: ">=0.1"}
agents:
  - {name: acme.double, version: 1.0.0, entrypoint: "acme:double", summary: Doubles., effects: [pure]}
"""


def settle(*paths):
    """Make files look as if they had not changed for an hour."""
    for path in paths:
        os.utime(path, (time.time() - 3600, time.time() - 3600))


@pytest.fixture
def installed(tmp_path):
    """A folder of the import path with one pack in it, and the plugin that it is."""
    site, package = tmp_path / "site", tmp_path / "site" / "acme"
    package.mkdir(parents=True)
    (package / "pack.yaml").write_text(PACK)
    settle(package / "pack.yaml", site)
    return site, Plugin("acme", "1.0.0", "acme", package, ("acme",), parse_manifest(PACK))


@pytest.fixture
def snapshot(tmp_path, installed):
    return Snapshot(tmp_path / "cache", [str(installed[0])])


def test_what_was_found_is_remembered_whole(snapshot, installed):
    assert snapshot.load() is None
    snapshot.save((installed[1],))
    assert snapshot.load() == (installed[1],)


def test_an_installed_distribution_is_noticed(snapshot, installed):
    snapshot.save((installed[1],))
    (installed[0] / "other-1.0.dist-info").mkdir()
    assert snapshot.load() is None


def test_a_changed_pack_yaml_is_noticed(snapshot, installed):
    _, plugin = installed
    snapshot.save((plugin,))
    (plugin.location / "pack.yaml").write_text(PACK.replace("Doubles", "Halves"))
    assert snapshot.load() is None


def test_a_pack_yaml_that_came_later_is_noticed(snapshot, installed):
    site, _ = installed
    plain = site / "plain"
    plain.mkdir()
    settle(site)
    snapshot.save((Plugin("plain", "1", "plain", plain, ("plain",), None),))
    assert snapshot.load() is not None
    (plain / "pack.yaml").write_text(PACK)
    assert snapshot.load() is None


def test_another_import_path_has_a_snapshot_of_its_own(snapshot, installed, tmp_path):
    snapshot.save((installed[1],))
    assert Snapshot(tmp_path / "cache", [str(installed[0]), str(tmp_path)]).load() is None


def test_what_changed_a_moment_ago_is_not_remembered(snapshot, installed):
    os.utime(installed[0])
    snapshot.save((installed[1],))
    assert snapshot.load() is None


@pytest.mark.parametrize("content", [b"", b"\xff", b"\x92\x80\x91\xc0"])
def test_a_damaged_snapshot_is_made_anew(snapshot, installed, tmp_path, content):
    snapshot.save((installed[1],))
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(content)
    assert snapshot.load() is None
    snapshot.save((installed[1],))
    assert snapshot.load() == (installed[1],)


def test_a_cache_that_cannot_be_written_is_done_without(installed, tmp_path):
    (tmp_path / "file").write_text("")
    snapshot = Snapshot(tmp_path / "file" / "cache", [str(installed[0])])
    snapshot.save((installed[1],))
    assert snapshot.load() is None


def test_what_cannot_be_put_in_its_place_is_not_left_beside_it(snapshot, installed, tmp_path):
    snapshot.save((installed[1],))
    (file,) = (tmp_path / "cache").iterdir()
    file.unlink()
    file.mkdir()
    snapshot.save((installed[1],))
    assert list((tmp_path / "cache").iterdir()) == [file]
    assert snapshot.load() is None


def test_snapshots_of_environments_long_gone_are_removed(snapshot, installed, tmp_path):
    old = tmp_path / "cache" / "discovery-0123456789abcdef.msgpack"
    old.parent.mkdir()
    old.write_bytes(b"")
    os.utime(old, (0, 0))
    snapshot.save((installed[1],))
    assert not old.exists()


def test_a_warm_process_loads_neither_yaml_nor_packaging(editable_environment, sources):
    import_path = [Path(entry) for entry in editable_environment.shown("show(sys.path)")]
    made = [*sources["acme-pack"].rglob("pack.yaml")]
    settle(*made, *(entry for entry in import_path if entry.is_relative_to(editable_environment.folder)))
    settle(*(entry for entry in import_path if entry == sources["acme-pack"]))
    code = "registry.offers(); show(sorted({'yaml', 'packaging', 'importlib.metadata'} & set(sys.modules)))"
    assert "yaml" in editable_environment.shown(code)
    assert editable_environment.shown(code) == []
