from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang.agents.syntax import COMBINATORS, Binary, Literal, canonical_literal, literal
from greenlang.errors import GcelError
from greenlang.gcel import parse


def diagnostics(text):
    with pytest.raises(GcelError) as caught:
        parse(text, file="program.gcel")
    return caught.value.diagnostics


def told(text):
    (diagnostic,) = diagnostics(text)
    return diagnostic.line, diagnostic.column, diagnostic.length, diagnostic.message


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a", "a"),
        ("a>>b|c&d*e/f", "a >> b | c & d * e / f"),
        ("(a >> b) >> c", "a >> b >> c"),
        ("(a | b) | c", "a | b | c"),
        ("a | (b | c)", "a | (b | c)"),
        ("a >> (b >> c)", "a >> (b >> c)"),
        ("(a | b) >> c", "(a | b) >> c"),
        ("xs & (sum >> f)", "xs & sum >> f"),
        ("(xs & sum) >> f", "(xs & sum) >> f"),
        ("p ? a : q ? b : c", "p ? a : q ? b : c"),
        ("(p ? a : b) ? c : d", "(p ? a : b) ? c : d"),
        ("p ? (q ? a : b) : c", "p ? q ? a : b : c"),
        ("p ? a | b : c", "p ? a | b : c"),
        ("ghg . stationary @ 1.2 ( b = 1, a = 'x' )", 'ghg.stationary@1.2(a="x", b=1)'),
        ("branch(b=x, a=y, 'natural gas'=z)", 'branch(b=x, a=y, "natural gas"=z)'),
        ('a >> 5 >> -2.50 >> [1, [true, null], "q\\""]', 'a >> 5 >> -2.50 >> [1, [true, null], "q\\""]'),
        ("a >> continue", "a >> identity"),
        ("a(x=1e3)", "a(x=1e3)"),
        ("f(mode=fast)", 'f(mode="fast")'),
        ("\ufeffa # comment\n", "a"),
    ],
)
def test_canonical_text_means_the_same(text, canonical):
    assert str(parse(text)) == canonical
    assert parse(canonical) == parse(text)


def test_a_binding_stands_for_its_definition_wherever_it_is_used():
    graph = parse("e = (a | b) >> merge\nmain = e >> f | e\n")
    assert str(graph) == "(a | b) >> merge >> f | (a | b) >> merge"


def test_main_is_the_graph_wherever_it_stands_and_the_last_expression_otherwise():
    assert str(parse("main = a\nb = main >> c")) == "a"
    assert str(parse("x = a\nx >> b")) == "a >> b"
    assert str(parse("x = a\ny = x >> b")) == "a >> b"


def test_a_line_goes_on_inside_brackets_and_after_operators():
    text = "a >>  # first\n\n  b |\n  (c\n   >> d\n   | e(x=1,\n       y=2))"
    assert str(parse(text)) == "a >> b | (c >> d | e(x=1, y=2))"


def test_windows_line_ends_are_line_ends():
    assert str(parse("x = a\r\nx >> b\r\n")) == "a >> b"


def test_bindings_are_literals_for_options_too():
    assert str(parse("factor = 2.5\na(x=factor)")) == "a(x=2.5)"


def test_what_is_not_used_gets_a_warning():
    graph = parse("x = a\nb\nc")
    assert [(warning.line, warning.message) for warning in graph.warnings] == [
        (2, "this expression is not used: the graph is the last one, or the binding named main"),
        (1, "'x' is never used"),
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", (1, 1, 1, "the program has no steps")),
        ("# nothing\n", (2, 1, 1, "the program has no steps")),
        ("a b", (1, 3, 1, "expected an operator or the end of the line, found 'b'")),
        ("a >>", (1, 5, 1, "expected a step, found the end of the program")),
        ("a >> )", (1, 6, 1, "')' closes nothing")),
        ("(a", (1, 1, 1, "'(' is never closed")),
        ("a\n>> b", (2, 1, 2, "a line starts with '>>'")),
        ("a ? b", (1, 6, 1, "expected ':' and the other side of '?', found the end of the program")),
        ('a("x', (1, 3, 2, "a string does not end on its line")),
        ('a >> "\\q"', (1, 6, 4, "\\q is no escape")),
        ('a >> "\\ud800"', (1, 6, 8, "\\ud800 is no escape")),
        ("a > b", (1, 3, 1, "'>' means nothing in GCEL")),
        ("a >> .5", (1, 6, 1, "'.' means nothing in GCEL")),
        ("a(x=007)", (1, 5, 3, "'007' starts with a zero")),
        ("a(x=1_000)", (1, 5, 5, "'1_000' is not a number")),
        ("a >> - b", (1, 8, 1, "expected a number after '-', found 'b'")),
        ("[a] >> b", (1, 2, 1, "expected a literal (a list holds nothing else), found 'a'")),
        (
            "1 | 2 | a",
            (1, 3, 1, "'|' stands between two literals, and GCEL composes steps but computes nothing"),
        ),
        ("a >> x\nx = b", (1, 6, 1, "'x' is used before its definition on line 2")),
        ("x = a\nx = b", (2, 1, 1, "'x' is already bound on line 1")),
        ("sum = a", (1, 1, 3, "'sum' is a word of GCEL and cannot be bound")),
        ("x.y = a", (1, 1, 3, "'x.y' has a point, as names of agents do")),
        ("x = a\nx(y=1)", (2, 2, 1, "'x' is a binding, and only agents have versions and options")),
        ("a(x=1, x=2)", (1, 8, 1, "'x' is given twice")),
        ("a(x=1, 2)", (1, 8, 1, "an argument without a name stands after one with a name")),
        ("a == b", (1, 4, 1, "'=' stands where a binding cannot start")),
        (f"a(x={'9' * 39})", (1, 5, 39, "a number of more than 38 digits")),
        (f"a(x={'9' * 5000})", (1, 5, 5000, "a number of more than 38 digits")),
        ("a >> 1e400", (1, 6, 5, "a number of more than 38 digits")),
        (f"a >> -1e{'9' * 19}", (1, 7, 21, "a number of more than 38 digits")),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text, place):
    assert told(text) == place


