"""Programs (docs/gcel.md, 7)."""

import random
import re
import secrets
from decimal import Decimal
from pathlib import Path

import pytest

import greenlang as gl
from greenlang.errors import GcelError

D = Decimal
PAGE = Path(__file__).parents[3] / "docs" / "gcel.md"


@pytest.mark.rule("7.1")
def test_programs(run, registry):
    """One `name = expression` a line, the last expression (or the binding named `main`) being the graph."""
    assert run("x = acme.double\nx >> acme.add", D(1)) == 3
    assert run("main = acme.double\ny = acme.add", D(2)) == 4


@pytest.mark.rule("7.2", "7.3")
def test_a_binding_is_a_definition(registry):
    """A binding is a definition: each use is a step of its own; equal pure steps are shared."""
    plan = gl.compile("x = acme.double\nmain = x | x", registry=registry)
    assert (plan.step_count, plan.planned.wiring.step_count) == (3, 2)


@pytest.mark.rule("7.4", "7.5")
def test_comments_and_lines_that_go_on(run):
    """`#` starts a comment; a line goes on inside brackets or after an operator."""
    assert run("(acme.double # one\n >> acme.add) >>\n\n acme.add # two", D(1)) == 4


@pytest.mark.rule("7.6")
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


@pytest.mark.rule("7.5")
def test_no_line_starts_with_an_operator(refusals):
    """A line goes on inside brackets and after an operator, never before one."""
    assert refusals("acme.double\n>> acme.add") == ["a line starts with '>>'"]


class Grammar:
    """Sentences of the grammar that the page prints: what it says, read and followed."""

    #: What the page leaves to the eye. No name here is one of the language's own, and a binding is new each
    #: time, because what names mean is another rule's.
    WORDS = {  # noqa: RUF012  read only
        "NAME": ["a", "b", "pack", "_x9"],
        "VERSION": ["1", "1.2", "2.0.1"],
        "NUMBER": ["0", "17", "2.50", "1e3"],
        "STRING": ['"s"', "'two words'", '"\\u00e9"'],
        "NEWLINE": ["\n", "\n\n", " # note\n", "\r\n"],
    }

    def __init__(self, text, seed):
        self.random = random.Random(seed)  # noqa: S311  sentences, no secrets
        self.rules = {}
        for name, body in re.findall(r"^(\w+)\s+= (.*) ;$", text, re.MULTILINE):
            self.tokens = re.findall(r'"[^"]+"|[\w]+|[{}\[\]()|]', body)
            self.rules[name] = self.choice("")
        self.bound = 0

    def choice(self, end):
        """`a b | c`, up to a closing bracket."""
        ways = [[]]
        while self.tokens and self.tokens[0] != end:
            part = self.tokens.pop(0)
            if part == "|":
                ways.append([])
            elif part in {"{", "[", "("}:
                ways[-1].append((part, self.choice({"{": "}", "[": "]", "(": ")"}[part])))
                self.tokens.pop(0)
            else:
                ways[-1].append(part)
        return ways

    def sentence(self, name, room):
        if name == "BINDING":
            self.bound += 1
            return f"bound_{self.bound}"
        if name in self.WORDS:
            return self.random.choice(self.WORDS[name])
        return self.of(self.rules[name], room)

    def of(self, ways, room):
        # Where there is no room left, the shortest way out: a name, or a literal without brackets.
        way = self.random.choice(ways) if room > 0 else ways[0]
        parts = []
        for part in way:
            if isinstance(part, tuple):
                kind, inner = part
                times = 1 if kind == "(" else self.random.choice([0, 0, 1]) if room > 0 else 0
                times *= self.random.randint(1, 2) if kind == "{" else 1
                parts += [self.of(inner, room - 1) for _ in range(times)]
            else:
                parts.append(part[1:-1] if part.startswith('"') else self.sentence(part, room - 1))
        return " ".join(parts)


#: What sentences of the grammar may break besides: rules of their own.
OTHER_RULES = [
    "stands between two literals",
    "is given twice",
    "an argument without a name stands after one with a name",
]


@pytest.mark.rule("7.7")
def test_every_sentence_of_the_grammar_is_read():
    """The grammar of the page is that of the parser."""
    (text,) = re.findall(r"```ebnf\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    seed = secrets.randbits(32)
    grammar = Grammar(text, seed)
    assert set(grammar.rules) >= {"program", "literal"}
    read = 0
    for _ in range(3_000):
        sentence = grammar.sentence("program", 16)
        try:
            gl.parse(sentence)
        except GcelError as error:
            told = [
                each.message
                for each in error.diagnostics
                if not any(rule in each.message for rule in OTHER_RULES)
            ]
            assert told == [], f"seed {seed}: {sentence!r}"
        else:
            read += 1
    assert read > 1_000


@pytest.mark.rule("7.7")
@pytest.mark.parametrize(
    "text",
    [
        *(
            "a b",
            "a >>",
            ">> a",
            "a ? b",
            "a ? b :",
            "(a",
            "a)",
            "a(",
            "a(x=)",
            "a(=1)",
            "a@",
            "a@x",
            "[a]",
            "- a",
        ),
        *(
            "a.",
            ".a",
            "a = ",
            "1 = a",
            "a(b c)",
            "a,b",
            "a = b = c",
            "()",
            "[1",
            "a | | b",
            "a(1,,2)",
            "+",
            "a..b",
        ),
    ],
)
def test_what_the_grammar_does_not_have_is_refused(text):
    """And nothing else is read."""
    with pytest.raises(GcelError):
        gl.parse(text)
