"""Plans: what they give, what they are known by, how they fail, how they travel."""

import asyncio
import re
import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import greenlang as gl
from greenlang.agents import agent
from greenlang.errors import GcelError, StepError

from .conftest import AGENTS, double


def run(program, value, registry, **options):
    return gl.compile(program, registry=registry, **options).run(value)


@pytest.mark.parametrize(
    ("program", "value", "result"),
    [
        ("acme.double >> (acme.double | acme.double) & sum", Decimal("1.5"), Decimal("12.0")),
        ("acme.double@1.0 | acme.add(amount=2)", Decimal(3), [6, 5]),
        ("acme.numbers * acme.double", 4, [0, 2, 4, 6]),
        ("acme.numbers / acme.above(limit=1)", 4, [2, 3]),
        ("acme.numbers * acme.double / acme.above(limit=2) & sum >> acme.text(style=loud)", 4, "10!"),
        (
            "acme.numbers >> map(acme.double >> acme.add) >> filter(acme.above(limit=3)) >> reduce(mean(2))",
            4,
            Decimal("6.00"),
        ),
        ("acme.above(limit=2) ? acme.double : acme.add", Decimal(3), 6),
        ("acme.above(limit=2) ? acme.double : acme.add", Decimal(1), 2),
        ("acme.numbers * (acme.above(limit=1) ? acme.text : 0)", 3, [0, 0, "2"]),
        ('branch("a b"=acme.double, c=acme.text)', Decimal(1), {"a b": 2, "c": "1"}),
        ('branch(a=acme.double, b=identity) >> get("b")', Decimal(1), 1),
        ('route("kind", x=get("n") >> acme.double, default=0)', {"kind": "x", "n": Decimal(2)}, 4),
        ('route("kind", x=get("n") >> acme.double, default=0)', {"kind": "y", "n": Decimal(2)}, 0),
        ('route(acme.text, "1"=acme.double, "2"=acme.add)', Decimal(2), 3),
        ("group(acme.double >> acme.add) | identity", Decimal(2), [5, 2]),
        ("identity", "anything", "anything"),
        ("acme.any >> 5", None, 5),
        ('[1, [2.50, "x"], null]', None, [1, [Decimal("2.50"), "x"], None]),
        ("(identity | (identity | 1)) | true", 0, [0, [0, 1], True]),
        ("acme.any * (identity * identity)", [], []),
        ("(identity * acme.numbers) * (identity * acme.double)", [1, 3], [[0], [0, 2, 4]]),
    ],
)
def test_a_plan_gives(program, value, result, registry):
    assert run(program, value, registry) == result
    plan = gl.compile(program, registry=registry)
    assert asyncio.run(plan.arun(value)) == result


def test_any_value_goes_through_untouched(registry):
    for value in [object(), [1], float("nan"), lambda: 0, None, 1.5, asyncio]:
        assert run("acme.any >> identity >> acme.any", value, registry) is value


def test_a_list_in_a_program_is_a_new_list_in_every_run(registry):
    plan = gl.compile("[1, 2]", registry=registry)
    plan.run(None).append(3)
    assert plan.run(None) == [1, 2]


def test_asynchronous_plans_run_with_or_without_a_loop(registry):
    plan = gl.compile("acme.numbers * (acme.later >> acme.double) & sum", registry=registry)
    assert plan.is_async
    assert plan.run(5) == 20
    assert asyncio.run(plan.arun(5)) == 20

    async def inside():
        with pytest.raises(
            GcelError, match=r"an event loop already runs here; write `await plan.arun\(value\)`"
        ):
            plan.run(5)

    asyncio.run(inside())


# Failures


def failure(program, value, registry):
    plan = gl.compile(program, registry=registry, file="program.gcel")
    notes = []
    for start in (plan.run, lambda given: asyncio.run(plan.arun(given))):
        with pytest.raises(BaseException) as caught:  # noqa: PT011  whatever it is
            start(value)
        (note,) = caught.value.__notes__
        *told, facts = note.split("\n")
        assert re.fullmatch(r"(within 10 ms|after [0-9.]+ s), input (sha256:[0-9a-f]{16}|of type \w+)", facts)
        notes.append("\n".join(told))
    assert notes[0] == notes[1]
    return caught.value, notes[0]


