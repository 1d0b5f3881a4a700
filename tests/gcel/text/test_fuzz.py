"""Bad programs: whatever is written, it is refused with a GcelError, at once, or it is read.

Programs by the grammar come from a generator of our own, which is cheap enough for 10,000 of them a run; the
seed is a new one each time and told with what fails. GREENLANG_FUZZ=10 makes ten times as many programs,
GREENLANG_FUZZ_SEED=17 the same ones again.
"""

import contextlib
import os
import random
import secrets
import signal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import greenlang as gl
from greenlang.errors import GcelError
from greenlang.gcel import parse

TIMES = int(os.environ.get("GREENLANG_FUZZ", "1"))
FUZZ = settings(
    max_examples=1_000 * TIMES,
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

#: Names, options and values as programs have them, some of which are wrong here.
AGENTS = ["acme.double", "acme.add", "acme.numbers", "acme.any", "acme.later", "acme.text@1", "acme.nope"]
BUILTINS = ["sum", "count", "merge", "first", "identity", "continue", "sort", "mean(2)", 'get("n")']
BINDINGS = ["x", "y", "main", "emissions"]
VALUES = ["1", "-1.50", "1e3", "true", "null", '"text"', "[1, [2]]", "loud", "[]", "9" * 40, "x"]
OPTIONS = ["amount", "style", "n", "x", '"a b"', "limit"]
MODIFIERS = [
    *("retry(3)", "retry(0)", "retry(2, backoff=linear)", "timeout(1)", "cache(ttl=1)", "monitor()"),
    *("monitor(sla=5)", "catch(0)", "retry"),
]
OPERATORS = [" >> ", " | ", " & ", " * ", " / ", ">>\n", " >>  # on\n"]


class Programs:
    """Random programs, most of them right in form: the same seed gives the same ones."""

    def __init__(self, seed):
        self.random = random.Random(seed)  # noqa: S311  programs, no secrets

    def program(self):
        """One program; one in four has a piece cut out, put in or doubled."""
        chance = self.random
        lines = [self.statement() for _ in range(chance.choice([1, 1, 2, 3, 5]))]
        text = "\n".join(lines)
        return self.torn(text) if chance.random() < 0.25 else text

    def statement(self):
        chance = self.random
        name = f"{chance.choice(BINDINGS)} = " if chance.random() < 0.6 else ""
        return name + self.expression(chance.choice([1, 3, 6, 12]))

    def expression(self, steps):
        """An expression of about this many steps."""
        chance = self.random
        if steps <= 1:
            return self.leaf()
        kind = chance.random()
        if kind < 0.55:
            left = chance.randint(1, steps - 1)
            return self.expression(left) + chance.choice(OPERATORS) + self.expression(steps - left)
        if kind < 0.65:
            return f"({self.expression(steps)})"
        if kind < 0.72:
            third = max(1, steps // 3)
            return (
                f"{self.expression(third)} ? {self.expression(third)} : {self.expression(steps - 2 * third)}"
            )
        if kind < 0.82:
            word = chance.choice(["map", "filter", "reduce", "group", "catch"])
            return f"{word}({self.expression(steps - 1)})"
        half = max(1, steps // 2)
        if kind < 0.87:
            return f'branch(a={self.expression(half)}, "b c"={self.expression(steps - half)})'
        if kind < 0.92:
            return f'route("k", a={self.expression(half)}, default={self.expression(steps - half)})'
        return f"{self.expression(steps - 1)} >> {chance.choice(MODIFIERS)}"

    def leaf(self):
        chance = self.random
        kind = chance.random()
        if kind < 0.45:
            return chance.choice(AGENTS)
        if kind < 0.6:
            return chance.choice(BUILTINS)
        if kind < 0.7:
            return chance.choice(BINDINGS)
        if kind < 0.8:
            return chance.choice(VALUES)
        return f"{chance.choice(AGENTS)}({chance.choice(OPTIONS)}={chance.choice(VALUES)})"

    def torn(self, text):
        chance = self.random
        start = chance.randint(0, len(text))
        end = min(len(text), start + chance.choice([0, 1, 3, 20]))
        put = chance.choice(["", chance.choice(WORDS), text[start:end] * 2])
        return text[:start] + put + text[end:]


@contextlib.contextmanager
def at_most(seconds, text):
    """Fail where reading a text takes longer, even if it never ends."""

    def stop(*_):
        raise AssertionError(f"not read within {seconds} s: {text[:1000]!r}")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def is_read_or_refused(text, registry):
    """Whether it compiled; what is refused has a place and a rule for every error."""
    with at_most(20, text):
        try:
            gl.compile(text, registry=registry)
        except GcelError as error:
            refused = error
        else:
            return True
    assert refused.diagnostics
    assert all(told.message for told in refused.diagnostics)
    return False


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


SEED = int(os.environ.get("GREENLANG_FUZZ_SEED", "0")) or secrets.randbits(32)
BATCH = 2_500


@pytest.mark.parametrize("batch", range(4 * TIMES))
@pytest.mark.rule("8.2")
def test_any_program_by_the_grammar_is_read_or_refused(registry, batch):
    programs = Programs(f"{SEED} {batch}")
    compiled = 0
    for _ in range(BATCH):
        text = programs.program()
        try:
            compiled += is_read_or_refused(text, registry)
        except BaseException as error:
            error.add_note(f"GREENLANG_FUZZ_SEED={SEED}, batch {batch}, program {text!r}")
            raise
    # A generator whose programs are all wrong tests little.
    assert BATCH // 20 < compiled < BATCH, f"GREENLANG_FUZZ_SEED={SEED}"


@pytest.mark.parametrize("batch", range(TIMES))
def test_what_is_read_prints_text_that_reads_back_to_it(batch):
    programs = Programs(f"{SEED} back {batch}")
    read = 0
    for _ in range(BATCH):
        text = programs.program()
        with contextlib.suppress(GcelError):
            graph = parse(text)
            assert parse(str(graph)) == graph, f"GREENLANG_FUZZ_SEED={SEED}, batch {batch}, {text!r}"
            assert str(parse(str(graph))) == str(graph)
            read += 1
    assert read > BATCH // 3


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
