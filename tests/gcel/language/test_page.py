"""The page and its rules: every rule has a test that cites it, every example compiles."""

import ast
import re
from pathlib import Path

import pytest

import greenlang as gl

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parents[1] / "docs" / "gcel.md"


def rules():
    return re.findall(r"\*\*(\d+\.\d+)\*\*", PAGE.read_text("utf-8"))


def cited():
    """The rules that `@pytest.mark.rule(...)` names on the tests of the language."""
    found = set()
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.rule":
                        found.update(each.value for each in mark.args)
    return found


def test_every_rule_of_the_page_is_cited_by_a_test_and_no_other():
    assert len(rules()) == len(set(rules())) > 60
    assert set(rules()) - cited() == set()
    assert cited() - set(rules()) == set()


def test_rules_are_numbered_in_their_order():
    numbers = [tuple(map(int, rule.split("."))) for rule in rules()]
    assert numbers == sorted(numbers)
    for chapter in {first for first, _ in numbers}:
        seconds = [second for first, second in numbers if first == chapter]
        assert seconds == list(range(1, len(seconds) + 1))


def blocks():
    parts = PAGE.read_text(encoding="utf-8").split("```")
    return [part.removeprefix("gcel\n") for part in parts[1::2] if part.startswith("gcel\n")]


@pytest.mark.parametrize("block", blocks())
def test_the_examples_of_the_page_compile(block, registry):
    gl.compile(block, registry=registry)
