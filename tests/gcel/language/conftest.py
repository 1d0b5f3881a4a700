"""What every chapter asks of a program: run it, compare it with others, tell what is refused."""

import pytest

import greenlang as gl
from greenlang.errors import GcelError


@pytest.fixture
def run(registry):
    return lambda program, value=None: gl.compile(program, registry=registry).run(value)


@pytest.fixture
def same(registry):
    """Whether programs, in either face, are one plan."""

    def check(*programs):
        assert len({gl.compile(program, registry=registry).hash for program in programs}) == 1

    return check


@pytest.fixture
def refusals(registry):
    def told(program):
        with pytest.raises(GcelError) as caught:
            gl.compile(program, registry=registry)
        return [each.message for each in caught.value.diagnostics]

    return told
