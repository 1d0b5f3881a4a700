"""Any graph, in both faces (docs/gcel.md, 1)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import greenlang as gl

from ..conftest import anything, double, later


def python_of(tree):
    """A tree of names, operators and words in Python's face."""
    if isinstance(tree, str):
        return {"acme.double": double, "acme.any": anything, "acme.later": later, "sum": gl.sum}[tree]
    word, *parts = tree
    built = [python_of(part) for part in parts]
    composed = {
        ">>": lambda a, b: a >> b,
        "|": lambda a, b: a | b,
        "&": lambda a, b: a & b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
        "?": gl.when,
        "branch": lambda a, b: gl.branch({"a": a, "b c": b}),
        "route": lambda a, b: gl.route("k", a=a, default=b),
        "map": gl.map,
        "filter": gl.filter,
        "reduce": gl.reduce,
        "group": gl.group,
    }
    return composed[word](*built)


def text_of(tree):
    """The same tree in text, with every parenthesis."""
    if isinstance(tree, str):
        return tree
    word, *parts = tree
    built = [text_of(part) for part in parts]
    if word == "?":
        return f"({built[0]} ? {built[1]} : {built[2]})"
    if word in {"branch", "route"}:
        return (
            f'branch(a={built[0]}, "b c"={built[1]})'
            if word == "branch"
            else f'route("k", a={built[0]}, default={built[1]})'
        )
    return f"({built[0]} {word} {built[1]})" if len(built) == 2 else f"{word}({built[0]})"


trees = st.recursive(
    st.sampled_from(["acme.double", "acme.any", "acme.later", "sum"]),
    lambda inner: (
        st.tuples(st.sampled_from([">>", "|", "&", "*", "/", "branch", "route"]), inner, inner)
        | st.tuples(st.sampled_from(["map", "filter", "reduce", "group"]), inner)
        | st.tuples(st.just("?"), inner, inner, inner)
    ),
    max_leaves=20,
)


@pytest.mark.rule("1.1", "1.2")
@settings(max_examples=300)
@given(trees)
def test_both_faces_print_the_same_text_and_it_reads_back(tree):
    """`str(graph)` prints canonical text that parses back to the same graph, from text and from Python."""
    composed = python_of(tree)
    written = gl.parse(text_of(tree))
    assert str(gl.group(composed)) == str(gl.group(written))
    assert str(gl.parse(str(written))) == str(written)
