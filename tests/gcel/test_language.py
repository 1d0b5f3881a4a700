"""The language, rule by rule: every test quotes the rule that it holds the implementation to."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import greenlang as gl
from greenlang.agents import agent
from greenlang.agents.syntax import MAXIMUM_NESTING, MAXIMUM_STEPS
from greenlang.errors import GcelError, StepError

from .conftest import above, add, anything, double, later, numbers, text

D = Decimal


@pytest.fixture
def run(registry):
    return lambda program, value=None: gl.compile(program, registry=registry).run(value)


@pytest.fixture
def same(registry):
    """Whether programs, in either face, are one plan."""

    def check(*programs):
        assert len({gl.compile(program, registry=registry).hash for program in programs}) == 1

    return check


@pytest.fixture
def refusals(registry):
    def told(program):
        with pytest.raises(GcelError) as caught:
            gl.compile(program, registry=registry)
        return [each.message for each in caught.value.diagnostics]

    return told


# Values and steps


def test_two_faces_one_meaning(same):
    """both build the same `Graph`, print to the same canonical text, and compile to the same `Plan`."""
    graph = numbers * double & gl.sum
    assert str(graph) == str(gl.parse("acme.numbers*acme.double&sum")) == "acme.numbers * acme.double & sum"
    assert graph == gl.parse(str(graph))
    same(graph, str(graph))


def test_names(run, same):
    """A name refers to an agent (pinned: `agent@1.2`, `agent.at("1.2")`), a binding, or a built-in."""
    assert run("x = acme.double\nmain = x >> identity", D(2)) == 4
    same("acme.double@1.0", double.at("1.0"))


def test_configuration_is_part_of_the_hash(same, registry):
    """`agent(x=1)` configures an agent; configuration is part of the plan's hash."""
    same("acme.add(amount=2)", add(amount=2))
    compiled = [gl.compile(f"acme.add(amount={amount})", registry=registry) for amount in (2, 3)]
    assert compiled[0] != compiled[1]


def test_a_literal_is_a_constant_step(run):
    """A literal standing as a step is a constant step: it ignores its input."""
    assert run("acme.double >> 5", D(1)) == 5


def test_operators_between_literals(refusals):
    """Operators between literals alone are refused (GCEL composes; formulas compute)."""
    for operator in [">>", "|", "&", "*", "/"]:
        assert "between two literals" in refusals(f"1 {operator} 2")[0]


# Operators


def test_map(run, same):
    """`xs * f` map: run `xs`, which gives a list or a table; `f` on each item; keeps order."""
    assert run("acme.numbers * acme.double", 4) == [0, 2, 4, 6]
    same("acme.numbers * acme.double", numbers * double)


def test_filter(run, same):
    """`xs / p` filter: keep the items for which `p` is true."""
    assert run("acme.numbers / acme.above(limit=1)", 4) == [2, 3]
    same("acme.numbers / acme.above(limit=1)", numbers / above(limit=1))


def test_sequence(run, same):
    """`a >> b` sequence: the output of `a` is the input of `b`."""
    assert run("acme.double >> acme.add", D(2)) == 5
    same("acme.double >> acme.add", double >> add)


def test_reduce(run, same, refusals):
    """`a & r` reduce: `r` takes the whole list that `a` gives."""
    assert run("acme.numbers & sum", 4) == 6
    assert "'&' takes a list" in refusals("acme.double & acme.add")[0]
    same("acme.numbers & sum", numbers & gl.sum)


def test_parallel(run, same):
    """`a | b` parallel: every branch gets the same input; gives the outputs in written order."""
    assert run("acme.double | acme.add | identity", D(2)) == [4, 3, 2]
    same("acme.double | acme.add", double | add)


def test_conditional(run, same):
    """`p ? a : b`: `p` sees the input; the chosen side gets that same input. In Python: `when(p, a, b)`."""
    program = "acme.above(limit=2) ? acme.double : acme.add"
    assert [run(program, D(3)), run(program, D(1))] == [6, 2]
    same(program, gl.when(above(limit=2), double, add))