def test_a_failure_names_the_step_its_place_and_the_item(registry):
    error, note = failure("xs = acme.numbers\nmain = xs * (acme.double >> acme.refuse)", 6, registry)
    assert isinstance(error, ValueError)
    assert note == (
        "in step 'acme.refuse' (map[2] > acme.refuse) at program.gcel:2:29\n"
        "    main = xs * (acme.double >> acme.refuse)\n"
        "                                ^^^^^^^^^^^"
    )


def test_a_failure_in_an_asynchronous_map_names_its_item(registry):
    _, note = failure("acme.numbers * (acme.later >> acme.refuse) & sum", 100, registry)
    assert note.startswith("in step 'acme.refuse' (map[4] > acme.refuse) at program.gcel:1:31\n")


def test_a_failure_names_the_way_through_nested_maps_and_choices(registry):
    program = "acme.any * (acme.any * (acme.above(limit=3) ? (acme.later >> acme.refuse) : identity))"
    _, note = failure(program, [[Decimal(1)], [Decimal(2), Decimal(4)]], registry)
    assert note.startswith("in step 'acme.refuse' (map[1] > map[1] > ? > acme.refuse) at program.gcel:1:62\n")


def test_errors_of_the_language_itself_are_placed_too(registry):
    error, note = failure("acme.any * acme.double", "text", registry)
    assert isinstance(error, StepError)
    assert "a list or a table is wanted here, and 'text' of type str came" in str(error)
    assert note.startswith("in step 'map' at program.gcel:1:10\n")
    error, _ = failure('route("kind", gas=identity)', {"kind": "gsa"}, registry)
    assert str(error) == 'no route is named "gsa"; the routes are "gas"; did you mean gas?'


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, RecursionError, StopIteration, GcelError])
def test_whatever_an_agent_raises_comes_out_with_its_note(kind):
    @agent(name="test.raise", version="1.0.0")
    def raising(x: str) -> str:
        raise kind(x)

    with pytest.raises(kind) as caught:
        gl.compile(raising).run("x")
    assert caught.value.__notes__[0].startswith("in step 'test.raise' at ")


def test_siblings_of_a_failed_branch_have_ended_before_the_error_is_raised():
    ended = []

    @agent(name="test.slow", version="1.0.0")
    async def slow(x: int) -> int:
        try:
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0.01)
            ended.append("slow")
        return x

    @agent(name="test.bad", version="1.0.0")
    async def bad(x: int) -> int:
        await asyncio.sleep(0.01)
        raise ValueError("bad")

    with pytest.raises(ValueError, match="bad") as caught:
        gl.compile(slow | (bad >> double) | slow).run(1)
    assert ended == ["slow", "slow"]
    assert caught.value.__notes__[0].startswith("in step 'test.bad' at ")


# Hash and document


def test_the_hash_is_the_same_in_every_process(registry):
    program = 'acme.numbers * acme.add(amount=1.50) & mean(2) | branch(b=identity, a=acme.text(tags=["x"]))'
    script = (
        f"import sys; sys.path.insert(0, {str(sys.path[0])!r})\n"
        "import importlib.util as u\n"
        f"s = u.spec_from_file_location('shared', {__file__.replace('test_plan', 'conftest')!r})\n"
        "m = u.module_from_spec(s); s.loader.exec_module(m)\n"
        f"import greenlang as gl; print(gl.compile({program!r}, registry=gl.Registry(m.AGENTS)).hash)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == gl.compile(program, registry=registry).hash


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("acme.double", "acme.double@1.0"),
        ("acme.add(amount=1)", "acme.add(amount=2)"),
        ("acme.add(amount=1)", "acme.add"),
        ("acme.double | acme.add", "acme.add | acme.double"),
        ("acme.double >> acme.add", "acme.double | acme.add"),
        ("branch(a=acme.double)", "branch(b=acme.double)"),
        ("acme.any * acme.double", "acme.any / acme.double"),
        ("5", "5.0"),
    ],
)
def test_what_changes_a_result_changes_the_hash(one, other, registry):
    if one != "acme.any * acme.double":
        assert gl.compile(one, registry=registry).hash != gl.compile(other, registry=registry).hash


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("acme.double >> acme.add", "x = acme.double # first\nx >>\n   acme.add"),
        ("acme.double >> (acme.add >> acme.add)", "(acme.double >> acme.add) >> acme.add"),
        ("acme.numbers & sum", "acme.numbers >> reduce(sum)"),
        ("acme.numbers * acme.double", "acme.numbers >> map(acme.double)"),
        ("acme.text(style=loud, tags=[])", 'acme.text(tags=[], style="loud")'),
        ("acme.double", "acme.double@1.2.0"),
    ],
)
def test_what_means_the_same_has_the_same_hash(one, other, registry):
    assert gl.compile(one, registry=registry) == gl.compile(other, registry=registry)


