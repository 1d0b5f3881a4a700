import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang.agents import Needs, parse_manifest
from greenlang.agents.located_yaml import MAX_CHARACTERS
from greenlang.errors import PackError

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "packs.md"

PACK = """\
schema: 1
name: acme-fuels
version: 1.10
summary: Fuels.
licence: Apache-2.0
requires:
  greenlang: ">=0.1,<0.2"
agents:
  - name: acme.double
    version: 1.0.0
    entrypoint: acme_fuels.agents:double
    summary: Doubles.
    effects: [pure, calculates]
    needs: {memory_mib: 256, time_s: 10}
  - name: acme.double
    version: 1.1.0
    entrypoint: acme_fuels.agents:double_next
    summary: Doubles.
factor_sets:
  - path: data/fuels.csv
    dataset: acme-fuels
    edition: 2024
    licence: no
    citation: Acme, table 2
aliases:
  - data/names.csv
hooks: [greenlang_commands, pre_execute]
formulas:
  - name: acme.fuel
    version: 1.0.0
    summary: Fuel.
    text: fuel = hours * 8
    citation: Acme, equation 1
examples:
  - title: A month.
    program: examples/month.gcel
    input: data/month.csv
    output: examples/month.json
changelog:
  - version: 1.10
    date: 2026-02-01
    changes: More fuels.
  - version: 1.9
    date: 2026-01-01
    changes: Fuels.
"""


def test_scalars_are_the_texts_that_were_written():
    manifest = parse_manifest(PACK)
    assert manifest.version == "1.10"
    assert manifest.factor_sets[0].edition == "2024"
    assert manifest.factor_sets[0].licence == "no"
    assert manifest.agents[0].effects == ("pure", "calculates")
    assert manifest.agents[1].effects == ()
    assert manifest.schema == 1
    assert manifest.agents[0].needs == Needs(memory_mib=256, time_s=10)
    assert manifest.changelog[1].version == "1.9"


def test_the_files_of_a_pack_are_all_that_its_manifest_names():
    assert parse_manifest(PACK).files() == (
        "data/fuels.csv",
        "data/names.csv",
        "examples/month.gcel",
        "examples/month.json",
        "data/month.csv",
    )


def test_a_pack_of_factors_alone_is_a_pack():
    manifest = parse_manifest(PACK[: PACK.index("agents:")] + PACK[PACK.index("factor_sets:") :])
    assert manifest.agents == ()