def test_precedence_is_that_of_python(same):
    """Precedence and associativity are Python's, in both faces."""
    same(
        "acme.numbers * acme.double >> acme.any & count | acme.any",
        numbers * double >> anything & gl.count | anything,
        "(((acme.numbers * acme.double) >> acme.any) & count) | acme.any",
    )
    same("acme.any * acme.any / acme.any", "(acme.any * acme.any) / acme.any", anything * anything / anything)
    same("acme.any ? 1 : acme.any ? 2 : 3", "acme.any ? 1 : (acme.any ? 2 : 3)")


def test_parentheses_never_group(same, registry):
    """Parentheses only set precedence; they never group."""
    same("(acme.double >> acme.add) >> acme.double", "acme.double >> acme.add >> acme.double")


def test_flattening(run):
    """`>>` and `|` flatten on their left side; a parallel written on the right of another stays nested."""
    assert run("(1 | identity) | 3", 2) == [1, 2, 3]
    assert run("1 | (identity | 3)", 2) == [1, [2, 3]]
    assert gl.compile(gl.identity | (gl.identity | 3)).run(2) == [2, [2, 3]]


def test_group_groups(run, same):
    """What groups is `group(...)`, in both faces."""
    assert run("group(identity | 2) | 3", 1) == [[1, 2], 3]
    same("group(identity | 2) | 3", gl.group(gl.identity | 2) | 3)


def test_reduce_reads_both_ways(same):
    """`xs & sum >> fmt` means the same whether one reads it as `(xs & sum) >> fmt` or `xs & (sum >> fmt)`."""
    same(
        "(acme.numbers & sum) >> acme.text",
        "acme.numbers & (sum >> acme.text)",
        "acme.numbers & sum >> acme.text",
    )


def test_operators_as_steps(same):
    """`map(f)`, `filter(p)`, `reduce(r)` are the same three as steps, for use inside a sequence."""
    same("acme.numbers >> map(acme.double) >> reduce(sum)", "acme.numbers * acme.double & sum")
    same("acme.numbers >> filter(acme.above(limit=1))", numbers >> gl.filter(above(limit=1)))
    same(numbers >> gl.map(double) >> gl.reduce(gl.sum), numbers * double & gl.sum)


# Combinators


def test_branch(run, same):
    """`branch(name=step, …)`: gives a record `{name: output}`; no identifier: a string, or a dict."""
    assert run('branch("natural gas"=acme.double, b=identity)', D(1)) == {"natural gas": 2, "b": 1}
    same('branch("natural gas"=acme.double)', gl.branch({"natural gas": double}))


def test_route(run, same):
    """`route(key, name=step, …, default=step)`: `key` is a field's name or a step that gives a string."""
    program = 'route("kind", gas=get("n"), default=0)'
    assert [run(program, {"kind": kind, "n": 7}) for kind in ["gas", "coal"]] == [7, 0]
    assert run('route(acme.text, "1"=acme.double, "2"=identity)', D(1)) == 2
    same(program, gl.route("kind", gas=gl.get("n"), default=0))


def test_a_value_without_a_route(run):
    """A value with no route and no default is an error that names the value and the routes."""
    with pytest.raises(StepError, match=r'no route is named "coal"; the routes are "gas"'):
        run('route("kind", gas=identity)', {"kind": "coal"})


def test_merge(run):
    """`merge`: records by key, lists and tables end to end; two different values for one key is an error."""
    assert run("branch(a=branch(x=1), b=branch(y=2)) >> merge") == {"x": 1, "y": 2}
    assert run("(identity | [2, 3]) >> merge", [1]) == [1, 2, 3]
    with pytest.raises(StepError, match="merge finds two values for 'x'"):
        run("(branch(x=1) | branch(x=2)) >> merge")


# Modifiers


def test_a_modifier_covers_one_step(registry):
    """A modifier follows a step with `>>` and covers that one step; on `xs * f` it covers the map."""
    plan = gl.compile("acme.numbers * acme.double >> retry(1)", registry=registry)
    first, mapped = plan.programs[0].steps
    assert (first.modifiers, [each.name for each in mapped.modifiers]) == ((), ["retry"])


def test_modifiers_nest_in_written_order_each_kind_once(registry, refusals):
    """Modifiers nest in written order, the first innermost; each kind at most once a step."""
    plan = gl.compile("acme.later >> timeout(1) >> retry(2)", registry=registry)
    assert [each.name for each in plan.programs[0].steps[0].modifiers] == ["timeout", "retry"]
    assert "covers this step twice" in refusals("acme.double >> retry(1) >> retry(2)")[0]


