import json
import re

import pytest

import greenlang as gl
from greenlang.errors import InputError

PROGRAM = (
    'acme.numbers * (acme.above(limit=1) ? acme.text(tags=["<\\"#&>"]) : 0) >> '
    'route("kind", "a b"=identity, default=count) | branch(x=sum)'
)


@pytest.fixture
def plan(registry):
    return gl.compile(PROGRAM, registry=registry)


def test_text_says_what_each_step_reads(registry):
    plan = gl.compile("acme.double >> (acme.add(amount=2) | identity) & sum", registry=registry)
    written, _, planned = plan.explain().partition("\n\nplanned\n")
    assert written == (
        f"plan {plan.hash}\n"
        "takes Decimal, gives Decimal\n"
        "\n"
        "   1  acme.double@1.2.0         <- input\n"
        "   2  acme.add@1.0.0(amount=2)  <- 1\n"
        "   3  |                         <- 2, 1\n"
        "   4  sum                       <- 3\n"
        "      gives 4"
    )
    assert planned == (
        "      fold constants      changes nothing\n"
        "      share equal steps   changes nothing\n"
        "      drop unread steps   changes nothing\n"
        "      use columns         changes nothing\n"
        "      fuse maps           changes nothing\n"
        "      list iterators      changes nothing\n"
        "\n"
        "widths by depth  1 1 1 1\n"
        "critical path    acme.double > acme.add > | > sum (4 steps)"
    )


def test_text_says_what_each_pass_took_away_and_put_in(registry):
    plan = gl.compile("x = acme.double\nmain = x | x | (1.50 >> acme.add)", registry=registry)
    planned = plan.explain().partition("\nplanned\n")[2].partition("\n\n")[0].splitlines()
    assert planned[:6] == [
        "      fold constants      5 -> 5 steps",
        "        - acme.add@1.0.0",
        "        + 2.50",
        "      share equal steps   5 -> 4 steps",
        "        - acme.double@1.2.0",
        "      drop unread steps   4 -> 3 steps",
    ]
    assert planned[6] == "        - 1.50"


def test_text_says_when_each_program_runs(plan):
    lines = plan.explain("text").splitlines()
    assert "   2  map                 <- 1, each item: program 1" in lines
    assert "   4  route               <- key: 3, 2, a b: program 2, default: program 3" in lines
    assert (
        "   2  ?                          <- test: 1, input, if true: program 4, if false: program 5" in lines
    )


def test_json_is_the_form_that_is_hashed_and_what_people_see(plan):
    document = json.loads(plan.explain("json"))
    assert document["hash"] == plan.hash
    assert document["output_type"] == "list[list[str | int] | int | dict]"
    assert [one["name"] for one in document["agents"]] == [spec.name for spec in plan.agents]
    assert len(document["programs"]) == len(plan.programs)


def test_mermaid_has_a_node_for_each_step_and_hides_its_own_signs(plan):
    lines = plan.explain("mermaid").splitlines()
    assert lines[0] == "flowchart TD"
    nodes = [line for line in lines if re.match(r'\s+p\d+_\d+\["', line)]
    assert len(nodes) == plan.step_count
    assert all(line.count('"') == 2 and "<" not in line for line in nodes)
    assert sum(line.strip().startswith("subgraph") for line in lines) == len(plan.programs) - 1


def test_graphviz_has_a_node_for_each_step(plan):
    text = plan.explain("graphviz")
    assert text.startswith("digraph plan {")
    assert text.count("{") == text.count("}")
    assert len(re.findall(r"^ +p\d+_[1-9]\d* \[label=", text, re.MULTILINE)) == plan.step_count


def test_another_format_is_refused(plan):
    with pytest.raises(InputError, match="did you mean mermaid"):
        plan.explain("mermaidd")
