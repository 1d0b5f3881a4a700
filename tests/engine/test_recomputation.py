"""Bundles of others are computed again, and nothing else is done for them."""

from decimal import Decimal

import pytest

import greenlang as gl
from greenlang.agents import Registry
from greenlang.engine import execute, save_result, verify_bundle
from greenlang.errors import PackError
from greenlang.ledger import Status

calls = []


@gl.agent(name="own.double", version="1.0.0", effects={"pure"})
def double(value: Decimal) -> Decimal:
    return 2 * value


@gl.agent(name="own.order", version="1.0.0", effects={"io"})
def order(value: Decimal) -> Decimal:
    calls.append(value)
    return value


@pytest.fixture
def bundle(tmp_path):
    """Runs a program and gives the path of its bundle, and the registry that knows its agents."""

    def make(program):
        registry = Registry([double, order])
        path = tmp_path / "result.json"
        save_result(execute(gl.compile(program, registry=registry), Decimal(2), registry=registry), path)
        return path, registry

    return make


def test_a_plan_that_only_computes_is_computed_again(bundle):
    path, registry = bundle("own.double >> own.double")
    assert verify_bundle(path, registry=registry).recomputed.status is Status.OK


def test_what_has_effects_is_not_done_again_because_a_bundle_names_it(bundle):
    path, registry = bundle("own.double >> own.order")
    assert calls == [Decimal(4)]
    verified = verify_bundle(path, registry=registry)
    assert calls == [Decimal(4)]
    assert (verified.integrity.status, verified.recomputed.status) == (Status.OK, Status.NOT_POSSIBLE)
    assert "own.order has effects (io)" in verified.recomputed.sentence


def test_a_pack_that_is_not_trusted_here_is_not_run_for_a_bundle(bundle, monkeypatch):
    path, registry = bundle("own.double")

    def refuse(agents, tenant):
        raise PackError(f"{next(iter(agents)).name} is not for {tenant}")

    monkeypatch.setattr(registry, "admit", refuse)
    verified = verify_bundle(path, registry=registry)
    assert verified.recomputed.status is Status.NOT_POSSIBLE
    assert "own.double is not for default" in verified.recomputed.sentence
