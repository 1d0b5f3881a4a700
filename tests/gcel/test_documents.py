"""Plans as JSON: what is read back is what was written, and what no compiler wrote is refused."""

import contextlib
import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import greenlang as gl
from greenlang.agents import agent
from greenlang.agents.syntax import MAXIMUM_NESTING
from greenlang.errors import AgentError, GcelError
from greenlang.gcel import read_outline

PROGRAM = (
    "xs = acme.numbers\n"
    "main = xs * (acme.above(limit=1.50) ? acme.refuse : acme.double@1.0) & sum >> "
    'route(acme.text(tags=["é"]), "1"=5, default=identity)'
)


def test_a_document_is_read_back_to_the_byte(registry):
    plan = gl.compile(PROGRAM, registry=registry, file="program.gcel")
    back = gl.Plan.from_json(plan.to_json(), registry=registry)
    assert back == plan
    assert back.to_json() == plan.to_json()
    assert back.explain() == plan.explain()
    assert back.run(3) == plan.run(3)
    with pytest.raises(ValueError, match="no four") as caught:
        back.run(9)
    assert caught.value.__notes__[0].startswith(
        "in step 'acme.refuse' (map[4] > ? > acme.refuse) at program.gcel:2:39\n"
    )


def test_resources_travel_inside_the_document(tmp_path):
    @agent(name="test.read", version="1.0.0")
    def read(x: int, *, file: gl.Resource) -> str:
        return file.text

    registry = gl.Registry([read])
    (tmp_path / "a.txt").write_text("text\n")
    plan = gl.compile('test.read(file="a.txt")', registry=registry, file=tmp_path / "p.gcel")
    back = gl.Plan.from_json(plan.to_json(), registry=registry)
    (tmp_path / "a.txt").unlink()
    assert (back, back.run(1)) == (plan, "text\n")


def test_a_document_of_other_code_is_refused(registry):
    document = gl.compile("acme.double", registry=registry).to_json()

    @agent(name="acme.double", version="1.2.0")
    def changed(x: Decimal) -> Decimal:
        return x * 3

    with pytest.raises(
        GcelError, match=r"the code of agent 'acme.double' 1.2.0 here is not what the plan was"
    ):
        gl.Plan.from_json(document, registry=gl.Registry([changed]))
    with pytest.raises(AgentError, match=r"there is no agent 'acme.double'"):
        gl.Plan.from_json(document, registry=gl.Registry())


def test_a_changed_document_is_refused(registry):
    document = json.loads(gl.compile(PROGRAM, registry=registry).to_json())
    document["programs"][0]["steps"][0]["agent"] = 1
    with pytest.raises(GcelError):
        gl.Plan.from_json(json.dumps(document), registry=registry)
    with pytest.raises(GcelError, match="this is not a plan"):
        gl.Plan.from_json(b"\xff", registry=registry)


def leaves(value, path=()):
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from leaves(value[key], (*path, key))
    else:
        yield path


@settings(max_examples=200)
@given(data=st.data())
def test_no_change_to_a_document_is_worse_than_an_error(data, registry):
    plan = gl.compile(PROGRAM, registry=registry)
    document = json.loads(plan.to_json())
    *path, last = data.draw(st.sampled_from(list(leaves(document))))
    spot = document
    for key in path:
        spot = spot[key]
    old = spot[last]
    spot[last] = data.draw(st.sampled_from([-1, 0, 1, 2, 99, "", "sum", "(", "1", None, True, [], {}, 1.5]))
    try:
        back = gl.Plan.from_json(json.dumps(document), registry=registry)
    except (GcelError, AgentError):
        return
    # What is left to change is what people see, or was no change.
    assert back.hash == plan.hash
    assert spot[last] == old or path[0] in {"texts", "places"}


def test_a_plan_cannot_be_changed(registry):
    plan = gl.compile("acme.double", registry=registry)
    with pytest.raises(AttributeError):
        plan.hash = "sha256:0"
    with pytest.raises(AttributeError):
        plan.programs[0].result = 0


def document_of(*steps):
    """A plan of programs of one step each, and an empty one after them."""
    document = json.loads(gl.compile("sum").to_json())
    document["programs"] = [{"steps": [step], "result": 1} for step in steps] + [{"steps": [], "result": 0}]
    document["places"] = [[[0, 0, 0, 0, 0]] for _ in steps] + [[]]
    return json.dumps(document | {"texts": [""]})


def test_what_no_compiler_wrote_is_refused_before_it_is_followed():
    """A document may be a stranger's: some of these took for ever, others ended in a traceback."""
    twice = [
        {"kind": "choose", "test": 0, "input": 0, "yes": number, "no": number} for number in range(1, 60)
    ]
    deep = [{"kind": "group", "input": 0, "program": number} for number in range(1, 2_000)]
    unread = [{"kind": "builtin", "input": 0, "name": "sum"}]
    for steps, told in (
        (twice, "names a program that another step runs"),
        (deep, "nests deeper than 200 levels"),
        (unread, "no step runs program 1"),
    ):
        with pytest.raises(GcelError, match=f"does not hold together: .*{told}"):
            gl.Plan.from_json(document_of(*steps))
    nested = document_of({"kind": "builtin", "input": 0, "name": "sum", "x": 0}).replace(
        '"x": 0', '"x": ' + "[" * 100_000
    )
    for read in (gl.Plan.from_json, read_outline):
        with pytest.raises(GcelError, match="this is not a plan"):
            read(nested)


@pytest.mark.parametrize(
    "around",
    [
        "group({}) >> retry(1)",
        'get("a") ? {} : 2',
        "map({})",
        'get("a") >> catch({})',
        'branch(a={}) >> get("a")',
    ],
)
def test_what_the_language_lets_nest_nests_in_a_document_too(around):
    levels = MAXIMUM_NESTING + 1
    plan = None
    while plan is None:
        levels -= 1
        text = "count >> count"
        for _ in range(levels):
            text = around.format(text)
        with contextlib.suppress(GcelError):
            plan = gl.compile(text)
    assert levels >= MAXIMUM_NESTING // 3
    assert gl.Plan.from_json(plan.to_json()) == plan
