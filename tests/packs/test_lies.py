"""A pack that lies is refused for the lie, without an import where none is needed to see it."""

import shutil

import pytest

from greenlang.errors import PackError
from greenlang.packs import (
    check_pack,
    check_wheel,
    conformance,
    open_pack,
    open_wheel,
    sign_wheel,
    signature_path,
)

AGENTS = "src/acme_pack/agents.py"
MANIFEST = "src/acme_pack/pack.yaml"
FACTORS = "src/acme_pack/data/factors.csv"

BODY = "    pack = load_pack_data("

#: The last line of the agent's docstring, and the same with an example that holds and one that is told of.
DOCUMENTED = "    Factors by energy or volume: EPA GHG Emission Factors Hub, table 1.\n"
SHOWS = f"{DOCUMENTED}\n    >>> 1 + 1\n    2\n    >>> {{}}\n    {{}}\n"

#: Kilograms and kilowatt-hours cannot be added.
FORMULA = """formulas:
  - name: acme.loss
    version: 1.0.0
    summary: A sum of what cannot be added.
    citation: Acme Handbook, equation 1
    text: |
      charge: "kg"
      energy: "kWh"
      lost: "kg" = round(charge + energy, 3)
"""


def lie(project, file, old, new):
    path = project / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def findings(project):
    with open_pack(str(project)) as pack:
        return check_pack(pack).findings


@pytest.mark.parametrize(
    ("old", "new", "rule", "told"),
    [
        (BODY, f'    open("/dev/null").close()\n{BODY}', "agent.effects", "reads the file /dev/null"),
        ("return [made]", "return made", "agent.result", "declares list"),
        ("category=CATEGORY", "category=f'{hash(CATEGORY)}'", "example.deterministic", "different results"),
        ("(data: ActivityData)", "(data: ActivityData, *, share: float = 1.0)", "agent.types", "float"),
        ("-> list[Emissions]", "", "agent.types", "its output has no type"),
        ('version="1.0.0"', 'version="1.0.1"', "agent.load", "1.0.1"),
        ('effects=["pure", "calculates"]', "effects=[]", "agent.load", "effects"),
        ("import greenlang as gl", "import greenlang as gl\nraise SystemExit(3)", "agent.load", "SystemExit"),
        ("import greenlang as gl", "import os\nos._exit(0)", "agent.load", "ended"),
        (DOCUMENTED, SHOWS.format("CATEGORY[:4]", "'heat'"), "example.documentation", "and 'heat' is shown"),
        (DOCUMENTED, SHOWS.format("heating(1)", "1"), "example.documentation", "gives AttributeError: "),
    ],
)
def test_code_that_lies_is_refused(old, new, rule, told, project):
    lie(project, AGENTS, old, new)
    found = findings(project)
    assert [finding for finding in found if finding.rule == rule and told in str(finding)], found


CITATION = '"US EPA Center for Corporate Climate Leadership, GHG Emission Factors Hub, last modified 15 January 2025, Table 1 Stationary Combustion"'  # noqa: E501


