"""Bad programs: whatever is written, it is refused with a GcelError, at once, or it is read.

Run with GREENLANG_FUZZ=20 for twenty times as many.
"""

import contextlib
import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import greenlang as gl
from greenlang.errors import GcelError

TIMES = int(os.environ.get("GREENLANG_FUZZ", "1"))
FUZZ = settings(
    max_examples=2_000 * TIMES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

WORDS = [
    *[
        ">>",
        "|",
        "&",
        "*",
        "/",
        "?",
        ":",
        "=",
        ",",
        "-",
        "(",
        ")",
        "[",
        "]",
        "\n",
        "\r\n",
        "  ",
        "\t",
        "# c\n",
    ],
    *[
        "acme.double",
        "acme.add",
        "acme.numbers",
        "acme.text",
        "acme.",
        ".x",
        "x",
        "y",
        "main",
        "x = ",
        "main = ",
    ],
    *["map", "filter", "reduce", "group", "branch", "route", "catch", "retry", "timeout", "cache", "monitor"],
    *["merge", "sum", "count", "min", "mean", "sort", "group_by", "get", "identity", "continue", "when"],
    *["true", "false", "null", "0", "1", "1.50", "1e9", "1e99", "007", "1_000", "9" * 40, "@1.2", "@", "@x"],
    *['"text"', "'text'", '"', "'", '"\\u12"', '"\\ud800"', "amount=", "default=", '"a b"=', "exponential"],
    *["\x00", "\ufeff", "é", "“", "+", "%", "<", ";", "\\", "\ud800", "…"],
]

#: A grammar that is mostly right, so that much of what it makes is compiled.
names = st.sampled_from(
    ["acme.double", "acme.add", "acme.numbers", "acme.any", "acme.text@1", "x", "sum", "merge", "nope"]
)
values = st.sampled_from(["1", "-1.50", "true", "null", '"text"', "[1, [2]]", "loud", "[]"])
expressions = st.recursive(
    names | values,
    lambda inner: (
        st.tuples(inner, st.sampled_from([" >> ", " | ", " & ", " * ", " / ", "\n>> ", ">>\n"]), inner).map(
            "".join
        )
        | inner.map(lambda one: f"({one})")
        | st.tuples(inner, inner, inner).map(lambda parts: f"{parts[0]} ? {parts[1]} : {parts[2]}")
        | st.tuples(st.sampled_from(["map", "filter", "reduce", "group", "catch"]), inner).map(
            lambda parts: f"{parts[0]}({parts[1]})"
        )
        | st.tuples(inner, inner).map(lambda parts: f"branch(a={parts[0]}, b={parts[1]})")
        | st.tuples(inner, inner).map(lambda parts: f'route("k", a={parts[0]}, default={parts[1]})')
        | st.tuples(names, st.sampled_from(["amount", "style", "n", "x"]), values).map(
            lambda parts: f"{parts[0]}({parts[1]}={parts[2]})"
        )
        | st.tuples(
            inner, st.sampled_from(["retry(3)", "retry(0)", "timeout(1)", "cache(ttl=1)", "monitor()"])
        ).map(" >> ".join)
    ),
    max_leaves=15,
)
statements = st.tuples(st.sampled_from(["", "x = ", "main = ", "y = "]), expressions).map("".join)
programs = st.lists(statements, min_size=1, max_size=5).map("\n".join)


def is_read_or_refused(text, registry):
    start = time.process_time()
    with contextlib.suppress(GcelError):
        gl.compile(text, registry=registry)
    assert time.process_time() - start < 5


@FUZZ
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(registry, text):
    is_read_or_refused(text, registry)


@FUZZ
@given(
    st.lists(st.sampled_from(WORDS), max_size=60).map("".join)
    | st.lists(st.sampled_from(WORDS)).map(" ".join)
)
def test_any_row_of_words_is_read_or_refused(registry, text):
    is_read_or_refused(text, registry)


@FUZZ
@given(programs)
def test_any_program_by_the_grammar_is_read_or_refused(registry, text):
    is_read_or_refused(text, registry)


@settings(FUZZ, max_examples=500 * TIMES)
@given(programs, st.data())
def test_any_program_with_a_piece_cut_out_or_put_in_is_read_or_refused(registry, text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    is_read_or_refused(text[:start] + data.draw(st.sampled_from(["", *WORDS])) + text[end:], registry)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "[" * 100_000,
        "map(" * 50_000,
        "-" * 100_000,
        "a ? " * 50_000,
        "a ? b : " * 50_000,
        "a >> " * 150_000,
        "a | (" * 30_000,
        "x = a\n" * 50_000,
        "\n>> a" * 100_000,
        "=" * 100_000,
        '"' * 99_999,
        "1" * 1_000_000,
        "acme." * 100_000,
        "#" * 1_000_000,
        " " * 1_048_576 + "a",
        "\n".join(f"x{i} = {'acme.double' if not i else f'x{i - 1} | x{i - 1}'}" for i in range(60)),
        "branch(" + ", ".join(f"n{i}=acme.nope" for i in range(20_000)) + ")",
    ],
    ids=range(18),
)
def test_large_and_deep_programs_are_refused_at_once(registry, text):
    is_read_or_refused(text, registry)
