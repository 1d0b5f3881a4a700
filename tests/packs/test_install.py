"""A stranger's way: the scaffold in an empty folder, built, installed beside the runtime's wheel, and run."""

import json
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from greenlang.errors import PackError
from greenlang.packs import install_pack, open_wheel, sign_wheel, signature_path


def test_a_pack_from_the_scaffold_is_installed_and_run_by_name(environment, wheel, alter, tmp_path):
    signed = tmp_path / wheel.name
    shutil.copy(wheel, signed)
    keys = environment.home / ".config" / "greenlang"
    fingerprint = sign_wheel(open_wheel(signed), keys=keys).signer
    assert environment.greenlang("packs", "list").count("acme-pack") == 0
    told = environment.greenlang("packs", "install", signed)
    assert told == f"installed acme-pack 0.1.0, signed by {fingerprint}\n"
    assert "acme-pack" in environment.greenlang("packs", "list")

    program, data = tmp_path / "heat.gcel", tmp_path / "gas.csv"
    program.write_text(
        'ghg.intake >> acme.heating >> ghg.inventory >> ghg.totals(by="site", unit="kg", places=3)\n'
    )
    data.write_text(
        "id,period,site,activity,quantity,unit,region\nB-1,2025-03,Mill,natural gas,10,mmBtu,US\n"
    )
    command = ("run", program, "--input", data, "--format", "json")
    record = json.loads(environment.greenlang(*command))
    # 10 mmBtu of 53.06 kg CO2, 1.0 g CH4 (GWP 28) and 0.10 g N2O (GWP 265)
    assert record["result"]["report"]["rows"] == [["Mill", "531.145"]]
    signers = {agent["name"]: agent.get("signer") for agent in record["agents"]}
    assert signers == {
        "ghg.intake": None,
        "acme.heating": fingerprint,
        "ghg.inventory": None,
        "ghg.totals": None,
    }

    # At load its files are compared with the signature again, before any of them is imported.
    agents = environment.site_packages / "acme_pack" / "agents.py"
    marker, text = tmp_path / "imported", agents.read_text()
    agents.write_text(f"open({str(marker)!r}, 'w')\n{text}")
    told = environment.greenlang(*command, code=2)
    assert "acme_pack/agents.py: it was changed after signing" in told
    assert not marker.exists()
    agents.write_text(text)
    environment.greenlang(*command)
    # Nor is a module added to them, though Python runs it as it lies there.
    added = environment.site_packages / "acme_pack" / "added.pyc"
    added.touch()
    assert "acme_pack/added.pyc: it was added after signing" in environment.greenlang(*command, code=2)
    added.unlink()

    # Another wheel of the same version takes the place of the one that is there, with its signature.
    other = alter(wheel, tmp_path / "other" / wheel.name, {"acme_pack/added.py": ""})
    sign_wheel(open_wheel(other), keys=keys)
    environment.greenlang("packs", "install", other)
    assert (environment.site_packages / "acme_pack" / "added.py").exists()
    environment.greenlang(*command)

    # Whoever asks for signatures by others does not run it.
    (keys / "packs.yaml").write_text("schema: 1\nsignatures: required\nsigners: [somebody]\n")
    assert "signature.trusted" in environment.greenlang(*command, code=2)
    # Nor is it run for a tenant that asks for them.
    (keys / "packs.yaml").write_text("schema: 1\ntenants: {brewery: {signers: [somebody]}}\n")
    environment.greenlang(*command)
    for_brewery = (
        "import greenlang as gl; from decimal import Decimal\n"
        "runtime = gl.Runtime(tenant='brewery')\n"
        f"runtime.run(runtime.compile({program.read_text().strip()!r}), None)"
    )
    assert "signature.trusted" in environment.run("-c", for_brewery, code=1)
    (keys / "packs.yaml").unlink()

    # The signature goes with the pack.
    environment.pip("uninstall", "--yes", "acme-pack")
    assert list(environment.site_packages.glob("acme_pack*")) == []
    assert "there is no agent 'acme.heating'" in environment.greenlang(*command, code=2)


MARKED = "acme_pack/__init__.py"
AGENTS, MANIFEST, FACTORS = (f"acme_pack/{name}" for name in ("agents.py", "pack.yaml", "data/factors.csv"))

CITATION = (
    '"US EPA Center for Corporate Climate Leadership, GHG Emission Factors Hub, '
    'last modified 15 January 2025, Table 1 Stationary Combustion"'
)

#: Each lie: what is changed in the good wheel, to other text or from one to another, and the rule it breaks.
LIES = {
    "a path that leads out": ({"../evil.py": "x"}, "archive.path"),
    "a .pth file": ({"acme.pth": "import os"}, "archive.startup"),
    "a file over another package": ({"click/core.py": "x"}, "archive.overlap"),
    "a zip bomb": ({"acme_pack/data/zeros.csv": bytes(8 * 1024 * 1024)}, "archive.size"),
    "a YAML bomb": ({MANIFEST: ("aliases:\n", "bomb: &a [*a, *a]\naliases:\n")}, "manifest.schema"),
    "another's agent": ({MANIFEST: ("name: acme.heating", "name: ghg.totals")}, "agent.name"),
    "no citation": ({FACTORS: (CITATION, "")}, "factor.citation"),
    "a float in the data": ({FACTORS: (",53.06,", ",53.059999999999995,")}, "factor.float"),
    "an undeclared effect": (
        {AGENTS: ("    pack = ", "    open('/dev/null')\n    pack = ")},
        "agent.effects",
    ),
    "another type": ({AGENTS: ("return [made]", "return made")}, "agent.result"),
    "another result each time": ({AGENTS: ("=CATEGORY", "=str(id(data))")}, "example.deterministic"),
}

