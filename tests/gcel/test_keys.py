"""Step keys: the same in every process, whatever the hash seed."""

import json
import os
import subprocess
import sys

import pytest

import greenlang as gl

from . import conftest

PROGRAM = (
    'xs = acme.numbers * (acme.above(limit=1.50) ? acme.text(tags=["é"]) : acme.add(amount=2))\n'
    'main = branch("b c"=xs, a=acme.later >> timeout(2) >> retry(3, on=["OSError", "KeyError"])) '
    '>> route(acme.any, gas=get("a"), coal=get("b c"), default=count) >> acme.any'
)

SCRIPT = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("shared", sys.argv[1])
shared = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shared)
import greenlang as gl
plan = gl.compile(sys.argv[2], registry=gl.Registry(shared.AGENTS))
print(json.dumps([plan.hash, plan.step_keys, plan.as_it_runs.step_keys]))
"""


def keys_in_a_process(python, **environment):
    done = subprocess.run(
        [python, "-c", SCRIPT, conftest.__file__, PROGRAM],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("seed", ["0", "1", "4294967295"])
def test_keys_are_the_same_in_every_process(seed, registry):
    plan = gl.compile(PROGRAM, registry=registry)
    expected = json.loads(json.dumps([plan.hash, plan.step_keys, plan.as_it_runs.step_keys]))
    assert keys_in_a_process(sys.executable, PYTHONHASHSEED=seed) == expected


#: Interpreters that have the runtime, written as in PATH: `GREENLANG_PYTHONS=/usr/bin/python3.12:…`.
PYTHONS = os.environ.get("GREENLANG_PYTHONS", sys.executable).split(os.pathsep)


@pytest.mark.parametrize("python", PYTHONS)
def test_keys_are_the_same_on_every_python(python, registry):
    plan = gl.compile(PROGRAM, registry=registry)
    assert keys_in_a_process(python)[:2] == json.loads(json.dumps([plan.hash, plan.step_keys]))


def test_keys_are_those_that_were_released(registry):
    """A change of this figure makes everything that is kept run again: it belongs into the changelog."""
    plan = gl.compile('[1, 2] * get("n") & sum', registry=registry)
    assert plan.step_keys[0][0] == "4201da450038af81d4d1eadd4f6a3caf70d30f7543bef286f7a70bbb1403cc7c"
