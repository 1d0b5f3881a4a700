"""No number that a language model touched reaches a calculation; choices and approvals do."""

from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

import pytest
from msgspec import Struct

import greenlang as gl
from greenlang.agents import agent
from greenlang.errors import AgentError, GcelError


class Fuel(StrEnum):
    GAS = "gas"
    COAL = "coal"


class Bill(Struct):
    text: str
    quantity: Decimal


class Reading(Struct):
    fuel: Fuel
    kind: Literal["energy", "mass"] | None
    quantity: Decimal
    note: str


@agent(name="bill.read", version="1.0.0", effects=["llm"])
def read(bill: Bill) -> Reading: ...


@agent(name="bill.classify", version="1.0.0", effects=["llm"], flows={"quantity": ["quantity"], "note": []})
def classify(bill: Bill) -> Reading: ...


@agent(name="bill.choose", version="1.0.0", effects=["llm"])
def choose(bill: Any) -> Fuel: ...


@agent(name="bill.guess", version="1.0.0", effects=["llm"])
def guess(value: Any) -> Any: ...


@agent(name="bill.all", version="1.0.0", effects=["llm"])
def read_all(bill: Bill) -> list[Reading]: ...


@agent(name="bill.half", version="1.0.0", effects=["pure"], flows={"quantity": ["quantity"]})
def half(reading: Reading) -> Reading: ...


@agent(name="bill.approve", version="1.0.0", effects=["io"], approves=["quantity", "note"])
def approve(reading: Reading) -> Reading: ...


@agent(name="bill.approve_all", version="1.0.0", effects=["io"], approves=["*"])
def approve_all(value: Any) -> Any: ...


@agent(name="bill.approve_number", version="1.0.0", effects=["io"], approves=["quantity"])
def approve_number(reading: Reading) -> Reading: ...


@agent(name="calc.run", version="1.0.0", effects=["pure", "calculates"])
def calculate(value: Any) -> Decimal: ...


@agent(name="plain.same", version="1.0.0", effects=["pure"])
def same(value: Any) -> Any: ...


AGENTS = [
    read,
    classify,
    choose,
    guess,
    read_all,
    half,
    approve,
    approve_all,
    approve_number,
    calculate,
    same,
]
REGISTRY = gl.Registry(AGENTS)


def refusals(program):
    try:
        gl.compile(program, registry=REGISTRY)
    except GcelError as error:
        return [told.message for told in error.diagnostics]
    return []


@pytest.mark.parametrize(
    "program",
    [
        "calc.run",
        "bill.read >> plain.same",
        'bill.read >> get("fuel") >> calc.run',
        "bill.choose >> calc.run",
        "bill.classify >> calc.run",
        "bill.read >> bill.approve >> calc.run",
        "bill.guess >> bill.approve_all >> calc.run",
        'bill.read >> bill.approve_number >> get("quantity") >> calc.run',
        'branch(read=bill.read, bill=identity) >> get("bill") >> calc.run',
        "bill.choose >> (calc.run | plain.same)",
        "bill.guess >> 5 >> calc.run",
        "route(bill.choose, gas=calc.run, default=calc.run)",
        "(plain.same | bill.choose) >> calc.run",
    ],
)
@pytest.mark.rule("8.10")
def test_what_no_model_touched_may_be_calculated_with(program):
    assert refusals(program) == []


