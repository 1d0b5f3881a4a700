"""What the compiler refuses (docs/gcel.md, 8)."""

import contextlib
import tracemalloc
from pathlib import Path

import pytest

import greenlang as gl
from greenlang.agents.syntax import MAXIMUM_NESTING, MAXIMUM_STEPS
from greenlang.errors import GcelError

from ..conftest import double, shout


@pytest.mark.rule("8.1", "8.2")
def test_refusals_come_with_place_caret_rule_and_mend_all_in_one_go(registry):
    """Each refusal names the place, the rule, and what would mend it; all the errors come in one go."""
    with pytest.raises(GcelError) as caught:
        gl.compile(
            "acme.doubel\n  >> x = 1\nacme.add(amout=1) >> acme.shout", registry=registry, file="p.gcel"
        )
    said = str(caught.value)
    assert "p.gcel:3:10: 'acme.add' has no option 'amout'; did you mean amount?" in said
    assert "    acme.add(amout=1) >> acme.shout\n             ^^^^^" in said
    assert len(caught.value.diagnostics) >= 2


@pytest.mark.rule("8.3", "8.4", "8.5")
@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("acme.doubel", "there is no agent 'acme.doubel'"),
        ("acme.double@9", "has no version 9"),
        ("acme.add(amout=1)", "has no option 'amout'"),
        ('branch(a=identity) >> get("b")', "has no field 'b'"),
        ("acme.text >> acme.double", "'acme.double' takes Decimal, and 'acme.text' (line 1) gives str"),
    ],
)
def test_unknown_names_and_edges_that_do_not_fit(refusals, program, message):
    """An unknown agent, version, option, field; an edge whose types do not fit: both are named."""
    assert message in refusals(program)[0]


@pytest.mark.rule("8.12")
def test_limits(refusals):
    """A program over the limits: 1 MiB of text, 100,000 steps (before memory is spent), nesting of 200."""
    assert (MAXIMUM_STEPS, MAXIMUM_NESTING) == (100_000, 200)
    assert "larger than 1 MiB" in refusals(" " * 2**20 + "a")[0]
    doubling = "\n".join(f"x{i} = {f'x{i - 1} | x{i - 1}' if i else 'acme.double'}" for i in range(40))
    assert "more than 100,000 steps" in refusals(doubling)[0]
    assert "nests deeper than 200 levels" in refusals("group(" * 201 + "identity" + ")" * 201)[0]


@pytest.mark.rule("8.12")
@pytest.mark.parametrize(
    "program",
    [
        "\n".join(f"x{i} = {f'x{i - 1} | x{i - 1}' if i else 'acme.double'}" for i in range(60)),
        "\n".join(f"x{i} = {f'x{i - 1} >> x{i - 1}' if i else 'acme.double'}" for i in range(60)),
        "\n".join(f"x{i} = {f'branch(a=x{i - 1}, b=x{i - 1})' if i else 'acme.double'}" for i in range(60)),
        "x = acme.double" + " | acme.double" * 1_000 + "\n" + "main = " + " | ".join(["x"] * 1_000),
        "[" * 100_000,
        "(" * 100_000,
        "1e" + "9" * 1_000,
        "9" * 100_000,
        "x = "
        + " | ".join(["acme.double"] * 900)
        + "\n"
        + "y = "
        + " | ".join(["x"] * 100)
        + "\n"
        + "\n".join(f"u{i} = y >> acme.double" for i in range(1_000))
        + "\nmain = acme.double",
    ],
    ids=range(9),
)
def test_limits_hold_before_memory_is_spent(registry, program):
    """What would be 2**60 steps is refused in the memory of its text."""
    with contextlib.suppress(GcelError):
        gl.compile("acme.double | nothing", registry=registry)  # what is loaded once
    tracemalloc.start()
    try:
        with pytest.raises(GcelError):
            gl.compile(program, registry=registry)
        spent = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A token, a node and a place for every few characters.
    assert spent < 2_000_000 + 400 * len(program)


@pytest.mark.rule("8.12")
def test_a_text_over_the_limit_is_not_even_cut_into_words(registry):
    """1 MiB of text is read, one character more is not."""
    text = "acme.double" + " " * (2**20 - 11)
    gl.compile(text, registry=registry)
    tracemalloc.start()
    try:
        with pytest.raises(GcelError, match="larger than 1 MiB"):
            gl.compile(text + " >> acme.add" * 10_000, registry=registry)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.rule("8.1")
def test_python_is_told_by_file_and_line_of_both_ends(registry):
    """In Python the place is the file and line of both ends."""
    first = double
    graph = first >> shout
    with pytest.raises(GcelError) as caught:
        gl.compile(graph, registry=registry)
    (told,) = caught.value.diagnostics
    line = Path(__file__).read_text("utf-8").splitlines().index("    graph = first >> shout") + 1
    assert (told.file, told.line) == (__file__, line)
    assert told.message == f"'acme.shout' takes str, and 'acme.double' (line {line}) gives Decimal"
    assert told.source_line[told.column - 1 :][: told.length] == "shout"


@pytest.mark.rule("8.4")
def test_an_unknown_route_is_an_error_of_the_run_and_a_route_without_a_name_one_of_the_program(refusals):
    """Routes have names."""
    assert refusals('route("k", acme.double)') == ["a branch of 'route' has no name"]
