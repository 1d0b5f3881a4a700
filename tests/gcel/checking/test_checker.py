"""Edges: records with their fields, lists left of `&`, units, and both ends told."""

import contextlib
import time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, NotRequired, TypedDict

import pytest
from msgspec import Struct

import greenlang as gl
from greenlang.agents import agent
from greenlang.errors import GcelError

Kwh = Annotated[Decimal, gl.unit("kWh")]


class Total(TypedDict):
    energy: Decimal
    note: NotRequired[str]


class Meter(Struct):
    energy: Annotated[gl.Quantity, gl.unit("kWh")]


class Station(Struct):
    energy: Annotated[gl.Quantity, gl.unit("MJ")]


class Scale(Struct):
    energy: Annotated[gl.Quantity, gl.unit("kg")]


@agent(name="unit.kwh", version="1.0.0", effects=["pure"])
def kwh(x: Any) -> Annotated[gl.Quantity, gl.unit("kWh")]: ...


@agent(name="unit.takes_mwh", version="1.0.0", effects=["pure"])
def takes_mwh(x: Annotated[gl.Quantity, gl.unit("MWh")]) -> str: ...


@agent(name="unit.takes_kg", version="1.0.0", effects=["pure"])
def takes_kg(x: Annotated[gl.Quantity, gl.unit("kg")]) -> str: ...


@agent(name="unit.takes_kwh", version="1.0.0", effects=["pure"])
def takes_kwh(x: Annotated[gl.Quantity, gl.unit("kWh")]) -> str: ...


@agent(name="unit.many", version="1.0.0", effects=["pure"])
def many(x: Any) -> list[Annotated[gl.Quantity, gl.unit("kWh")]]: ...


@agent(name="unit.bare", version="1.0.0", effects=["pure"])
def bare(x: Any) -> Kwh: ...


@agent(name="unit.takes_bare", version="1.0.0", effects=["pure"])
def takes_bare(x: Annotated[Decimal, gl.unit("MWh")]) -> str: ...


@agent(name="unit.meter", version="1.0.0", effects=["pure"])
def meter(x: Any) -> Meter: ...


@agent(name="unit.no_unit", version="1.0.0", effects=["pure"])
def no_unit(x: gl.Quantity) -> gl.Quantity: ...


@agent(name="record.total", version="1.0.0", effects=["pure"])
def total(x: Total) -> str: ...


@agent(name="record.decimal", version="1.0.0", effects=["pure"])
def decimal(x: Any) -> Decimal: ...


@agent(name="record.text", version="1.0.0", effects=["pure"])
def text(x: Any) -> str: ...


AGENTS = [kwh, takes_mwh, takes_kg, takes_kwh, many, bare, takes_bare, meter, no_unit, total, decimal, text]
REGISTRY = gl.Registry(AGENTS)


def compiled(program):
    return gl.compile(program, registry=REGISTRY)


def refusals(program):
    with pytest.raises(GcelError) as caught:
        compiled(program)
    return [(told.message, told.fix) for told in caught.value.diagnostics]


@pytest.mark.rule("8.6")
def test_units_that_measure_different_things_never_fit():
    ((message, fix),) = refusals("unit.kwh >> unit.takes_kg")
    assert message == (
        "'unit.takes_kg' takes kg, and 'unit.kwh' (line 1) gives kWh: "
        "'kWh' measures energy and 'kg' measures mass"
    )
    assert fix
    assert len(refusals("unit.many * unit.takes_kg")) == 1


@pytest.mark.rule("8.7")
def test_units_that_convert_are_marked_in_the_plan():
    plan = compiled("unit.kwh >> unit.takes_mwh")
    ((program, slot, given, wanted),) = [
        (each.program, each.slot, each.given, each.wanted) for each in plan.types.conversions
    ]
    assert (program, slot, given, wanted) == (0, 2, "kWh", "MWh")
    assert "kWh converted to MWh" in plan.explain()
    back = gl.Plan.from_json(plan.to_json(), registry=REGISTRY)
    assert back.types.conversions == plan.types.conversions
    assert compiled("unit.kwh >> unit.takes_kwh").types.conversions == ()
    assert compiled("unit.kwh >> unit.no_unit >> unit.takes_kg").types.conversions == ()