@pytest.mark.parametrize(
    ("file", "old", "new", "rule"),
    [
        (FACTORS, CITATION, "", "factor.citation"),
        (FACTORS, ",53.06,", ",53.059999999999995,", "factor.float"),
        (FACTORS, ",53.06,", ",0.30000000000000004,", "factor.float"),
        (FACTORS, "kg/mmBtu (HHV)", "kg/banana", "factor.table"),
        (FACTORS, ",2025,Table 1", ",2024,Table 1", "factor.table"),
        (MANIFEST, "version: 0.1.0\nsummary", "version: 0.1.1\nsummary", "manifest.schema"),
        (MANIFEST, "licence: Apache-2.0\n", "licence: Apache\n", "manifest.licence"),
        (MANIFEST, "licence: Apache-2.0\n", "licence: MIT\n", "manifest.licence"),
        (MANIFEST, ">=0.1,<0.2", ">=99", "manifest.release"),
        (MANIFEST, ">=0.1,<0.2", ">=0.1", "manifest.release"),
        (MANIFEST, "name: acme-pack", "name: other-pack", "manifest.release"),
        (MANIFEST, "data/aliases.csv", "data/missing.csv", "manifest.release"),
        (MANIFEST, "acme_pack.agents:heating", "os:getcwd", "manifest.release"),
        (MANIFEST, "licence: US Government work\n", "", "manifest.schema"),
        (MANIFEST, "summary: Emissions", "sumary: Emissions", "manifest.schema"),
        (MANIFEST, "name: acme.heating", "name: ghg.totals", "agent.name"),
        (MANIFEST, "aliases:\n", f"{FORMULA}aliases:\n", "formula.text"),
        (MANIFEST, "aliases:\n  - data/aliases.csv", "aliases: &a [&b [*a, *a], *b]", "manifest.schema"),
    ],
)
def test_words_that_lie_are_refused_before_anything_is_imported(file, old, new, rule, project, tmp_path):
    marker = tmp_path / "imported"
    for module in ("__init__.py", "agents.py"):
        path = project / "src" / "acme_pack" / module
        path.write_text(path.read_text() + f"\nopen({str(marker)!r}, 'w').close()\n")
    lie(project, file, old, new)
    try:
        found = {finding.rule for finding in findings(project)}
    except PackError as error:
        found = {rule for rule in [rule] if f"[{rule}]" in str(error)}
    assert rule in found
    assert not marker.exists()


def test_the_marker_is_written_where_a_pack_is_imported(project, tmp_path):
    marker = tmp_path / "imported"
    lie(
        project,
        AGENTS,
        "import greenlang as gl",
        f"import greenlang as gl\nopen({str(marker)!r}, 'w').close()",
    )
    (found,) = findings(project)
    assert (found.rule, found.place) == ("agent.effects", "importing the pack")
    assert marker.exists()


def test_an_example_with_another_result_is_refused(project):
    lie(project, "src/acme_pack/examples/heating.json", "53114.500", "53114.501")
    (found,) = findings(project)
    assert found.rule == "example.result"
    assert '"53114.500" at $.report.rows[0][1]' in found.message


def test_a_slow_example_is_told(project, monkeypatch):
    monkeypatch.setattr(conformance, "EXAMPLE_SECONDS", 0)
    (found,) = findings(project)
    assert found.rule == "example.speed"
    assert "0 s are allowed" in found.message


def test_a_pack_that_does_not_end_is_stopped(project, monkeypatch):
    lie(project, AGENTS, "import greenlang as gl", "while True: pass\nimport greenlang as gl")
    monkeypatch.setattr(conformance, "TIMEOUT_SECONDS", 2)
    (found,) = findings(project)
    assert (found.rule, found.message) == ("example.speed", "it did not end within 2 seconds")


def test_an_agent_that_no_example_runs_is_told(project):
    path = project / MANIFEST
    text = path.read_text()
    path.write_text(text[: text.index("examples:")] + text[text.index("changelog:") :])
    assert [found.rule for found in findings(project)] == ["agent.example"]


def test_a_yaml_bomb_is_told_with_its_line(project):
    lie(project, MANIFEST, "aliases:", "bomb: [&a [1], *a, *a]\naliases:")
    with pytest.raises(PackError, match=r"pack\.yaml, line 20: an anchor"):
        findings(project)


def test_a_signed_wheel_that_was_changed_is_refused_without_import(wheel, altered, tmp_path, rules_of):
    marker = tmp_path / "imported"
    own = tmp_path / "own" / wheel.name
    own.parent.mkdir()
    shutil.copy(wheel, own)
    sign_wheel(open_wheel(own))
    changed = altered({"acme_pack/__init__.py": f"open({str(marker)!r}, 'w')"})
    shutil.copy(signature_path(own), signature_path(changed))
    with pytest.raises(PackError, match="changed after signing") as refused:
        check_wheel(open_wheel(changed))
    assert rules_of(refused.value) == {"signature.files"}
    assert not marker.exists()
