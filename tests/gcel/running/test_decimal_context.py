"""Steps compute exactly or fail, and none loosens that for others."""

import asyncio
from decimal import Context, Decimal, Inexact, getcontext, localcontext, setcontext

import pytest

import greenlang as gl
from greenlang.agents import agent

from ..conftest import double


@agent(name="test.third", version="1.0.0")
def third(x: Decimal) -> Decimal:
    return x / 3


@agent(name="test.loosen", version="1.0.0")
def loosen(x: Decimal) -> Decimal:
    getcontext().prec = 5
    return x


@agent(name="test.rough", version="1.0.0")
def rough(x: Decimal) -> Decimal:
    with localcontext(prec=3) as context:
        context.traps[Inexact] = False
        return x / 3


@agent(name="test.rate", version="1.0.0")
def rate(x: Decimal) -> Decimal:
    return x * Decimal(0.1)  # noqa: RUF032  what it must not do


@agent(name="test.share", version="1.0.0")
def share(x: Decimal) -> Decimal:
    return Decimal(1) / x


@pytest.mark.parametrize(
    ("step", "value", "told"),
    [
        (
            third,
            1,
            "more than 76 digits would be rounded away unseen: say to how many places, with gl.divide",
        ),
        (rate, 1, 'a float has lost digits already: write Decimal("0.1"), in quotes'),
        (share, 0, "give a denominator other than zero"),
    ],
)
def test_an_error_of_decimals_comes_with_what_mends_it(step, value, told):
    with pytest.raises(ArithmeticError) as caught:
        gl.compile(step).run(Decimal(value))
    assert told in caught.value.__notes__[0]


def test_steps_compute_exactly_or_fail():
    before = getcontext()
    with pytest.raises(Inexact):
        gl.compile(third).run(Decimal(1))
    assert getcontext() is before
    assert gl.compile(third).run(Decimal(9)) == 3


@agent(name="test.leave_it", version="1.0.0")
def leave_it(x: Decimal) -> Decimal:
    setcontext(Context(prec=5))
    return x


@agent(name="test.pause", version="1.0.0")
async def pause(x: Decimal) -> Decimal:
    await asyncio.sleep(0)
    return x


@pytest.mark.parametrize(
    "graph",
    [
        leave_it >> rough,
        leave_it >> pause,
        pause >> leave_it,
        gl.group(leave_it >> pause >> rough) >> gl.retry(1),
        [Decimal(1)] * leave_it,
        [Decimal(1)] * (leave_it >> pause),
    ],
)
def test_a_step_that_sets_another_context_for_others_fails_the_run(graph):
    before = getcontext()
    with pytest.raises(RuntimeError, match=r"setcontext\(\).*take `with decimal\.localcontext"):
        gl.compile(graph).run(Decimal(1))
    assert getcontext() is before


def test_a_step_may_put_a_copy_of_the_context_in_its_place():
    @agent(name="test.put_back", version="1.0.0")
    def put_back(x: Decimal) -> Decimal:
        before = getcontext().copy()
        setcontext(Context(prec=5))
        setcontext(before)
        return x

    assert gl.compile(put_back >> rough).run(Decimal(1)) == Decimal("0.333")


def test_items_are_given_one_by_one_only_while_they_are_exact():
    with pytest.raises(RuntimeError, match=r"setcontext\(\)"):
        list(gl.compile(gl.identity * leave_it).each([Decimal(1)]))


def test_no_step_can_loosen_the_context_for_others():
    with pytest.raises(AttributeError, match=r"take `with decimal\.localcontext"):
        gl.compile(loosen).run(Decimal(1))
    assert gl.compile(rough).run(Decimal(1)) == Decimal("0.333")
    with pytest.raises(Inexact):
        gl.compile(rough >> double >> third).run(Decimal(2))
