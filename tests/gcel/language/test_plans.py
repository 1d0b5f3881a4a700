"""The plan (docs/gcel.md, 9)."""

import linecache
import textwrap
from decimal import Decimal

import pytest

import greenlang as gl
from greenlang.agents import agent
from greenlang.engine import FileLedger, execute, save_result, verify_bundle
from greenlang.errors import GcelError
from greenlang.ledger import Status

from ..conftest import double

D = Decimal


@pytest.mark.rule("9.1", "9.2")
def test_the_plan(registry):
    """Flat, immutable, JSON-portable, with a SHA-256 hash over its canonical form."""
    plan = gl.compile("acme.numbers * acme.double & sum", registry=registry)
    assert plan.hash.startswith("sha256:")
    assert len(plan.hash) == 71
    assert gl.Plan.from_json(plan.to_json(), registry=registry) == plan
    with pytest.raises(AttributeError):
        plan.programs = ()


@pytest.mark.rule("9.4")
def test_not_portable():
    """A function with no source or with a closure makes the plan `not portable`."""
    bound = 1

    @agent(name="test.closed", version="1.0.0")
    def closed(x):
        return bound

    assert not gl.compile(closed).portable
    assert gl.compile(double).portable


@pytest.mark.rule("9.8")
def test_pictures(registry):
    """`greenlang plan` shows the plan before and after, as text, JSON, Mermaid or Graphviz."""
    plan = gl.compile("x = acme.double\nmain = x | x", registry=registry)
    assert "as it runs" in plan.explain()
    assert '"planned"' in plan.explain("json")
    for form in ["mermaid", "graphviz"]:
        assert plan.explain(form) != plan.explain(form, planned=True)


@pytest.mark.rule("9.3")
def test_the_identity_of_a_loose_function_is_its_source_text():
    """Dedented, with LF line ends: the same wherever the function stands, another for each change."""
    source = "@gl.agent(name='test.same', version='1.0.0')\ndef same(x):\n    return x\n"

    def identity(text):
        name = f"<{hash(text)}>"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        namespace = {"gl": gl, "__name__": "test_same"}
        exec(compile(text, name, "exec"), namespace)  # noqa: S102  what it is for
        return gl.compile(namespace["same"]).codes[0]

    indented = "if True:\n" + textwrap.indent(source, "  ")
    assert identity(source) == identity(indented) == identity(source.replace("\n", "\r\n"))
    assert identity(source) != identity(source.replace("return x", "return  x"))


@pytest.mark.rule("9.4")
def test_a_plan_says_that_it_is_not_portable():
    """And which agent makes it so."""
    bound = 1

    @agent(name="test.closed", version="1.0.0")
    def closed(x):
        return bound

    plan = gl.compile(closed >> double)
    assert "not portable: the code of test.closed cannot be told" in plan.explain()
    assert ("plan_hash", f"{plan.hash} (not portable)") in execute(plan, D(1)).proof()


@pytest.mark.rule("9.4")
def test_a_plan_that_is_not_portable_is_neither_resumed_nor_computed_again(tmp_path):
    """`resume` and `verify` refuse it."""
    bound = D(1)

    @agent(name="test.closed", version="1.0.0")
    def closed(x: Decimal) -> Decimal:
        return x + bound

    plan = gl.compile(closed)
    with FileLedger(tmp_path / "kept.steps") as ledger, pytest.raises(GcelError, match="cannot be resumed"):
        plan.run(D(1), ledger=ledger)
    save_result(execute(plan, D(1)), tmp_path / "result.glb")
    told = verify_bundle(tmp_path / "result.glb", registry=gl.Registry([closed]))
    assert told.recomputed.status is Status.NOT_POSSIBLE
    assert "the code of test.closed cannot be told" in told.recomputed.sentence


@pytest.mark.rule("9.4")
def test_a_function_of_no_module_runs_and_is_not_portable():
    """A function with no source, here made where no module is."""
    namespace = {}
    exec("def nowhere(x):\n    return x", namespace)  # noqa: S102  what it is for
    assert namespace["nowhere"].__module__ is None
    plan = gl.compile(agent(name="test.nowhere", version="1.0.0")(namespace["nowhere"]))
    assert plan.run(1) == 1
    assert not plan.portable
