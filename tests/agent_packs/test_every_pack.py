"""What holds for every first-party pack: its data are what its script makes, cited, and well named."""

import csv
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from greenlang.carbon import FactorSet, load_aliases, load_factors
from greenlang.carbon.factors import activity_key
from greenlang.packs import check_pack, open_pack

ROOT = Path(__file__).parents[2]
PACKS = sorted(path.parent for path in (ROOT / "agent_packs").glob("*/pyproject.toml"))

pytestmark = pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.name)


def package(pack: Path) -> Path:
    return next((pack / "src").glob("greenlang_*/pack.yaml")).parent


def factor_files(pack: Path) -> dict[str, FactorSet]:
    return {
        f"data/{path.name}": load_factors(path.read_text(encoding="utf-8"), file=path.name)
        for path in sorted((package(pack) / "data").glob("*.csv"))
        if path.name != "aliases.csv"
    }


def manifest(pack: Path) -> dict:
    return yaml.safe_load((package(pack) / "pack.yaml").read_text(encoding="utf-8"))


def test_the_data_are_what_the_script_makes_of_the_source(pack, tmp_path):
    copy = tmp_path / pack.name
    shutil.copytree(pack, copy, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    for name in factor_files(pack):
        (package(copy) / name).unlink()
    (copy / "data_build" / "manifest.csv").unlink()
    subprocess.run([sys.executable, copy / "data_build" / "build.py"], check=True)
    for name in factor_files(pack):
        assert (package(copy) / name).read_bytes() == (package(pack) / name).read_bytes()
    made = (copy / "data_build" / "manifest.csv").read_bytes()
    assert made == (pack / "data_build" / "manifest.csv").read_bytes()


def test_the_manifest_has_the_checksum_of_every_file(pack):
    with (pack / "data_build" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        entries = {row["file"]: row for row in csv.DictReader(file)}
    sources = {f"source/{path.name}" for path in (pack / "data_build" / "source").glob("*.csv")}
    assert set(entries) == sources | set(factor_files(pack))
    for name, entry in entries.items():
        path = (pack / "data_build" if name in sources else package(pack)) / name
        assert entry["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_factor_is_cited_and_of_the_edition_that_the_pack_declares(pack):
    files = factor_files(pack)
    declared = {entry["path"]: entry for entry in manifest(pack)["factor_sets"]}
    assert set(declared) == set(files)
    for path, factors in files.items():
        entry = declared[path]
        assert len({factor.ef_cid for factor in factors}) == len(factors)
        for factor in factors:
            assert (factor.dataset, factor.edition) == (entry["dataset"], str(entry["edition"]))
            assert factor.citation.startswith(re.split(r", tables? \d", entry["citation"])[0])
            assert factor.locator
            assert factor.source


def test_uk_figures_are_totals_under_ar5_or_biogenic_co2_for_their_year(pack):
    for path, factors in factor_files(pack).items():
        if not path.startswith("data/uk_"):
            continue
        for factor in factors:
            assert (factor.gas, factor.gwp_basis) in {("CO2e", "AR5"), ("CO2", "")}
            assert factor.biogenic is (True if factor.gas == "CO2" else None)
            assert str(factor.applies_from) == f"{factor.edition[:4]}-01-01"
            assert str(factor.applies_to) == f"{factor.edition[:4]}-12-31"


def test_aliases_mean_activities_of_the_pack(pack):
    aliases = load_aliases((package(pack) / "data/aliases.csv").read_text(encoding="utf-8"), file="aliases")
    activities = {
        activity_key(factor.activity) for factors in factor_files(pack).values() for factor in factors
    }
    for alias, meanings in aliases.items():
        assert {activity_key(activity) for activity in meanings.values()} <= activities
        # A word that is a publisher's own name means something else only where that publisher is silent.
        assert activity_key(alias) not in activities or "" not in meanings


def test_the_readme_names_every_agent_and_whose_the_figures_are(pack):
    text = " ".join((pack / "README.md").read_text(encoding="utf-8").split())
    for agent in manifest(pack)["agents"]:
        assert f"`{agent['name']}`" in text
    # Whoever hands on figures says whose they are, as the licence of each asks for.
    assert ("Open Government Licence v3.0" in text) == any("/uk_" in path for path in factor_files(pack))
    assert ("US Government" in text) == any(
        factor.source == "US EPA" for factors in factor_files(pack).values() for factor in factors
    )


def test_every_rule_is_kept_and_the_examples_give_what_stands_beside_them(pack):
    with open_pack(str(pack)) as source:
        report = check_pack(source)
    assert report.findings == ()
    assert set(report.asked) >= {"agent.effects", "example.result", "example.deterministic"}