#: Rules that only running code can break.
RUN = {"agent.effects", "agent.result", "example.deterministic"}

SIGNED = {
    "a stranger's signature": "signature.trusted",
    "a file changed after signing": "signature.files",
}

INSTALL = """
import json, sys
from greenlang.errors import PackError
from greenlang.packs import install_pack

told = {}
for path in sys.argv[1:]:
    try:
        install_pack(path)
    except PackError as error:
        told[path] = str(error)
print(json.dumps(told))
"""


@pytest.fixture(scope="session")
def refusals(environment, wheel, alter, tmp_path_factory) -> dict[str, tuple[str, bool]]:
    """What is told of each lie, and whether its module was imported."""
    folder = tmp_path_factory.mktemp("lies")
    paths, markers = {}, {}
    with zipfile.ZipFile(wheel) as archive:
        good = {name: archive.read(name).decode() for name in archive.namelist()}
    for number, (lie, (changes, _)) in enumerate(LIES.items()):
        files = {}
        for name, change in changes.items():
            if isinstance(change, tuple):
                assert change[0] in good[name]
                change = good[name].replace(*change)
            files[name] = change
        markers[lie] = folder / f"imported-{number}"
        files[MARKED] = f"open({str(markers[lie])!r}, 'w').close()\n"
        paths[lie] = alter(wheel, folder / str(number) / wheel.name, files)
    stranger = paths["a stranger's signature"] = folder / "stranger" / wheel.name
    changed = paths["a file changed after signing"] = folder / "changed" / wheel.name
    for path in (stranger, changed):
        path.parent.mkdir()
        shutil.copy(wheel, path)
    sign_wheel(open_wheel(stranger), keys=folder / "stranger-keys")
    sign_wheel(open_wheel(changed), keys=environment.home / ".config" / "greenlang")
    alter(wheel, changed, {AGENTS: good[AGENTS] + "# one more line\n"})
    told = json.loads(environment.run("-c", INSTALL, *paths.values()))
    return {
        lie: (told.get(str(path), "installed"), lie in markers and markers[lie].exists())
        for lie, path in paths.items()
    }


@pytest.mark.parametrize("lie", [*LIES, *SIGNED])
def test_the_same_pack_with_a_lie_is_refused_for_it(lie, refusals):
    told, imported = refusals[lie]
    rule = LIES[lie][1] if lie in LIES else SIGNED[lie]
    assert f"[{rule}]" in told
    assert imported == (rule in RUN)


@pytest.mark.parametrize(
    "requirement",
    [".", "./acme", "acme-pack @ file:///tmp/acme", "git+https://example.org/acme.git", "-r acme.txt", ""],
)
def test_what_pip_would_build_is_refused(requirement):
    with pytest.raises(PackError, match="neither a wheel nor the name of a pack"):
        install_pack(requirement)


def test_a_name_is_looked_up_in_the_index_which_must_have_a_wheel(environment, wheel, scaffold, tmp_path):
    """The index has a newer release too, but only its sources, and to build them would run their code."""
    project = shutil.copytree(scaffold, tmp_path / "acme")
    marker = tmp_path / "built"
    (project / "setup.py").write_text(f"open({str(marker)!r}, 'w')\n")
    releases = tmp_path / "index" / "acme-pack"
    releases.mkdir(parents=True)
    with tarfile.open(releases / "acme_pack-0.2.0.tar.gz", "w:gz") as archive:
        archive.add(project, "acme_pack-0.2.0")
    (releases / "index.html").write_text('<a href="acme_pack-0.2.0.tar.gz">acme_pack-0.2.0.tar.gz</a>')
    settings = environment.home / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(f"[global]\nindex-url = {(tmp_path / 'index').as_uri()}\n")

    assert "No matching distribution found for acme-pack" in environment.greenlang(
        "packs", "install", "acme-pack", code=2
    )
    shutil.copy(wheel, releases)
    with (releases / "index.html").open("a") as index:
        index.write(f'<a href="{wheel.name}">{wheel.name}</a>')
    # An index has no signatures: the publisher's comes another way.
    signed = shutil.copy(wheel, tmp_path)
    signature = sign_wheel(open_wheel(Path(signed)), keys=environment.home / ".config" / "greenlang")
    told = environment.greenlang(
        "packs", "install", "acme-pack>=0.1", "--signature", signature_path(Path(signed))
    )
    assert told == f"installed acme-pack 0.1.0, signed by {signature.signer}\n"
    assert not marker.exists()
    environment.pip("uninstall", "--yes", "acme-pack")
    settings.unlink()