def test_the_example_in_the_documentation_is_a_manifest_with_every_key():
    example = re.search(r"```yaml\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL).group(1)
    manifest = parse_manifest(example)

    described, used = set(), set()

    def note_keys(struct):
        for name in struct.__struct_fields__:
            value = getattr(struct, name)
            described.add(name)
            if value:
                used.add(name)
            for part in value if isinstance(value, tuple) else [value]:
                if isinstance(part, msgspec.Struct):
                    note_keys(part)

    note_keys(manifest)
    assert described - used == set(), "the example leaves keys out"
    assert [key for key in described if f"`{key}`" not in DOCUMENTATION.read_text()] == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("schema: 1", "schema: 2", "line 1: schema 2 is not known to this runtime; write `schema: 1`"),
        ("schema: 1\n", "", "line 1: 'schema' is missing; add `schema:`"),
        ("licence: Apache-2.0\n", "", "line 1: 'licence' is missing"),
        ("summary: Fuels.", "sumary: Fuels.", "line 4: 'sumary' is not a key here; write summary"),
        (
            "    summary: Doubles.\n    effects",
            "    colour: red\n    effects",
            "line 12: 'colour' is not a key here",
        ),
        ("    citation: Acme, table 2\n", "", "line 20: 'citation' of factor_sets[0] is missing"),
        (
            "  greenlang:",
            "  python:",
            "line 7: 'python' is not a key here; leave it out; the keys are greenlang",
        ),
        ("name: acme.double", "name: Double", "line 9: 'Double' cannot name an agent; write pack.agent"),
        ("    version: 1.1.0", "    version: 1.1", "line 16: '1.1' is not an agent's version"),
        ("    version: 1.1.0", "    version: 1.0.0", "line 15: agent 'acme.double' 1.0.0 is declared twice"),
        ("agents:double\n", "agents.double\n", "line 11: 'acme_fuels.agents.double' is not an entry point"),
        ("[pure, calculates]", "[magic]", "line 13: agents[0].effects[0]: invalid enum value 'magic'"),
        ("[pure, calculates]", "pure", "line 13: agents[0].effects: expected a list, got text"),
        ("[pure, calculates]", "[[pure]]", "line 13: agents[0].effects[0]"),
        ("schema: 1", "schema: [1]", "schema ['1'] is not known"),
        ("data/fuels.csv", "../fuels.csv", "line 20: '../fuels.csv' leads out of the pack"),
        ("data/fuels.csv", "/etc/fuels.csv", "leads out of the pack"),
        ("data/names.csv", "data\\names.csv", "line 26: 'data\\names.csv' leads out of the pack"),
        ("data/names.csv", "C:names.csv", "leads out of the pack"),
        ('">=0.1,<0.2"', "new", "line 7: 'new' is not a range of versions; write one like >=0.1,<0.2"),
        ("time_s: 10", "time: 10", "line 14: 'time' is not a key here; write time_s"),
        ("time_s: 10", "time_s: soon", "line 14: agents[0].needs.time_s: expected an integer, got text"),
        ("time_s: 10", "time_s: 0", "line 14: agents[0].needs.time_s: expected an integer >= 1"),
        ("time_s: 10", "hosts: [a.example]", "line 14: agent 'acme.double' needs hosts but does not declare"),
        ("time_s: 10", "hosts: ['http://a']", "line 14: 'http://a' is not the name of a host"),
        (
            "aliases:",
            "  - {path: data/fuels.csv, dataset: a, edition: b, licence: c, citation: d}\naliases:",
            "line 25: factor set 'data/fuels.csv' is declared twice; leave one out",
        ),
        ("pre_execute]", "pre_run]", "line 27: hooks[1]: invalid enum value 'pre_run'"),
        ("name: acme.fuel", "name: fuel", "line 29: 'fuel' cannot name an agent"),
        ("    text: fuel = hours * 8\n", "", "line 29: 'text' of formulas[0] is missing"),
        ("data/month.csv", "/month.csv", "line 37: '/month.csv' leads out of the pack"),
        ("month.json", "month.txt", "line 38: the output 'examples/month.txt' is not a .json file"),
        ("version: 1.10\n    date", "version: 1.11\n    date", "line 40: the changelog begins with 1.11"),
        ("2026-02-01", "1.2.2026", "line 41: '1.2.2026' is not a date; write YYYY-MM-DD"),
        ("2026-02-01", "2025-12-31", "line 44: 1.9 is dated 2026-01-01, after the release above it"),
        ("summary: Fuels.", "summary:", "line 4: summary is empty; give it a value"),
        ("summary: Fuels.", "summary: Fuels.\nsummary: Twice.", "line 5: 'summary' stands here twice"),
        ("summary: Fuels.", "summary: [Fuels.", "it is not YAML: "),
        ("summary: Fuels.", "summary: &a Fuels.\nlicence: *a", "line 4: an anchor (&) or an alias (*)"),
        ("summary: Fuels.", "? [a]\n: b", "a key is not plain text"),
        ("summary: Fuels.", "summary: \x07", "it is not YAML"),
        ("summary: Fuels.", "summary: " + "[" * 200 + "]" * 200, "nested more than 20 deep"),
        ("summary: Fuels.", "summary: " + "[" * 1_000_000, "nested more than 20 deep"),
        ("summary: Fuels.", "summary: " + "x" * MAX_CHARACTERS, "it is longer than 1,048,576 characters"),
        (PACK, "", "pack.yaml: it is empty; begin with `schema: 1`"),
        (PACK, "- a\n- b\n", "line 1: the file: expected a mapping, got a list"),
        (PACK, "--- a\n--- b\n", "line 2: a second document begins"),
    ],
)
def test_every_mistake_is_told_with_its_line(old, new, told):
    assert old in PACK
    with pytest.raises(PackError) as refusal:
        parse_manifest(PACK.replace(old, new, 1))
    assert told in str(refusal.value)
    assert str(refusal.value).startswith("pack.yaml")


def test_a_bomb_of_aliases_is_refused_unexpanded():
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))
    with pytest.raises(PackError, match="an anchor"):
        parse_manifest(f"a0: &a0 x\n{levels}\n")


@given(st.integers(0, len(PACK)), st.text(alphabet="[]{}:*&!|>'\"#-\t\n x,%@`?", max_size=8))
def test_a_damaged_file_is_read_or_refused(position, damage):
    try:
        parse_manifest(PACK[:position] + damage + PACK[position:])
    except PackError:
        return
