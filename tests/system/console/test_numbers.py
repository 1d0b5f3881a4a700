"""Figures on pages are rounded for the eye as Python's decimals are, and added up exactly."""

import random
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from browsing import HOSTILE

MODULE = "/console/core/numbers.js"


def decimals(count, seed=3):
    draw = random.Random(seed)  # noqa: S311  the same figures each time, nothing more
    for _ in range(count):
        digits = str(draw.randint(0, 10 ** draw.randint(1, 24)))
        places = draw.randint(0, 14)
        padded = digits.rjust(places + 1, "0")
        text = f"{padded[:-places]}.{padded[-places:]}" if places else padded
        yield f"-{text}" if draw.random() < 0.2 and text.strip("0.") else text


def shown(text, places):
    with localcontext() as context:
        context.prec = 60
        rounded = Decimal(text).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    if not rounded:
        smallest = f"{Decimal(1).scaleb(-places):f}"
        sign = "-" if text.startswith("-") else ""
        return f"{sign}<{smallest}" if Decimal(text) else "0"
    told = f"{rounded:,f}"
    return told.rstrip("0").rstrip(".") if "." in told else told


def ask(page, name, arguments):
    return page.evaluate(
        f"async (calls) => {{ const module = await import('{MODULE}');"
        f" return calls.map((given) => module.{name}(...given)) }}",
        arguments,
    )


def test_figures_are_rounded_half_to_even(open_page):
    page = open_page("#/executions")
    halves = ["0.5", "1.5", "2.5", "0.0005", "0.0015", "0.00051", "999.9995", "-0.0005", "0", "0.000", "1000"]
    given = [(text, places) for text in [*decimals(400), *halves] for places in (0, 3, 12)]
    assert ask(page, "shown", given) == [shown(text, places) for text, places in given]


def test_sums_are_exact_and_tonnes_move_the_point(open_page):
    page = open_page("#/executions")
    figures = list(decimals(60))
    with localcontext() as context:
        context.prec = 90
        groups = [figures[start : start + 6] for start in range(0, 60, 6)]
        told = ask(page, "sum", [[group] for group in groups])
        assert list(map(Decimal, told)) == [sum(map(Decimal, group)) for group in groups]
        moved = ask(page, "moved", [[figure] for figure in figures])
        assert list(map(Decimal, moved)) == [Decimal(figure) / 1000 for figure in figures]
    assert ask(page, "sum", [[[]]]) == ["0"]
    assert ask(page, "mass", [["999.9"], ["1000"], ["12345.6789"], ["-2000"]]) == [
        "999.9 kg",
        "1 t",
        "12.346 t",
        "-2 t",
    ]


def test_elements_are_made_of_text_alone(open_page):
    page = open_page("#/executions")
    told = page.evaluate(
        "async (names) => { const { h } = await import('/console/core/dom.js');"
        " return names.map((name) => { const made = h('p', { title: name }, name);"
        " return [made.children.length, made.textContent, made.title] }) }",
        HOSTILE,
    )
    assert told == [[0, name, name] for name in HOSTILE]
