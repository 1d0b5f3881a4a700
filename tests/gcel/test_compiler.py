"""What the compiler refuses, and how it says so."""

from decimal import Decimal

import pytest

import greenlang as gl
from greenlang.agents import agent
from greenlang.errors import GcelError

from .conftest import double, shout


@pytest.fixture
def told(registry, tmp_path):
    def compile_and_tell(program, file=None):
        with pytest.raises(GcelError) as caught:
            gl.compile(program, registry=registry, file=file)
        return [(d.line, d.column, d.length, d.message, d.fix) for d in caught.value.diagnostics]

    return compile_and_tell


def test_an_unknown_agent_is_told_with_the_nearest_names(told):
    assert told("acme.doubel") == [(1, 1, 11, "there is no agent 'acme.doubel'", "did you mean acme.double?")]


def test_a_mistyped_binding_or_word_is_told_with_what_is_near(told):
    ((*_, fix),) = told("emissions = acme.double\nmain = acme.double >> emision\n")
    assert fix == "did you mean emissions?"
    assert told("acme.numbers & summ")[0][4] == "did you mean sum?"


def test_an_unknown_version_is_told_with_those_there_are(told):
    assert told("acme.double@2.0") == [
        (1, 1, 15, "agent 'acme.double' has no version 2.0", "there is 1.0.0, 1.2.0")
    ]


@pytest.mark.parametrize(
    ("program", "column", "message", "fix"),
    [
        ("acme.add(amont=1)", 10, "'acme.add' has no option 'amont'", "did you mean amount?"),
        ("acme.add(zzz=1)", 10, "'acme.add' has no option 'zzz'", "its options are amount: Decimal"),
        ("acme.double(x=1)", 13, "'acme.double' has no option 'x'", "it has none"),
        ("acme.add(1)", 10, "agent 'acme.add' takes its options by name", "name it: its options are amount"),
        ("when(acme.double, 1, 2)", 1, "'when' is how Python writes a conditional", "write test ? yes : no"),
        ("None >> acme.double", 1, "there is no agent 'None'", "did you mean null?"),
        ("acme.above", 1, "'acme.above' needs its option 'limit'", "write acme.above(limit=1.5)"),
        (
            'acme.add(amount="x")',
            17,
            "option 'amount' of 'acme.add' takes Decimal, and \"x\" is given",
            "write 1.5",
        ),
        (
            "acme.add(amount=true)",
            17,
            "option 'amount' of 'acme.add' takes Decimal, and true is given",
            "write 1.5",
        ),
        (
            "acme.add(amount=acme.double)",
            10,
            "option 'amount' of 'acme.add' takes a value, and a step is given",
            "",
        ),
        (
            "acme.text(style=lod)",
            17,
            "option 'style' of 'acme.text': 'lod' is none of its words",
            "did you mean loud?",
        ),
        ('acme.text(style="lod")', 17, "", 'did you mean "loud"?'),
        (
            "acme.text(tags=x)",
            16,
            "option 'tags' of 'acme.text': 'x' is a word without quotes",
            'write ["text"]',
        ),
        (
            "acme.text(tags=[1])",
            16,
            "option 'tags' of 'acme.text' takes list[str], and [1] is given (at $[0])",
            "",
        ),
        ("acme.numbers & mean", 16, "'mean' needs its option 'places'", "write mean(places=1)"),
        ("acme.numbers & sum(1)", 20, "'sum' takes no arguments", "remove it"),
        (
            "acme.numbers & sum@1",
            16,
            "'sum' is a part of the language and has no versions",
            "leave out the @",
        ),
        (
            "acme.double | retry(3)",
            15,
            "'retry' covers nothing here: a modifier follows a step with >>",
            "step >> retry",
        ),
        ("branch()", 1, "'branch' has no branch", "write branch(name=step)"),
        ("branch(acme.double)", 8, "a branch of 'branch' has no name", "write name=step"),
        ("route(a=acme.double)", 1, "'route' needs a key before its routes", ""),
        ("route(5, a=acme.double)", 7, "the key of 'route' is neither a field nor a step", ""),
        ("map(acme.double, acme.add)", 1, "'map' takes one step", "write map(step)"),
    ],
)
def test_a_wrong_call_is_told_with_what_would_mend_it(told, program, column, message, fix):
    ((line, at, _, said, mend),) = told(program)
    assert (line, at) == (1, column)
    assert said.startswith(message)
    assert fix in mend


