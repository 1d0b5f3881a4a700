"""Packs are asked about before they are imported, and again for each tenant that wants to use them."""

import asyncio
import sys

import pytest

import greenlang as gl
from greenlang.agents import EVERYBODY, Discovery, Plugin, parse_manifest
from greenlang.engine import aexecute, execute
from greenlang.errors import GcelError, PackError

MANIFEST = """
schema: 1
name: admitted-pack
version: 1.0.0
summary: Made for a test.
licence: Apache-2.0
requires:
  greenlang: ">=0.1,<0.2"
agents:
  - {name: admitted.double, version: 1.0.0, entrypoint: "admitted_pack:double", summary: A test's.}
"""

CODE = """
import greenlang as gl

@gl.agent(name="admitted.double", version="1.0.0")
def double(value: int) -> int:
    return value * 2
"""


@pytest.fixture
def registry_that(tmp_path, monkeypatch):
    """Makes a registry of one pack that refuses some tenants; `asked` tells who was asked about."""
    package = tmp_path / "admitted_pack"
    package.mkdir()
    (package / "__init__.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    manifest = parse_manifest(MANIFEST)
    plugin = Plugin("admitted-pack", "1.0.0", "admitted_pack", package, ("admitted_pack",), manifest)

    def make(*, refuses, asked):
        def admit(plugin, tenant):
            asked.append(tenant)
            if tenant in refuses:
                raise PackError(f"{plugin.distribution} is not signed for {tenant}")

        return gl.Registry(discovery=Discovery((plugin,), ()), admit=admit)

    yield make
    sys.modules.pop("admitted_pack", None)


def test_a_pack_that_nobody_may_have_is_not_imported(registry_that):
    registry = registry_that(refuses={EVERYBODY}, asked=[])
    with pytest.raises(GcelError, match=r"must not be loaded: admitted-pack is not signed for default"):
        gl.compile("admitted.double", registry=registry)
    assert "admitted_pack" not in sys.modules


def test_each_way_to_run_a_plan_asks_for_its_tenant(registry_that):
    registry = registry_that(refuses={"brewery"}, asked=[])
    runtime = gl.Runtime(registry=registry)
    plan = runtime.compile("admitted.double")
    for run in (
        lambda tenant: runtime.run(plan, 21, tenant=tenant),
        lambda tenant: asyncio.run(runtime.arun(plan, 21, tenant=tenant)),
        lambda tenant: gl.Runtime(registry=registry, tenant=tenant).run(plan, 21),
        lambda tenant: execute(plan, 21, registry=registry, tenant=tenant).value,
        lambda tenant: asyncio.run(aexecute(plan, 21, registry=registry, tenant=tenant)).value,
    ):
        assert run("default") == run("mill") == 42
        with pytest.raises(PackError, match="is not signed for brewery"):
            run("brewery")


def test_it_is_asked_once_for_a_tenant_that_may(registry_that):
    asked = []
    runtime = gl.Runtime(registry=registry_that(refuses=(), asked=asked))
    plan = runtime.compile("admitted.double >> admitted.double")
    for _ in range(3):
        runtime.run(plan, 1, tenant="mill")
        runtime.run(plan, 1)
    assert asked == [EVERYBODY, "mill"]