def test_the_code_of_an_agent_is_in_the_hash_and_a_closure_makes_a_plan_not_portable():
    def made(add):
        @agent(name="test.made", version="1.0.0")
        def function(x: int) -> int:
            return x + add

        return function

    @agent(name="test.made", version="1.0.0")
    def other(x: int) -> int:
        return x + 2

    assert not gl.compile(made(1)).portable
    assert gl.compile(other).portable
    assert gl.compile(made(1)).hash != gl.compile(other).hash
    assert "not portable: the code of test.made cannot be told" in gl.compile(made(1)).explain()


# Against a plain interpreter


def interpret(text, value, functions):
    """GCEL in a few lines of Python, straight from the tree: the twin of the scheduler."""
    from greenlang.agents.syntax import Binary, Call, Literal

    def step(node, given):
        if isinstance(node, Literal):
            return node.value
        if isinstance(node, Call):
            if node.name in {"map", "group"}:
                inner = node.arguments[0].value
                return [step(inner, item) for item in given] if node.name == "map" else step(inner, given)
            return functions[node.name](given)
        if not isinstance(node, Binary):
            return step(node.yes if step(node.test, given) else node.no, given)
        if node.operator == "|":
            branches = []
            while isinstance(node, Binary) and node.operator == "|":
                branches.insert(0, node.right)
                node = node.left
            return [step(branch, given) for branch in [node, *branches]]
        left = step(node.left, given)
        if node.operator in {">>", "&"}:
            return step(node.right, left)
        outputs = [step(node.right, item) for item in left]
        return (
            outputs
            if node.operator == "*"
            else [item for item, keep in zip(left, outputs, strict=True) if keep]
        )

    return step(gl.parse(text).node, value)


@agent(name="t.pair", version="1.0.0")
def pair(x):
    return [x, x]


@agent(name="t.wrap", version="1.0.0")
def wrap(x):
    return (x,)


@agent(name="t.wait", version="1.0.0")
async def wait(x):
    await asyncio.sleep(0)
    return [x]


@agent(name="t.odd", version="1.0.0")
def odd(x):
    return len(repr(x)) % 2 == 1


FUNCTIONS = {
    "t.pair": pair.spec.function,
    "t.wrap": wrap.spec.function,
    "t.wait": lambda x: [x],
    "t.odd": odd.spec.function,
    "identity": lambda x: x,
    "count": lambda x: len(x),
}

# Every step here gives a list, so that any operator may follow any step.
programs = st.recursive(
    st.sampled_from(["t.pair", "t.wrap", "t.wait"]),
    lambda steps: (
        st.tuples(steps, st.sampled_from([">>", "|", "&", "*"]), steps).map(" ".join)
        | steps.map(lambda step: f"({step})")
        | steps.map(lambda step: f"{step} / t.odd")
        | steps.map(lambda step: f"t.pair >> map({step})")
        | st.tuples(steps, steps).map(lambda sides: f"(t.odd ? {sides[0]} : {sides[1]})")
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(programs)
def test_a_plan_agrees_with_a_plain_interpreter(text):
    plan = gl.compile(text, registry=gl.Registry([pair, wrap, wait, odd]))
    assert plan.run(1) == interpret(text, 1, FUNCTIONS)


def test_a_chain_of_100_000_steps_compiles_and_runs(registry):
    program = f"xs = {' >> '.join(['acme.any'] * 1000)}\nmain = {' >> '.join(['xs'] * 100)}"
    assert gl.compile(program, registry=registry).run(7) == 7


def test_a_program_of_200_levels_compiles_and_runs(registry):
    for word in ("group", "map"):
        program = f"{word}(" * 200 + "identity" + ")" * 200
        value = 1
        for _ in range(200 if word == "map" else 0):
            value = [value]
        plan = gl.compile(program, registry=registry)
        assert plan.run(value) == value
        assert gl.Plan.from_json(plan.to_json(), registry=registry) == plan
        assert plan.explain("mermaid")


def test_agents_are_those_that_the_steps_name(registry):
    plan = gl.compile("acme.double >> acme.add >> acme.double", registry=registry)
    assert [spec.name for spec in plan.agents] == ["acme.double", "acme.add"]
    assert plan.agents[0].version == max(one.spec.version for one in AGENTS if one.spec.name == "acme.double")
