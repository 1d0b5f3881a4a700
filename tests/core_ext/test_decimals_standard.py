"""The General Decimal Arithmetic test cases that CPython ships, for all that a column can hold.

The cases round to a precision, columns to a number of places: the exact result of a column, rounded once to
the places of the result that the case asks for, must be that result.
https://speleotrove.com/decimal/dectest.html
"""

import decimal
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import pytest

from greenlang_core.decimals import DecimalColumn, DecimalOverflow

PACKAGE = find_spec("test")
FOLDER = Path((PACKAGE.submodule_search_locations or [""])[0] if PACKAGE else "") / "decimaltestdata"

MODES = {
    name.removeprefix("ROUND_").lower(): value
    for name, value in vars(decimal).items()
    if name.startswith("ROUND_")
}

#: Of a case: what columns have no word for.
CONDITIONS = {"overflow", "underflow", "subnormal", "clamped", "invalid_operation", "division_by_zero"}

EXACT = decimal.Context(prec=100_000, Emax=10**9, Emin=-(10**9))

#: By operation: operands as columns, the places of the result wanted, a rounding mode -> the result.
Kernel = Callable[[list[DecimalColumn], int, str], DecimalColumn]
KERNELS: dict[str, Kernel] = {
    "add": lambda sides, places, mode: (sides[0] + sides[1]).round(places, mode),
    "subtract": lambda sides, places, mode: (sides[0] - sides[1]).round(places, mode),
    "multiply": lambda sides, places, mode: sides[0].multiply(sides[1], places=places, mode=mode),
    "divide": lambda sides, places, mode: sides[0].divide(sides[1], places, mode),
    "quantize": lambda sides, places, mode: sides[0].round(places, mode),
    "abs": lambda sides, places, mode: abs(sides[0]).round(places, mode),
    "minus": lambda sides, places, mode: (-sides[0]).round(places, mode),
    "plus": lambda sides, places, mode: sides[0].round(places, mode),
    "min": lambda sides, places, mode: sides[0].minimum(sides[1]).round(places, mode),
    "max": lambda sides, places, mode: sides[0].maximum(sides[1]).round(places, mode),
    "compare": lambda sides, places, mode: sign_of(sides[0] > sides[1]) - sign_of(sides[0] < sides[1]),
}

#: The files of these operations, those of fixed formats, and those on rounding and on random operands.
FILES = [f"{prefix}{name}.decTest" for name in KERNELS for prefix in ("", "dd", "dq")]
FILES += [f"{name}.decTest" for name in ("rounding", "inexact", "randoms", "randomBound32", "extra")]


def sign_of(truth: object) -> DecimalColumn:
    return DecimalColumn.where(truth, DecimalColumn.from_integers([1], 0), 0)  # type: ignore[arg-type]


def cases_of(path: Path) -> Iterator[tuple[str, str, list[str], str, str, set[str]]]:
    """Name, operation, operands, result, rounding mode and conditions of each case."""
    rounding = ""
    for line in path.read_text("latin-1").splitlines():
        text = line.partition("--")[0].strip()
        if text.lower().startswith("rounding:"):
            rounding = text.partition(":")[2].strip().lower()
        if "->" not in text:
            continue
        question, _, answer = text.partition("->")
        name, operation, *operands = [word.strip("'\"") for word in question.split()]
        result, *conditions = [word.strip("'\"") for word in answer.split()]
        yield (
            name,
            operation.lower(),
            operands,
            result,
            rounding,
            {condition.lower() for condition in conditions},
        )


def scale_of(number: Decimal) -> int:
    """Places of a finite number; below zero for 1E+3."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return -exponent


def fits(number: Decimal, places: int) -> bool:
    return 0 <= places <= 38 and (number == 0 or number.adjusted() + places < 38)


def outcome(operation: str, operands: list[str], result: str, rounding: str, conditions: set[str]) -> str:
    """`agreed`, or why the case is out of a column's scope; an `AssertionError` for a difference."""
    if operation not in KERNELS:
        return "another operation"
    if any("#" in text or text == "?" for text in [*operands, result]):
        return "an encoding, not a number"
    if conditions & CONDITIONS:
        return "exponents end, or there is no result"
    try:
        numbers = [EXACT.create_decimal(text) for text in operands]
        wanted = EXACT.create_decimal(result)
    except decimal.InvalidOperation:
        return "not a number by its syntax"
    if not all(number.is_finite() for number in [*numbers, wanted]):
        return "NaN or infinity"
    if rounding not in MODES:
        return "no such mode in decimal"
    scales = [max(scale_of(number), 0) for number in numbers]
    taking = numbers[:1] if operation == "quantize" else numbers
    if not all(fits(number, scale) for number, scale in zip(taking, scales, strict=False)):
        return "an operand past 38 digits"
    places = max(scale_of(wanted), 0)
    if scale_of(wanted) < 0 and "rounded" in conditions:
        return "rounded to tens or more"
    if not fits(wanted, places):
        return "a result past 38 digits"
    sides = [
        DecimalColumn.from_decimals([number], scale) for number, scale in zip(taking, scales, strict=False)
    ]
    try:
        got = KERNELS[operation](sides, places, MODES[rounding])[0]
    except DecimalOverflow:
        common = max(scales)
        exact = {"add": EXACT.add, "subtract": EXACT.subtract}.get(operation)
        unrounded = [exact(*numbers)] if exact else taking
        assert not all(fits(number, common) for number in unrounded), "an overflow that is none"
        return "operands past 38 digits at one scale"
    assert got == wanted, f"{got} instead"
    return "agreed"


@pytest.mark.skipif(not FOLDER.is_dir(), reason="this Python comes without test/decimaltestdata")
def test_every_case_within_38_digits_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    counts: Counter[str] = Counter()
    differences = []
    for path in [FOLDER / name for name in FILES if (FOLDER / name).is_file()]:
        for name, *case in cases_of(path):
            try:
                counts[outcome(*case)] += 1
            except AssertionError as error:
                differences.append(f"{name} {case}: {error}")
    with capsys.disabled():
        print(f"\n{sum(counts.values())} cases of General Decimal Arithmetic:", dict(counts.most_common()))
    assert not differences
    assert counts["agreed"] > 5_000
