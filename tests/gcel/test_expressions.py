"""Python's operators build what text builds."""

import sys
from decimal import Decimal

import numpy
import pytest

import greenlang as gl
import greenlang.gcel.combinators
from greenlang.agents.places import place_of
from greenlang.errors import GcelError
from greenlang.gcel import parse

from .conftest import above, add, double, numbers, text

CASES = [
    (double >> (double | double) & gl.sum, "acme.double >> (acme.double | acme.double) & sum"),
    (double >> double >> add, "acme.double >> acme.double >> acme.add"),
    (double >> (double >> add), "acme.double >> (acme.double >> acme.add)"),
    (double | add | double, "acme.double | acme.add | acme.double"),
    (double | (add | double), "acme.double | (acme.add | acme.double)"),
    ((double | add) | double, "acme.double | acme.add | acme.double"),
    (
        numbers * double / above(limit=3) & gl.mean(2),
        "acme.numbers * acme.double / acme.above(limit=3) & mean(2)",
    ),
    (
        numbers >> gl.map(double) >> gl.filter(above(limit=1)) >> gl.reduce(gl.sum),
        "acme.numbers >> map(acme.double) >> filter(acme.above(limit=1)) >> reduce(sum)",
    ),
    (
        gl.when(above(limit=2), double, add(amount=Decimal("0.50"))),
        "acme.above(limit=2) ? acme.double : acme.add(amount=0.50)",
    ),
    (
        double.at("1.0") >> text(style="loud", tags=["a", "b"]),
        'acme.double@1.0 >> acme.text(style="loud", tags=["a", "b"])',
    ),
    (
        gl.branch({"natural gas": double}, oil=add) >> gl.merge,
        'branch("natural gas"=acme.double, oil=acme.add) >> merge',
    ),
    (
        gl.route("kind", {"a b": double}, default=gl.identity),
        'route("kind", "a b"=acme.double, default=identity)',
    ),
    (gl.route(text >> gl.identity, a=double), "route(acme.text >> identity, a=acme.double)"),
    (gl.group(double >> add), "group(acme.double >> acme.add)"),
    (double >> 5, "acme.double >> 5"),
    (5 >> double, "5 >> acme.double"),
    ([1, 2] * double, "[1, 2] * acme.double"),
    ("x" | double, '"x" | acme.double'),
    (Decimal("1.50") & gl.sum, "1.50 & sum"),
    (
        None >> gl.sort("a") >> gl.group_by("b") >> gl.get("c"),
        'null >> sort("a") >> group_by("b") >> get("c")',
    ),
    (gl.first | gl.last | gl.min | gl.max | gl.count, "first | last | min | max | count"),
]


@pytest.mark.parametrize(("graph", "text"), CASES, ids=[case[1] for case in CASES])
def test_both_faces_build_the_same_graph(graph, text):
    assert str(graph) == text
    assert graph == parse(text)
    assert hash(graph) == hash(parse(text))
    assert isinstance(graph, gl.Graph)


@pytest.mark.parametrize("case", [0, 6, 7, 9, 10], ids=str)
def test_both_faces_compile_to_the_same_plan(case, registry):
    graph, text = CASES[case]
    assert gl.compile(graph, registry=registry).hash == gl.compile(text, registry=registry).hash


def test_every_word_of_the_language_is_at_the_front_door():
    assert set(gl.gcel.combinators.__all__) - {"BuiltinExpression"} <= set(gl.__all__)


def refusal(make):
    with pytest.raises(GcelError) as caught:
        make()
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def test_floats_are_refused_with_the_decimal_to_write():
    assert refusal(lambda: add(amount=0.1)).fix == "write Decimal('0.1')"
    assert refusal(lambda: double >> 0.5).message == "0.5 is a binary float, and those are not exact"


def test_a_plain_function_is_refused_where_it_stands():
    line = sys._getframe().f_lineno + 1
    diagnostic = refusal(lambda: double >> add >> len)
    assert diagnostic.file == __file__
    assert diagnostic.line == line
    assert diagnostic.source_line[diagnostic.column - 1 :][: diagnostic.length] == "len"
    assert "make a function an agent" in diagnostic.fix


def test_operands_are_placed_across_lines():
    graph = (
        double
        >> add(amount=1)
        >> (numbers | text)
    )  # fmt: skip
    last = place_of(graph.node.right.right.origin)
    assert last.source_line[last.column - 1 :][: last.length] == "text"
    middle = place_of(graph.node.left.right.origin)
    assert (middle.line, middle.source_line.strip()) == (last.line - 1, ">> add(amount=1)")
    first = place_of(graph.node.left.left.origin)
    assert (first.line, first.source_line.strip(), first.length) == (last.line - 2, "double", len("double"))


def test_only_an_agent_is_pinned_and_only_once():
    assert "cannot be pinned" in refusal(lambda: (double >> add).at("1")).message
    assert "cannot be pinned" in refusal(lambda: double.at("1").at("2")).message


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: double.at(1), "'acme.double' cannot be pinned to 1; pin an agent, once, to a text"),
        (lambda: gl.compile(double.at("3")), "agent 'acme.double' has no version 3; there is 1.2.0"),
        (lambda: gl.branch({1: double}), "the branches of 'branch' are given by name, and these are not"),
        (lambda: gl.branch([double]), "the branches of 'branch' are given by name, and these are not"),
        (lambda: gl.route("kind", {None: double}), "the branches of 'route' are given by name"),
        (lambda: numpy.array([1, 2]) * double, r"array\(\[1, 2\]\) is neither a step nor a literal of GCEL"),
        (lambda: gl.parse(b"sum"), "a program is text, and a bytes is given; decode it first"),
    ],
)
def test_what_python_lets_through_is_refused_in_the_words_of_the_language(made, told):
    with pytest.raises(GcelError, match=told):
        made()


def test_limits_hold_for_operators_too():
    def nest():
        graph = double | add
        for _ in range(300):
            graph = double | graph

    def share():
        graph = double >> add
        for _ in range(60):
            graph = graph | graph

    assert "nests deeper than 200" in refusal(nest).message
    assert "more than 100,000 steps" in refusal(share).message


def test_a_chain_of_ten_thousand_operators_is_one_level_deep():
    graph = double >> double
    for _ in range(9_998):
        graph = graph >> double
    assert str(graph) == " >> ".join(["acme.double"] * 10_000)


def test_calling_an_agent_with_a_value_still_calls_the_function():
    assert double(Decimal(2)) == 4
