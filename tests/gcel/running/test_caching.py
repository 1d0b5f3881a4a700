"""GCEL.md: "`cache(ttl=seconds)`: stores successes of pure steps only, keyed by tenant, step key and input;
one flight at a time."
"""

import asyncio
import itertools
import threading
import time
from decimal import Decimal

import pytest

import greenlang as gl
from greenlang.agents import agent

#: Inputs that no other test caches an output for.
FRESH = itertools.count(1_000)

CALLS: list[object] = []


@agent(name="cached.note", version="1.0.0", effects=["pure"])
def note(x: object) -> object:
    CALLS.append(x)
    return x


@agent(name="cached.note", version="1.1.0", effects=["pure"])
def newer(x: object) -> object:
    CALLS.append(x)
    return x


@agent(name="cached.same", version="1.0.0", effects=["pure"])
def same(x: object) -> object:
    return x


@agent(name="cached.slow", version="1.0.0", effects=["pure"], blocking=True)
def slow(x: object) -> object:
    time.sleep(0.05)
    CALLS.append(x)
    return x


@agent(name="cached.fail", version="1.0.0", effects=["pure"])
def fail(x: object) -> object:
    CALLS.append(x)
    raise OSError(x)


FAILURES: list[Exception] = []


@agent(name="cached.once", version="1.0.0", effects=["pure"])
def once(x: object) -> object:
    if FAILURES:
        raise FAILURES.pop()
    return x


REGISTRY = gl.Registry([note, newer, same, slow, fail])


def calls(*plans, **options):
    """How often agents are called when each plan (text) runs on the same new value."""
    value = next(FRESH)
    CALLS.clear()
    for plan in plans:
        made = gl.compile(plan, registry=REGISTRY) if isinstance(plan, str) else plan
        made.run(value, **options)
    return len(CALLS)


def test_a_step_is_kept_by_its_key_whichever_plan_it_stands_in():
    """keyed by [...] step key"""
    one, other = "cached.note >> cache(ttl=60)", "cached.note >> cache(ttl=60) >> cached.same"
    assert calls(one, one, other) == 1


@pytest.mark.parametrize(
    "other",
    [
        "cached.note@1.0 >> cache(ttl=60)",
        "cached.same >> cached.note >> cache(ttl=60)",
        "cached.note >> cache(ttl=30)",
    ],
)
def test_a_step_with_another_key_is_kept_apart(other):
    """keyed by [...] step key"""
    assert calls("cached.note >> cache(ttl=60)", other) == 2


def test_tenants_are_kept_apart():
    """keyed by tenant"""
    plan, value = gl.compile("cached.note >> cache(ttl=60)", registry=REGISTRY), next(FRESH)
    CALLS.clear()
    for tenant in ["a", "b", "a", ""]:
        plan.run(value, tenant=tenant)
    assert len(CALLS) == 3


def test_inputs_are_kept_apart_to_the_last_zero():
    """keyed by [...] input"""
    plan = gl.compile("cached.note >> cache(ttl=60)", registry=REGISTRY)
    CALLS.clear()
    for value in [gl.compile("[1.50]").run(None), gl.compile("[1.5]").run(None), ["1.5"], ("1.5",)]:
        plan.run(value)
    assert len(CALLS) == 4


def test_failures_are_not_kept():
    """stores successes [...] only"""
    value = next(FRESH)
    CALLS.clear()
    for _ in range(2):
        with pytest.raises(OSError, match=str(value)):
            gl.compile("cached.fail >> cache(ttl=60)", registry=REGISTRY).run(value)
    assert sorted(CALLS) == [value, value]


def test_what_a_reader_changed_is_not_given_again():
    """No agent may change what it is given, and one that does harms its own run alone."""

    @agent(name="cached.listed", version="1.0.0", effects=["pure"])
    def listed(x: int) -> list[int]:
        return [x]

    @agent(name="cached.spoil", version="1.0.0", effects=["pure"])
    def spoil(xs: list[int]) -> list[int]:
        xs.append(0)
        return xs

    plan, value = gl.compile(listed >> gl.cache(ttl=60) >> spoil), next(FRESH)
    assert [plan.run(value), plan.run(value)] == [[value, 0], [value, 0]]


def test_code_that_cannot_be_told_apart_shares_nothing():
    def made(add):
        @agent(name="cached.made", version="1.0.0", effects=["pure"])
        def function(x: int) -> int:
            return x + add

        return gl.compile(function >> gl.cache(ttl=60))

    value = next(FRESH)
    assert [made(1).run(value), made(2).run(value)] == [value + 1, value + 2]


def test_threads_and_tasks_share_one_flight():
    """one flight at a time"""
    plan = gl.compile("cached.slow >> cache(ttl=60)", registry=REGISTRY)
    value = next(FRESH)
    CALLS.clear()

    async def several():
        return await asyncio.gather(*[plan.arun(value) for _ in range(5)])

    threads = [threading.Thread(target=asyncio.run, args=(several(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(CALLS) == 1


def test_flights_of_tenants_are_their_own():
    """one flight at a time"""
    plan = gl.compile("cached.slow >> cache(ttl=60)", registry=REGISTRY)
    value = next(FRESH)
    CALLS.clear()

    async def both():
        return await asyncio.gather(plan.arun(value, tenant="a"), plan.arun(value, tenant="b"))

    assert asyncio.run(both()) == [value, value]
    assert sorted(CALLS) == [value, value]


# Flights of others


def test_loops_that_wait_for_each_others_flights_both_go_on():
    """one flight at a time"""

    @agent(name="cached.fly", version="1.0.0", effects=["pure"])
    async def fly(x: int) -> int:
        CALLS.append(x)
        await asyncio.sleep(0.02)
        return x

    plan = gl.compile(fly >> gl.cache(ttl=60))
    first, second = next(FRESH), next(FRESH)
    CALLS.clear()
    given = {}

    async def both(one, other):
        flying = asyncio.create_task(plan.arun(one))
        while one not in CALLS or other not in CALLS:
            await asyncio.sleep(0.001)
        given[one] = await asyncio.gather(plan.arun(other), flying)

    threads = [
        threading.Thread(target=asyncio.run, args=(both(*values),), daemon=True)
        for values in [(first, second), (second, first)]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert given == {first: [second, first], second: [first, second]}
    assert sorted(CALLS) == [first, second]


def test_a_plan_that_computes_in_place_waits_for_no_flight_of_its_own_loop():
    """It would wait for ever: nothing else goes on meanwhile."""
    FAILURES.append(OSError("once"))
    kept = once >> gl.retry(1, base=Decimal("0.02"), jitter=False) >> gl.cache(ttl=60)
    in_loop, in_place = gl.compile(kept >> slow), gl.compile(kept)
    value = next(FRESH)

    async def main():
        flying = asyncio.create_task(in_loop.arun(value))
        await asyncio.sleep(0.005)
        return in_place.run(value), await flying

    assert asyncio.run(main()) == (value, value)


def test_waiting_for_a_flight_of_another_thread_counts_against_the_deadline():
    landed = threading.Event()

    @agent(name="cached.long", version="1.0.0", effects=["pure"])
    def long(x: int) -> int:
        CALLS.append(x)
        landed.wait(5)
        return x

    plan = gl.compile(long >> gl.cache(ttl=60))
    value = next(FRESH)
    CALLS.clear()
    thread = threading.Thread(target=plan.run, args=(value,))
    thread.start()
    while not CALLS:
        time.sleep(0.001)
    with pytest.raises(TimeoutError, match="deadline"):
        plan.run(value, deadline=0.01)
    landed.set()
    thread.join()
    assert [value] == CALLS
