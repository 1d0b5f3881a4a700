"""What other engines get wrong with their agents and packs, held against what this checkout ships.

Packs that do not fit their own schema, agents that cannot be imported, names at the top level that are None,
commands that fail on a complete installation: each was found in a system in use.
"""

from pathlib import Path

import pytest

import greenlang as gl
from greenlang.agents import Agent, default_registry, parse_manifest

ROOT = Path(__file__).parents[2]
MANIFESTS = sorted(
    [ROOT / "runtime" / "greenlang" / "pack.yaml", *ROOT.glob("agent_packs/*/src/*/pack.yaml")]
)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.parent.name)
def test_every_pack_that_is_shipped_fits_the_schema(path):
    manifest = parse_manifest(path.read_text("utf-8"))
    assert manifest.agents or manifest.factor_sets
    assert [name for name in manifest.files() if not (path.parent / name).is_file()] == []


def test_every_installed_agent_loads_and_is_what_it_declares():
    assert [str(problem) for problem in default_registry().check()] == []


def test_every_installed_agent_is_typed_and_described():
    registry = default_registry()
    for offer in registry.offers():
        spec = registry.resolve(offer.name, f"=={offer.version}")
        assert spec.summary, offer.name
        assert not {"", None} & {offer.summary, offer.version}
        assert spec.input_name


def test_there_is_one_agent_contract():
    """Everything that runs as a step is one class: no second base class, no adapter."""
    specs = [default_registry().resolve(name) for name in default_registry().names()]
    made = [
        getattr(__import__(spec.definition.__module__, fromlist=["_"]), spec.definition.__name__)
        for spec in specs
    ]
    assert {type(agent) for agent in made} == {Agent}


def test_no_public_name_is_none():
    assert [name for name in gl.__all__ if getattr(gl, name) is None] == []


def test_an_agent_may_be_asked_for_its_version_and_a_plan_pins_what_it_resolved():
    old, new = (make(version) for version in ("1.0.0", "1.1.0"))
    registry = gl.Registry([old, new])
    plans = {
        asked: gl.compile(f"own.step{asked}", registry=registry) for asked in ("", "@1", "@1.0", "@1.1.0")
    }
    assert {asked: plan.agents[0].version for asked, plan in plans.items()} == {
        "": "1.1.0",
        "@1": "1.1.0",
        "@1.0": "1.0.0",
        "@1.1.0": "1.1.0",
    }
    ranges = {
        asked: gl.compile(old.at(asked), registry=registry) for asked in (">=1.1,<2", "~=1.0", "==1.1.*")
    }
    # The agent at hand stays where it fits, and another of its name comes in where it does not.
    assert {asked: plan.agents[0].version for asked, plan in ranges.items()} == {
        ">=1.1,<2": "1.1.0",
        "~=1.0": "1.0.0",
        "==1.1.*": "1.1.0",
    }
    # A plan of the old version stays one when the new one is there.
    again = gl.Plan.from_json(plans["@1.0"].to_json(), registry=registry)
    assert (again.agents[0].version, again.run(1)) == ("1.0.0", "1.0.0 of 1")
    assert plans["@1.0"].hash != plans[""].hash


def make(version):
    @gl.agent(name="own.step", version=version)
    def step(value: int, *, said: str = version) -> str:
        return f"{said} of {value}"

    return step