@pytest.mark.parametrize(
    ("program", "column", "message"),
    [
        ("acme.text >> acme.double", 14, "'acme.double' takes Decimal, and 'acme.text' (line 1) gives str"),
        (
            "acme.double & acme.add",
            13,
            "'&' takes a list or a table, and 'acme.double' (line 1) gives Decimal",
        ),
        (
            "acme.numbers * acme.shout",
            16,
            "'acme.shout' takes str, and an item of 'acme.numbers' (line 1) gives Decimal",
        ),
        (
            "acme.double * acme.add",
            13,
            "'*' takes a list or a table, and 'acme.double' (line 1) gives Decimal",
        ),
        (
            "acme.numbers / acme.double",
            14,
            "'/' takes a test that gives bool, and 'acme.double' (line 1) gives Decimal",
        ),
        (
            "acme.double ? acme.add : acme.add",
            13,
            "'?' takes a test that gives bool, and 'acme.double' (line 1) gives Decimal",
        ),
        (
            "(acme.double | acme.text) >> acme.shout",
            30,
            "'acme.shout' takes str, and '|' (line 1) gives list[Decimal | str]",
        ),
        ("acme.double & sum", 15, "'sum' takes a list or a table; 'acme.double' (line 1) gives Decimal"),
        ("5 >> acme.shout", 6, "'acme.shout' takes str, and the literal (line 1) gives int"),
        (
            "acme.numbers & first >> acme.shout",
            25,
            "'acme.shout' takes str, and 'first' (line 1) gives Decimal",
        ),
        (
            "route(acme.double, a=acme.double)",
            1,
            "'route' takes a key that is a string, and 'acme.double' (line 1) gives",
        ),
    ],
)
def test_an_edge_that_cannot_fit_names_both_types(told, program, column, message):
    ((_, at, _, said, _),) = told(program)
    assert (at, said[: len(message)]) == (column, message)


@pytest.mark.parametrize(
    "program",
    [
        "acme.any >> acme.shout >> acme.any >> acme.double",
        "5 >> acme.double",
        "(acme.double | acme.text) & first >> acme.shout",
        "acme.numbers >> map(acme.above(limit=1) ? acme.text : acme.double) >> first >> acme.shout",
        "acme.any * acme.double / acme.above(limit=1) & sum",
    ],
)
def test_what_may_fit_is_left_to_the_run(registry, program):
    gl.compile(program, registry=registry)


def test_python_programs_are_told_with_file_and_line_of_both_ends(registry):
    graph = (
        double
        >> shout
    )  # fmt: skip
    with pytest.raises(GcelError) as caught:
        gl.compile(graph, registry=registry)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.file == __file__
    assert diagnostic.message == (
        f"'acme.shout' takes str, and 'acme.double' (line {diagnostic.line - 1}) gives Decimal"
    )
    assert diagnostic.source_line[diagnostic.column - 1 :] == "shout"


def test_all_errors_come_at_once_whatever_their_kind(told):
    program = (
        "a = acme.nothing\n"
        "b = acme.add(amount=)\n"
        "c = acme.text >> acme.double\n"
        "unused = acme.add(amont=2)\n"
        "main = a | c | retry(3)\n"
    )
    assert [line for line, *_ in told(program)] == [1, 2, 3, 4, 5]


def test_an_error_in_a_binding_is_told_once_however_often_it_is_used(told):
    assert len(told("a = acme.nothing\na | a | a")) == 1


def test_a_program_of_100_000_wrong_steps_is_told_in_a_bounded_message(registry):
    with pytest.raises(GcelError) as caught:
        gl.compile(" >> ".join(["n.o"] * 100_000), registry=registry)
    assert len(caught.value.diagnostics) == 100_000
    assert len(str(caught.value)) < 20_000


def test_something_that_is_no_program_is_refused(registry):
    with pytest.raises(GcelError, match="a program is text or composed agents, and a int is given"):
        gl.compile(5, registry=registry)


@agent(name="acme.lookup", version="1.0.0")
def lookup(x: str, *, table: gl.Resource, spare: gl.Resource | None = None) -> str:
    return dict(line.split(",") for line in table.text.splitlines())[x]


def test_a_resource_is_read_beside_the_program_when_it_is_compiled(tmp_path):
    registry = gl.Registry([lookup])
    (tmp_path / "table.csv").write_text("a,1\nb,2\n")
    program = 'acme.lookup(table="table.csv")'
    plan = gl.compile(program, registry=registry, file=tmp_path / "program.gcel")
    (tmp_path / "table.csv").write_text("a,9\n")
    assert plan.run("b") == "2"
    assert gl.compile(program, registry=registry, file=tmp_path / "program.gcel").hash != plan.hash
    assert gl.compile(program, registry=registry, file=str(tmp_path / "program.gcel")).run("a") == "9"


def test_a_resource_that_cannot_be_read_is_told_in_its_place(tmp_path):
    registry = gl.Registry([lookup])
    program = 'acme.lookup(\n  table="nothing.csv")'
    with pytest.raises(GcelError, match=r"program.gcel:2:9: there is no file 'nothing.csv'"):
        gl.compile(program, registry=registry, file=tmp_path / "program.gcel")
    with pytest.raises(GcelError, match="give compile\\(\\) the path of the program's file"):
        gl.compile(program, registry=registry)


def test_warnings_travel_with_the_plan(registry):
    plan = gl.compile("x = acme.double\nacme.add", registry=registry)
    assert [warning.message for warning in plan.warnings] == ["'x' is never used"]
    assert "warning: <text>:1:1: 'x' is never used" in plan.explain()


def test_types_of_a_plan_are_those_of_its_ends(registry):
    plan = gl.compile("acme.numbers * acme.double & sum >> acme.text", registry=registry)
    assert (plan.input_type, plan.output_type) == (int, str)
    plan = gl.compile("acme.double | acme.add", registry=registry)
    assert (plan.input_type, plan.output_type) == (Decimal, list[Decimal])