def test_catch(run):
    """`catch(handler)`: on an error, `handler` gets `{error, input}` and its output goes on."""
    assert run('acme.refuse >> catch(get("input")) >> acme.double', D(4)) == 8


def test_retry(registry):
    """`retry(n, …)`: up to n tries after the first. Bugs are not retried unless named."""
    tried = []

    @agent(name="test.fail", version="1.0.0")
    def fail(kind):
        tried.append(kind)
        raise kind

    for kind, modifier, times in [
        (OSError, gl.retry(2, base=0), 3),
        (TypeError, gl.retry(2, base=0), 1),
        (TypeError, gl.retry(2, base=0, on=["TypeError"]), 3),
    ]:
        tried.clear()
        with pytest.raises(kind):
            gl.compile(fail >> modifier).run(kind)
        assert len(tried) == times


def test_timeout(registry, refusals):
    """`timeout(seconds)`: on a synchronous step that runs in place it is refused."""
    assert "cannot be interrupted" in refusals("acme.double >> timeout(1)")[0]

    @agent(name="test.sleep", version="1.0.0", effects=["io"])
    async def sleep(seconds):
        await asyncio.sleep(seconds)

    with pytest.raises(TimeoutError):
        gl.compile(sleep >> gl.timeout(D("0.01"))).run(5)


def test_cache(refusals, registry):
    """`cache(ttl=seconds)`: stores successes of pure steps only."""
    assert "does not say that it is pure" in refusals("acme.later >> cache(ttl=1)")[0]
    gl.compile("acme.double >> cache(ttl=1)", registry=registry)


def test_words_of_options(same, refusals):
    """Options that take one of a few words take them as strings; bare words are also read where declared."""
    same("acme.text(style=loud)", 'acme.text(style="loud")', text(style="loud"))
    same("acme.later >> retry(3, backoff=linear)", 'acme.later >> retry(3, backoff="linear")')
    assert refusals("acme.text(tags=loud)")


# Built-ins


@pytest.mark.parametrize(
    ("program", "value", "result"),
    [
        ("identity", 1, 1),
        ("continue", 1, 1),
        ("sum", [D("0.1"), D("0.2")], D("0.3")),
        ("count", [1, 2], 2),
        ("min", [2, 1], 1),
        ("max", [2, 1], 2),
        ("mean(2)", [1, 2, 2], D("1.67")),
        ("mean(0)", [0, 1], 0),
        ("first", [1, 2], 1),
        ("last", [1, 2], 2),
        ("sort", [2, 1], [1, 2]),
        ('sort("n")', [{"n": 2}, {"n": 1}], [{"n": 1}, {"n": 2}]),
        ('group_by("k")', [{"k": "a"}, {"k": "b"}], {"a": [{"k": "a"}], "b": [{"k": "b"}]}),
        ('get("n")', {"n": 1}, 1),
        ("merge", [[1], [2]], [1, 2]),
    ],
)
def test_builtins(run, program, value, result):
    """Arithmetic ones are exact on decimals; `mean` rounds half-even to its declared places."""
    assert run(program, value) == result


# Programs


def test_programs(run, registry):
    """One `name = expression` a line, the last expression (or the binding named `main`) being the graph."""
    assert run("x = acme.double\nx >> acme.add", D(1)) == 3
    assert run("main = acme.double\ny = acme.add", D(2)) == 4


def test_a_binding_is_a_definition(registry):
    """A binding is a definition: each use is a step of its own; equal pure steps are shared."""
    plan = gl.compile("x = acme.double\nmain = x | x", registry=registry)
    assert (plan.step_count, plan.planned.wiring.step_count) == (3, 2)


def test_comments_and_lines_that_go_on(run):
    """`#` starts a comment; a line goes on inside brackets or after an operator."""
    assert run("(acme.double # one\n >> acme.add) >>\n\n acme.add # two", D(1)) == 4


def test_literals(run):
    """Integers and decimals with an optional minus (exact), strings, `true`, `false`, `null`, `[…]`."""
    assert run('[-1, 2.50, 1e3, "a", true, false, null, []]') == [
        -1,
        D("2.50"),
        D("1e3"),
        "a",
        True,
        False,
        None,
        [],
    ]
    assert str(run("0.1")) == "0.1"


# What the compiler refuses


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


