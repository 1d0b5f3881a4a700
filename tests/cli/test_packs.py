"""`greenlang packs` as people type it."""

import json

import pytest

from greenlang.cli import main


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main(["packs", *map(str, words)])
    return ended.value.code


@pytest.fixture
def acme(tmp_path, monkeypatch, capsys):
    """A new pack, and the working directory in it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    assert run("new", tmp_path / "acme", "--no-ask", "--set", "author=Acme Ltd") == 0
    assert "is a pack; next:" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path / "acme")
    return tmp_path / "acme"


def test_a_pack_is_made_checked_built_signed_and_verified(acme, capsys):
    assert run("check") == 0
    told = capsys.readouterr().out
    assert "kept" in told
    assert "broken" not in told
    assert run("build", "--no-isolation") == 0
    wheel, sources = capsys.readouterr().out.split()
    assert sources.endswith("acme_pack-0.1.0.tar.gz")
    assert run("verify", wheel) == 0
    assert "not signed" in capsys.readouterr().out
    assert run("sign", wheel) == 0
    assert "signed by ed25519:" in capsys.readouterr().out
    assert run("verify", wheel) == 0
    assert capsys.readouterr().out.startswith("signed by ed25519:")
    assert run("sbom", wheel) == 0
    assert json.loads(capsys.readouterr().out)["bomFormat"] == "CycloneDX"
    assert run("show", wheel) == 0
    shown = capsys.readouterr().out
    assert all(
        text in shown for text in ("acme.heating", "ghg-emission-factors-hub", "The gas of two plants")
    )


def test_a_broken_rule_is_told_with_exit_code_1(acme, capsys):
    manifest = acme / "src" / "acme_pack" / "pack.yaml"
    manifest.write_text(manifest.read_text().replace("licence: Apache-2.0", "licence: Apache"))
    assert run("check") == 1
    told = capsys.readouterr()
    assert "broken" in told.out
    assert "[manifest.licence] pack.yaml: 'Apache' is not an SPDX expression" in told.err
    assert run("check", "--format", "json") == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["passed"]
    assert report["findings"][0]["rule"] == "manifest.licence"


def test_the_installed_packs_are_listed_and_shown(capsys):
    assert run("list", "--format", "json") == 0
    listed = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert listed["greenlang-fuels"]["agents"] == 2
    assert run("show", "greenlang-fuels") == 0
    assert "fuels.stationary" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["show", "no-such-pack"], "there is no folder, wheel or installed pack 'no-such-pack'"),
        (["check", "/"], "there is no pyproject.toml"),
        (["install", "acme-1.0-py3-none-any.whl"], "there is no file"),
        (["verify", "no-such.whl"], "is not named as a wheel is"),
        (["new", "somewhere", "--no-ask", "--set", "author"], "is not NAME=ANSWER"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(words, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 2
    assert told in capsys.readouterr().err