@pytest.mark.rule("8.7")
def test_a_bare_number_in_another_unit_is_refused_because_nothing_would_convert_it():
    ((message, fix),) = refusals("unit.bare >> unit.takes_bare")
    assert message.endswith("a bare number does not say its unit, so nothing converts it")
    assert "Quantity" in fix


def test_units_are_compared_in_the_fields_of_records():
    @agent(name="unit.takes_station", version="1.0.0")
    def station(x: dict[str, Any]) -> Station: ...

    @agent(name="unit.takes_scale", version="1.0.0")
    def scale(x: TypedDict("Weighed", {"energy": Annotated[gl.Quantity, gl.unit("kg")]})) -> str: ...

    with pytest.raises(GcelError, match=r"takes kg in field 'energy', and 'branch' .* gives kWh"):
        gl.compile(gl.branch(energy=kwh) >> scale)


def test_a_branch_is_a_record_whose_fields_are_known():
    assert compiled('branch(a=record.decimal, b=record.text) >> get("a")').output_type is Decimal
    ((message, fix),) = refusals('branch(energy=record.decimal, note=record.text) >> get("enrgy")')
    assert (
        message == "'get' finds no such field: the record has no field 'enrgy'; "
        "'branch' (line 1) gives {energy: Decimal, note: str}"
    )
    assert fix == "did you mean energy?"


def test_a_record_must_have_the_fields_that_are_declared_and_no_others():
    compiled("branch(energy=record.decimal, note=record.text) >> record.total")
    compiled("branch(energy=record.decimal) >> record.total")
    for wrong in ["note=record.text", "energy=record.decimal, nite=record.text", "energy=record.text"]:
        ((message, _),) = refusals(f"branch({wrong}) >> record.total")
        assert message.startswith("'record.total' takes Total, and 'branch' (line 1) gives {")


def test_a_branch_that_nobody_reads_gets_a_warning():
    (warning,) = compiled('branch(a=record.decimal, b=record.text) >> get("a")').warnings
    assert (warning.message, warning.fix) == ("nobody reads branch 'b'", "remove it")
    assert compiled("branch(a=record.decimal, b=record.text)").warnings == ()


@pytest.mark.rule("8.5")
def test_the_left_of_reduce_is_a_list():
    for program in ["record.text & record.decimal", "record.text >> reduce(record.decimal)"]:
        ((message, _),) = refusals(program)
        assert message == "'&' takes a list or a table, and 'record.text' (line 1) gives str"
    compiled("unit.many & record.text")


def test_python_edges_are_told_with_file_and_line_of_both_ends():
    first = text >> takes_kg
    with pytest.raises(GcelError) as caught:
        gl.compile(first)
    (told,) = caught.value.diagnostics
    line = Path(__file__).read_text().splitlines().index("    first = text >> takes_kg") + 1
    assert (Path(told.file).name, told.line) == ("test_checker.py", line)
    assert told.message == f"'unit.takes_kg' takes Quantity, and 'record.text' (line {line}) gives str"
    assert told.source_line[told.column - 1 :][: told.length] == "takes_kg"


def doubled(form, count=60):
    """A program whose every binding holds the one before it twice."""
    return "\n".join(
        ["x0 = record.decimal", *[f"x{i} = {form.format(f'x{i - 1}')}" for i in range(1, count)]]
    )


@pytest.mark.parametrize(
    "program",
    [
        *(
            " >> ".join([step] * 3_000)
            for step in ["(identity | identity)", "branch(a=identity, b=identity)"]
        ),
        *(
            " >> ".join([step] * 3_000)
            for step in ["map(identity | 1)", 'branch(a=identity) >> group_by("a")']
        ),
        doubled("branch(a={0}, b={0})", 13),
        doubled("{0} >> group({0} | {0})", 13),
    ],
    ids=range(6),
)
def test_types_of_any_size_and_depth_are_checked_in_time_with_the_program(program):
    start = time.process_time()
    with contextlib.suppress(GcelError):
        compiled(program)
    assert time.process_time() - start < 10


def test_a_type_is_followed_only_so_deep():
    shallow, deep = [
        compiled(" >> ".join(["record.decimal", *["(identity | identity)"] * count])).output_type
        for count in (5, 1_000)
    ]
    assert shallow == list[list[list[list[list[Decimal]]]]]
    assert len(str(deep)) < 1_000