def test_limits(refusals):
    """A program over the limits: 1 MiB of text, 100,000 steps (before memory is spent), nesting of 200."""
    assert (MAXIMUM_STEPS, MAXIMUM_NESTING) == (100_000, 200)
    assert "larger than 1 MiB" in refusals(" " * 2**20 + "a")[0]
    doubling = "\n".join(f"x{i} = {f'x{i - 1} | x{i - 1}' if i else 'acme.double'}" for i in range(40))
    assert "more than 100,000 steps" in refusals(doubling)[0]
    assert "nests deeper than 200 levels" in refusals("group(" * 201 + "identity" + ")" * 201)[0]


# The plan


def test_the_plan(registry):
    """Flat, immutable, JSON-portable, with a SHA-256 hash over its canonical form."""
    plan = gl.compile("acme.numbers * acme.double & sum", registry=registry)
    assert plan.hash.startswith("sha256:")
    assert len(plan.hash) == 71
    assert gl.Plan.from_json(plan.to_json(), registry=registry) == plan
    with pytest.raises(AttributeError):
        plan.programs = ()


def test_not_portable():
    """A function with no source or with a closure makes the plan `not portable`."""
    bound = 1

    @agent(name="test.closed", version="1.0.0")
    def closed(x):
        return bound

    assert not gl.compile(closed).portable
    assert gl.compile(double).portable


def test_pictures(registry):
    """`greenlang plan` shows the plan before and after, as text, JSON, Mermaid or Graphviz."""
    plan = gl.compile("x = acme.double\nmain = x | x", registry=registry)
    assert "as it runs" in plan.explain()
    assert '"planned"' in plan.explain("json")
    for form in ["mermaid", "graphviz"]:
        assert plan.explain(form) != plan.explain(form, planned=True)


# Both faces, any graph


def python_of(tree):
    """A tree of names, operators and words in Python's face."""
    if isinstance(tree, str):
        return {"acme.double": double, "acme.any": anything, "acme.later": later, "sum": gl.sum}[tree]
    word, *parts = tree
    built = [python_of(part) for part in parts]
    composed = {
        ">>": lambda a, b: a >> b,
        "|": lambda a, b: a | b,
        "&": lambda a, b: a & b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
        "?": gl.when,
        "branch": lambda a, b: gl.branch({"a": a, "b c": b}),
        "route": lambda a, b: gl.route("k", a=a, default=b),
        "map": gl.map,
        "filter": gl.filter,
        "reduce": gl.reduce,
        "group": gl.group,
    }
    return composed[word](*built)


def text_of(tree):
    """The same tree in text, with every parenthesis."""
    if isinstance(tree, str):
        return tree
    word, *parts = tree
    built = [text_of(part) for part in parts]
    if word == "?":
        return f"({built[0]} ? {built[1]} : {built[2]})"
    if word in {"branch", "route"}:
        return (
            f'branch(a={built[0]}, "b c"={built[1]})'
            if word == "branch"
            else f'route("k", a={built[0]}, default={built[1]})'
        )
    return f"({built[0]} {word} {built[1]})" if len(built) == 2 else f"{word}({built[0]})"


trees = st.recursive(
    st.sampled_from(["acme.double", "acme.any", "acme.later", "sum"]),
    lambda inner: (
        st.tuples(st.sampled_from([">>", "|", "&", "*", "/", "branch", "route"]), inner, inner)
        | st.tuples(st.sampled_from(["map", "filter", "reduce", "group"]), inner)
        | st.tuples(st.just("?"), inner, inner, inner)
    ),
    max_leaves=20,
)


@settings(max_examples=300)
@given(trees)
def test_both_faces_print_the_same_text_and_it_reads_back(tree):
    """`str(graph)` prints canonical text that parses back to the same graph, from text and from Python."""
    composed = python_of(tree)
    written = gl.parse(text_of(tree))
    assert str(gl.group(composed)) == str(gl.group(written))
    assert str(gl.parse(str(written))) == str(written)


# The page


PAGE = Path(__file__).parents[2] / "docs" / "gcel.md"


def blocks():
    parts = PAGE.read_text(encoding="utf-8").split("```")
    return [part.removeprefix("gcel\n") for part in parts[1::2] if part.startswith("gcel\n")]


@pytest.mark.parametrize("block", blocks())
def test_the_examples_of_the_page_compile(block, registry):
    gl.compile(block, registry=registry)