@pytest.mark.parametrize(
    ("program", "what"),
    [
        ("bill.read >> calc.run", "field 'note' of what it takes"),
        ("bill.guess >> calc.run", "what it takes"),
        ("bill.guess >> plain.same >> calc.run", "what it takes"),
        ('bill.read >> get("quantity") >> calc.run', "what it takes"),
        ("bill.read >> bill.half >> calc.run", "field 'note' of what it takes"),
        ('bill.read >> bill.half >> get("quantity") >> calc.run', "what it takes"),
        ("bill.read >> bill.approve_number >> calc.run", "field 'note' of what it takes"),
        ("branch(a=identity, b=bill.read) >> calc.run", "field 'b.note' of what it takes"),
        ('branch(a=identity, b=bill.read) >> get("b") >> get("quantity") >> calc.run', "what it takes"),
        ("branch(a=identity, b=bill.read) >> merge >> calc.run", "field 'b.note' of what it takes"),
        ("(plain.same | bill.guess) >> calc.run", "what it takes"),
        ("bill.all * calc.run", "field 'note' of what it takes"),
        ('bill.all * get("quantity") & sum', "what it takes"),
        ("plain.same * bill.guess & mean(2)", "what it takes"),
        ("plain.same * bill.guess & max >> calc.run", "what it takes"),
        ("plain.same * bill.guess & count >> calc.run", "what it takes"),
        ("plain.same / bill.guess >> calc.run", "what it takes"),
        ("(bill.guess ? 1 : 2) >> calc.run", "what it takes"),
        ("route(bill.guess, a=identity) >> calc.run", "what it takes"),
        ("group(bill.guess | plain.same) >> calc.run", "what it takes"),
        ("bill.guess >> catch(calc.run)", "field 'error' of what it takes"),
        ("bill.guess >> plain.same >> catch(calc.run)", "field 'error' of what it takes"),
    ],
)
@pytest.mark.rule("8.8", "8.9")
def test_what_a_model_touched_may_not(program, what):
    (message,) = refusals(program)
    assert f", and {what} was touched by a language model: 'bill." in message


def test_a_refusal_names_both_ends_and_what_would_mend_it():
    with pytest.raises(GcelError) as caught:
        gl.compile('x = bill.guess\nmain = x >> get("n") >> calc.run', registry=REGISTRY, file="p.gcel")
    assert str(caught.value) == (
        "p.gcel:2:25: 'calc.run' calculates, and what it takes was touched by a language model: 'bill.guess' "
        "(line 1); let the model choose from a closed set (an enum or a Literal field), or let a person "
        "approve the value in an agent that says so with approves=\n"
        '    main = x >> get("n") >> calc.run\n'
        "                            ^^^^^^^^"
    )


@pytest.mark.rule("8.11")
def test_a_plan_from_json_is_held_to_it_again():
    document = gl.compile("bill.choose >> calc.run", registry=REGISTRY).to_json()

    @agent(name="bill.choose", version="1.0.0", effects=["llm"])
    def changed(bill: Any) -> Any: ...

    class Trusting(gl.Registry):
        def code_identity(self, spec):
            return REGISTRY.code_identity(choose.spec if spec.name == "bill.choose" else spec)

    gl.Plan.from_json(document, registry=REGISTRY)
    with pytest.raises(GcelError, match=r"touched by a language model: 'bill\.choose'"):
        gl.Plan.from_json(document, registry=Trusting([changed, calculate]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"flows": {"quantiy": ["quantity"]}},
            "a flow of 'quantiy', and what it gives has no such field; did you mean quantity",
        ),
        ({"flows": {"quantity": ["amount"]}}, "a flow of 'amount', and what it takes has no such field"),
        ({"flows": {"quantity": "text"}}, "declares that 'quantity' flows from a text"),
        ({"approves": ["quantity"], "effects": ["llm"]}, "a model cannot approve what it made"),
        ({"approves": ["quantity"], "effects": ["pure"]}, "does not declare io"),
        ({"approves": ["amount"], "effects": ["io"]}, "has no such field"),
    ],
)
def test_a_contract_that_cannot_be_is_refused(options, message):
    with pytest.raises(AgentError, match=message):

        @agent(name="bill.wrong", version="1.0.0", **options)
        def wrong(bill: Bill) -> Reading: ...


@pytest.mark.parametrize("step", ["branch(a=identity, b=identity)", "branch(a=identity)"])
def test_a_label_that_is_too_deep_to_follow_by_field_lies_on_the_whole(step):
    deep = " >> ".join(["bill.guess", *[step] * 2_000, "calc.run"])
    assert len(refusals(deep)) == 1
    clear = " >> ".join(["plain.same", *[step] * 2_000, "(calc.run | bill.guess)"])
    assert refusals(clear) == []
