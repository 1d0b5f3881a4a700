"""The other commands: plan, agents, factors, units, doctor, help."""

import csv
import io
import json
import shlex

import click
import pytest

from greenlang.cli import COMMANDS as RUNTIMES
from greenlang.cli import greenlang as command_line


def leaves(command, path=()):
    """The commands that do something, by the words that lead to them."""
    if not isinstance(command, click.Group):
        return {path: command}
    found = [(name, command.get_command(click.Context(command), name)) for name in command.commands]
    return {key: leaf for name, below in found for key, leaf in leaves(below, (*path, name)).items()}


EVERY = {
    key: leaf
    for name in RUNTIMES
    for key, leaf in leaves(command_line.get_command(click.Context(command_line), name), (name,)).items()
}


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_has_help_with_examples_that_it_takes(path):
    command = EVERY[path]
    context = click.Context(command, info_name=path[-1])
    lines = [line.strip() for line in command.get_help(context).partition("Example")[2].splitlines()]
    shown = [shlex.split(line)[1:] for line in lines if line.startswith("greenlang ")]
    assert shown
    for words in shown:
        assert tuple(words[: len(path)]) == path
        arguments = [word for word in words[len(path) :] if word != ">"]
        command.make_parser(context).parse_args(arguments)  # raises UsageError for an option that is none


def test_help_lists_every_command(greenlang):
    out = greenlang("--help").stdout
    assert all(f"\n  {command} " in out for command in RUNTIMES)


def test_a_plan_is_shown_as_text_json_and_a_picture(greenlang, examples):
    program = examples / "inventory.gcel"
    text = greenlang("plan", program).stdout
    document = json.loads(greenlang("plan", program, "--format", "json").stdout)
    picture = greenlang("plan", program, "--format", "mermaid").stdout
    assert text.startswith("plan sha256:")
    assert "fuels.stationary@1.0.0" in text
    assert picture.startswith("flowchart")
    assert "fuels.stationary" in picture
    assert {agent["name"] for agent in document["agents"]} >= {"ghg.intake", "fuels.mobile"}


def test_a_plan_is_shown_as_it_runs_and_as_python(greenlang, examples):
    program = examples / "inventory.gcel"
    assert greenlang("plan", program, "--format", "graphviz", "--planned").stdout.startswith("digraph plan {")
    assert "def run(value):" in greenlang("plan", program, "--format", "python").stdout
    greenlang("plan", program, program, code=2)


def test_two_plans_are_compared(greenlang, tmp_path):
    before, after = tmp_path / "before.gcel", tmp_path / "after.gcel"
    before.write_text("ghg.intake >> fuels.stationary\n")
    after.write_text("ghg.intake >> fuels.mobile\n")
    assert greenlang("plan", "--diff", before, after).stdout.splitlines() == [
        "step fuels.stationary became fuels.mobile",
        "1 of 2 steps run again:",
        "  fuels.mobile: it is another step",
    ]
    assert greenlang("plan", "--diff", before, before).stdout == "the plans are the same\n"


def test_agents_are_listed_and_one_is_shown(greenlang):
    names = {entry["name"] for entry in json.loads(greenlang("agents", "list", "--format", "json").stdout)}
    assert {"ghg.intake", "fuels.stationary", "electricity.market_based"} <= names
    assert "supplier" in greenlang("agents", "show", "electricity.market_based").stdout
    assert "fuels.stationary" in greenlang("agents", "show", "fuels.stationery", code=2).stderr


def test_agents_are_found_by_words_and_by_pack(greenlang):
    lines = greenlang("agents", "list", "burnt", "VEHICLES").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["agent", "fuels.mobile"]
    listed = json.loads(greenlang("agents", "list", "--pack", "greenlang-fuels", "--format", "json").stdout)
    assert {entry["pack"].split()[0] for entry in listed} == {"greenlang-fuels"}
    assert greenlang("agents", "list", "no such agent").stdout == "agent  version  pack  what it does\n"


def test_factors_are_searched_and_every_one_has_a_citation(greenlang):
    out = greenlang("factors", "search", "natural", "gas", "--gas", "CO2", "--format", "csv").stdout
    found = {(row["unit"], row["value"]) for row in csv.DictReader(io.StringIO(out))}
    # EPA GHG Emission Factors Hub 2025, table 1.
    assert {("kg/mmBtu (HHV)", "53.06"), ("kg/scf", "0.05444")} <= found
    every = csv.DictReader(io.StringIO(greenlang("factors", "search", "--format", "csv").stdout))
    assert all(row["citation"] for row in every)
    assert "no factor matches" in greenlang("factors", "search", "unobtainium", code=2).stderr


def test_units_are_listed_by_dimension(greenlang):
    energy = json.loads(greenlang("units", "--dimension", "energy", "--format", "json").stdout)
    assert {"mmBtu", "kWh"} <= {unit["symbol"] for unit in energy}
    assert {unit["dimension"] for unit in energy} == {"energy"}
    assert "'energy'" in greenlang("units", "--dimension", "enrgy", code=2).stderr


def test_the_doctor_finds_this_installation_well(greenlang):
    out = greenlang("doctor").stdout
    for words in ("compiled core", "0.1 + 0.2 = 0.3", "signing key", "ed25519:"):
        assert words in out


def test_an_unknown_command_and_option_are_the_users_mistake(greenlang):
    assert "No such command" in greenlang("rum", code=2).stderr
    assert "--gwp" in greenlang("run", "x.gcel", "--gpw", "AR5", code=2).stderr