def test_all_errors_of_a_program_are_told_at_once():
    text = 'x = f(a\ny = g)\nz = "abc\nw = 1 | 2\nq = w >> b\nok = a'
    assert [diagnostic.line for diagnostic in diagnostics(text)] == [1, 2, 3, 4]


def test_the_error_shows_line_and_caret_and_says_what_would_mend_it():
    with pytest.raises(GcelError) as caught:
        parse("x = a >> b(\nmain = x", file="program.gcel")
    assert str(caught.value) == (
        "program.gcel:1:11: '(' is never closed; close it with ')'\n    x = a >> b(\n              ^"
    )


def test_nesting_stops_at_200():
    assert str(parse("(" * 200 + "a" + ")" * 200)) == "a"
    assert "nests deeper than 200" in told("(" * 201 + "a" + ")" * 201)[3]
    assert "nests deeper than 200" in told("[" * 100_000)[3]
    assert "nests deeper than 200" in told("a ? " * 100_000 + "b")[3]
    assert (
        "nests deeper than 200"
        in told("x0 = a\n" + "".join(f"x{n} = f >> x{n - 1}\n" for n in range(1, 300)))[3]
    )


def test_steps_are_counted_after_expansion_and_before_memory_is_spent():
    doubling = "x0 = a\n" + "".join(f"x{n} = x{n - 1} | x{n - 1}\n" for n in range(1, 60))
    told_of = diagnostics(doubling)
    assert "more than 100,000 steps" in told_of[0].message
    assert told_of[0].line == 18


def test_a_text_over_1_mib_is_refused():
    assert "larger than 1 MiB" in told("a" + " " * 1024 * 1024)[3]
    assert "larger than 1 MiB" in told("#" + "ü" * 600_000)[3]


def test_long_chains_are_read_in_one_go():
    text = " >> ".join(["a.b"] * 100_000)
    assert str(parse(text)) == text


literals = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**38) + 1, 10**38 - 1)
    | st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20), max_value=10**20)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


def same(left, right):
    """Equal to the last trailing zero and to the type."""
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Decimal):
        return isinstance(right, Decimal) and left.as_tuple() == right.as_tuple()
    return type(left) is type(right) and left == right


@given(literals)
def test_a_literal_is_read_back_to_the_last_zero(value):
    node = parse(f"a >> {text_of(value)}").node
    assert isinstance(node, Binary)
    assert isinstance(node.right, Literal)
    assert same(value, node.right.value)


#: What programs are made of, and what they are not.
PIECES = (
    *("a", "b.c", "x", "x = ", "main =", "sum", "map", "branch", "true", "@1.2", "1", "2.5", '"s"'),
    *(">>", "|", "&", "*", "/", "?", ":", "(", ")", "[", "]", ",", "=", "-"),
    *('"', "'", "#", "\n", " ", "\\", "é", "."),
)


@settings(max_examples=400)
@given(
    st.lists(
        st.sampled_from(PIECES),
        max_size=40,
    ).map("".join)
    | st.text(max_size=60)
)
def test_any_text_is_a_graph_or_a_gcel_error(text):
    try:
        graph = parse(text)
    except GcelError as error:
        diagnostics = error.diagnostics
    else:
        assert parse(str(graph)) == graph
        return
    assert diagnostics
    assert all(told.line >= 1 and told.column >= 1 and told.message for told in diagnostics)


def configured_texts():
    options = st.dictionaries(st.sampled_from(["p", "q"]), literals, max_size=2)
    return options.map(
        lambda given: "a@1.2(" + ", ".join(f"{name}={text_of(value)}" for name, value in given.items()) + ")"
    )


def text_of(value):
    return canonical_literal(literal(value).value)


def combinator_texts(steps):
    return st.one_of(
        st.tuples(st.sampled_from(sorted(COMBINATORS - {"branch", "route", "catch"})), steps).map(
            lambda pair: f"{pair[0]}({pair[1]})"
        ),
        steps.map(lambda step: f'branch(x={step}, "y z"={step})'),
        steps.map(lambda step: f'route("kind", x={step}, default={step})'),
    )


programs = st.recursive(
    st.sampled_from(["a", "b.c", "sum", "identity"]) | configured_texts(),
    lambda steps: (
        st.tuples(steps, st.sampled_from([">>", "|", "&", "*", "/"]), steps).map(" ".join)
        | steps.map(lambda step: f"({step})")
        | st.tuples(steps, steps, steps).map(lambda sides: f"({sides[0]} ? {sides[1]} : {sides[2]})")
        | combinator_texts(steps)
    ),
    max_leaves=25,
)


@settings(max_examples=300)
@given(programs)
def test_canonical_text_of_any_graph_parses_back_to_it(text):
    graph = parse(text)
    assert parse(str(graph)) == graph
    assert str(parse(str(graph))) == str(graph)
