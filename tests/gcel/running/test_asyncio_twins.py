"""Cancellation, timeouts, task groups and context variables: the same in plain asyncio and in a plan.

Every scenario runs in both. The twin of a plan is what one would write without it: a task group of the same
coroutines. What comes out must be the same, and so must what each step saw, in its order.
"""

import asyncio
import contextvars
import functools
from decimal import Decimal

import pytest

import greenlang as gl
from greenlang.agents import agent
from greenlang_core.limits import StepTimeout

VARIABLE = contextvars.ContextVar("twins", default="unset")
FORMS = ("one", "branches", "map")


class Story:
    """What each step saw, by the number of the step."""

    def __init__(self):
        self.lines = {}

    def tell(self, number, line):
        self.lines.setdefault(number, []).append(line)

    async def reaches(self, line):
        """Wait until every step has told a line."""
        while not self.lines or not all(line in told for told in self.lines.values()):
            await asyncio.sleep(0)


def plain(step, story, form):
    numbers = [0] if form == "one" else [0, 1, 2]

    async def main():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(step(story, number)) for number in numbers]
        outputs = [task.result() for task in tasks]
        return outputs[0] if form == "one" else outputs

    return main()


def planned(step, story, form, needs_task):
    @agent(name="twin.step", version="1.0.0", effects=["io"], needs_task=needs_task)
    async def numbered(_: object, *, number: int = 0) -> object:
        return await step(story, number)

    @agent(name="twin.item", version="1.0.0", effects=["io"], needs_task=needs_task)
    async def of_item(number: int) -> object:
        return await step(story, number)

    if form == "map":
        return gl.compile(gl.identity * of_item).arun([0, 1, 2])
    if form == "one":
        return gl.compile(numbered).arun(None)
    branches = [numbered(number=number) for number in range(3)]
    return gl.compile(functools.reduce(lambda left, right: left | right, branches)).arun(None)


async def told(start, story, driver):
    """How a run ends, what its steps saw, and what is left of it."""
    VARIABLE.set("caller")
    task = asyncio.create_task(start())
    try:
        if driver is not None:
            await driver(task, story)
        ended = f"gave {await task}"
    except BaseExceptionGroup as group:
        (error,) = group.exceptions
        ended = f"raised {type(error).__name__} {error}"
    except BaseException as error:
        ended = f"raised {type(error).__name__} {error}"
    return ended, story.lines, VARIABLE.get(), len(asyncio.all_tasks())


def assert_twins(step, form, *, needs_task, driver=None):
    ends = []
    for start in (plain, functools.partial(planned, needs_task=needs_task)):
        story = Story()
        ends.append(asyncio.run(told(functools.partial(start, step, story, form), story, driver)))
    assert ends[0] == ends[1]
    assert ends[0][1].keys() == ({0} if form == "one" else {0, 1, 2})
    return ends[0]


in_every_form = pytest.mark.parametrize("form", FORMS)
with_or_without_a_task = pytest.mark.parametrize("needs_task", [False, True])


# What a step does by itself


async def keeps_within_its_timeout(story, number):
    async with asyncio.timeout(5):
        await asyncio.sleep(0)
        story.tell(number, "in time")
    return number


async def outlasts_its_timeout(story, number):
    try:
        async with asyncio.timeout(0.001):
            await asyncio.sleep(30)
    except TimeoutError:
        story.tell(number, "timed out")
    return number


async def outlasts_a_timeout_in_a_timeout(story, number):
    try:
        async with asyncio.timeout(0.001):
            try:
                async with asyncio.timeout(5):
                    await asyncio.sleep(30)
            except TimeoutError:
                story.tell(number, "the wrong timeout")
    except TimeoutError:
        story.tell(number, "the outer timeout")


async def lets_its_timeout_out(story, number):
    story.tell(number, "starts")
    async with asyncio.timeout(0.001 if number == 0 else 30):
        await asyncio.sleep(30)


async def waits_for_what_is_slow(story, number):
    try:
        await asyncio.wait_for(asyncio.sleep(30), 0.001)
    except TimeoutError:
        story.tell(number, "timed out")


async def has_a_group_of_its_own(story, number):
    async def double(x):
        await asyncio.sleep(0)
        return x * 2

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(double(x)) for x in range(3)]
    story.tell(number, [task.result() for task in tasks])
    return number


async def has_a_group_that_fails(story, number):
    async def fail():
        await asyncio.sleep(0)
        raise ValueError(number)

    async def sleep():
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            story.tell(number, "sibling cancelled")
            raise

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(sleep())
            group.create_task(fail())
    except* ValueError as errors:
        story.tell(number, [str(error) for error in errors.exceptions])
    return asyncio.current_task().cancelling()


async def cancels_itself_and_goes_on(story, number):
    task = asyncio.current_task()
    task.cancel()
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        story.tell(number, f"cancelled, {task.cancelling()} asked, {task.uncancel()} left")
    await asyncio.sleep(0)
    return number


async def shields_its_work(story, number):
    work = asyncio.create_task(asyncio.sleep(0.001, number))
    try:
        async with asyncio.timeout(0):
            await asyncio.shield(work)
    except TimeoutError:
        story.tell(number, await work)


@in_every_form
@pytest.mark.parametrize(
    "step",
    [
        keeps_within_its_timeout,
        outlasts_its_timeout,
        outlasts_a_timeout_in_a_timeout,
        lets_its_timeout_out,
        waits_for_what_is_slow,
        has_a_group_of_its_own,
        has_a_group_that_fails,
        cancels_itself_and_goes_on,
        shields_its_work,
    ],
)
def test_a_step_with_a_task_of_its_own_does_as_in_any_task(step, form):
    assert_twins(step, form, needs_task=True)


# What becomes of a step when others fail, or the run is cancelled


async def sleeps_and_cleans_up(story, number):
    story.tell(number, "asleep")
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError as error:
        story.tell(number, f"cancelled {error.args}")
        raise
    finally:
        await asyncio.sleep(0)
        story.tell(number, "cleaned up")


async def swallows_being_cancelled(story, number):
    story.tell(number, "asleep")
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        story.tell(number, "cancelled")
    await asyncio.sleep(0)
    story.tell(number, "goes on")
    return number


async def cancel(task, story):
    await story.reaches("asleep")
    task.cancel()


async def time_out(task, story):
    await story.reaches("asleep")
    async with asyncio.timeout(0.001):
        await task


async def cancel_before_it_starts(task, story):
    story.tell(0, "asleep")
    task.cancel()


@in_every_form
@with_or_without_a_task
@pytest.mark.parametrize("driver", [cancel, time_out])
@pytest.mark.parametrize("step", [sleeps_and_cleans_up, swallows_being_cancelled])
def test_a_run_that_is_cancelled_cancels_its_steps_and_waits_for_them(step, driver, form, needs_task):
    ended, *_ = assert_twins(step, form, needs_task=needs_task, driver=driver)
    assert ended.startswith("raised TimeoutError" if driver is time_out else "raised CancelledError")


@with_or_without_a_task
def test_a_run_that_is_cancelled_before_it_starts_starts_nothing(needs_task):
    _, story, *_ = assert_twins(
        sleeps_and_cleans_up, "one", needs_task=needs_task, driver=cancel_before_it_starts
    )
    assert story == {0: ["asleep"]}


def test_a_run_that_is_cancelled_says_so_whatever_its_steps_raise_then():
    """As `asyncio.gather` does; a task group raises what they raise."""

    async def fails_at_being_cancelled(story, number):
        story.tell(number, "asleep")
        try:
            await asyncio.sleep(30)
        finally:
            raise ValueError(number)

    for form in FORMS:
        story = Story()
        start = functools.partial(planned, fails_at_being_cancelled, story, form, False)
        ended, *_ = asyncio.run(told(start, story, cancel))
        assert ended == "raised CancelledError "


async def fails_beside_the_others(story, number):
    if number == 0:
        await asyncio.sleep(0)
        story.tell(number, "fails")
        raise ValueError("number 0")
    await sleeps_and_cleans_up(story, number)


async def fails_beside_who_swallows(story, number):
    if number == 0:
        await asyncio.sleep(0)
        story.tell(number, "fails")
        raise ValueError("number 0")
    return await swallows_being_cancelled(story, number)


async def raises_cancellation_by_itself(story, number):
    story.tell(number, "starts")
    await asyncio.sleep(0)
    raise asyncio.CancelledError("of its own")


@in_every_form
@with_or_without_a_task
@pytest.mark.parametrize("step", [fails_beside_the_others, fails_beside_who_swallows])
def test_a_step_that_fails_cancels_the_others_and_its_error_comes_when_they_have_ended(
    step, form, needs_task
):
    ended, *_ = assert_twins(step, form, needs_task=needs_task)
    assert ended == "raised ValueError number 0"


@with_or_without_a_task
def test_a_step_that_raises_cancellation_ends_its_run_so(needs_task):
    ended, *_ = assert_twins(raises_cancellation_by_itself, "one", needs_task=needs_task)
    assert ended == "raised CancelledError of its own"


@in_every_form
def test_a_step_that_should_have_a_task_of_its_own_is_told_so(form):
    async def main():
        with pytest.raises(asyncio.CancelledError) as caught:
            await planned(outlasts_its_timeout, Story(), form, needs_task=False)
        return caught.value.__notes__[0]

    assert "nobody cancelled the run: an agent that sets timeouts" in asyncio.run(main())


@in_every_form
def test_a_run_that_is_cancelled_is_told_nothing_of_tasks(form):
    async def main():
        story = Story()
        task = asyncio.create_task(planned(sleeps_and_cleans_up, story, form, needs_task=False))
        await cancel(task, story)
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return caught.value.__notes__[0]

    assert "nobody cancelled the run" not in asyncio.run(main())


# Context variables


async def sets_a_variable(story, number):
    story.tell(number, VARIABLE.get())
    VARIABLE.set(f"step {number}")
    await asyncio.sleep(0)
    story.tell(number, VARIABLE.get())
    return VARIABLE.get()


async def sets_a_variable_at_once(story, number):
    story.tell(number, VARIABLE.get())
    VARIABLE.set(f"step {number}")
    return VARIABLE.get()


@in_every_form
@with_or_without_a_task
@pytest.mark.parametrize("step", [sets_a_variable, sets_a_variable_at_once])
def test_a_step_has_context_variables_of_its_own(step, form, needs_task):
    _, story, callers, _ = assert_twins(step, form, needs_task=needs_task)
    assert all(lines[0] == "caller" for lines in story.values())
    assert callers == "caller"


def seen_by(*steps):
    """What each step of a chain, given as the word for its kind, sees of the variable before it sets it."""
    seen = []

    def look(number):
        seen.append(VARIABLE.get())
        VARIABLE.set(f"step {number}")

    @agent(name="twin.computes", version="1.0.0", effects=["io"])
    def computes(_: object, *, number: int) -> object:
        look(number)

    @agent(name="twin.waits", version="1.0.0", effects=["io"])
    async def waits(_: object, *, number: int) -> object:
        look(number)
        await asyncio.sleep(0)

    @agent(name="twin.blocks", version="1.0.0", effects=["io"], blocking=True)
    def blocks(_: object, *, number: int) -> object:
        look(number)

    kinds = {"computes": computes, "waits": waits, "blocks": blocks}
    graph = gl.identity
    for number, kind in enumerate(steps):
        graph = graph >> kinds[kind](number=number)

    def in_a_context():
        VARIABLE.set("caller")
        gl.compile(graph).run(None)
        return VARIABLE.get()

    assert contextvars.copy_context().run(in_a_context) == "caller"
    return seen


def test_steps_that_compute_in_place_share_the_variables_of_their_run():
    assert seen_by("computes", "computes", "computes") == ["caller", "step 0", "step 1"]
    assert seen_by("computes", "waits", "blocks", "computes") == ["caller", "step 0", "step 0", "step 0"]
    assert seen_by("waits", "waits", "blocks", "blocks") == ["caller"] * 4


# The modifier, and asyncio's own timeout


async def cleans_up_when_late(story, number):
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        story.tell(number, "cancelled")
        raise
    finally:
        await asyncio.sleep(0)
        story.tell(number, "cleaned up")


async def fails_before_it_is_late(story, number):
    story.tell(number, "fails")
    await asyncio.sleep(0)
    raise ValueError(number)


async def is_in_time(story, number):
    for _ in range(3):
        await asyncio.sleep(0)
    story.tell(number, "in time")
    return number


async def swallows_being_late(story, number):
    story.tell(number, "asleep")
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        story.tell(number, "cancelled")
    return number


def limited(step, seconds, *, needs_task):
    """A plan of the step under the modifier, its twin, and what each of their steps saw."""
    stories = Story(), Story()

    @agent(name="twin.limited", version="1.0.0", effects=["io"], needs_task=needs_task)
    async def limited_step(_: object) -> object:
        return await step(stories[0], 0)

    async def twin():
        async with asyncio.timeout(seconds):
            return await step(stories[1], 0)

    plan = gl.compile(limited_step >> gl.timeout(Decimal(str(seconds))))
    return lambda: plan.arun(None), twin, stories


@with_or_without_a_task
@pytest.mark.parametrize("step", [cleans_up_when_late, fails_before_it_is_late, is_in_time])
def test_the_modifier_ends_a_step_as_asyncio_does(step, needs_task):
    *runs, stories = limited(step, 0.01, needs_task=needs_task)
    ends = [asyncio.run(told(run, story, None)) for run, story in zip(runs, stories, strict=True)]
    late = "raised StepTimeout the step took longer than its timeout of 0.01 s"
    assert ends[0][0] == (late if ends[1][0] == "raised TimeoutError " else ends[1][0])
    assert issubclass(StepTimeout, TimeoutError)
    assert ends[0][1:] == ends[1][1:]


@with_or_without_a_task
def test_a_step_that_is_late_has_failed_though_it_swallows_that(needs_task):
    run, _, (story, _) = limited(swallows_being_late, 0.01, needs_task=needs_task)
    ended, lines, _, left = asyncio.run(told(run, story, None))
    assert ended.startswith("raised StepTimeout")
    assert lines == {0: ["asleep", "cancelled"]}
    assert left == 1


async def cleans_up_slowly(story, number):
    story.tell(number, "asleep")
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        story.tell(number, "cancelled")
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            story.tell(number, "cancelled again")
            raise


@with_or_without_a_task
def test_a_run_that_is_cancelled_while_a_step_is_late_ends_when_it_has(needs_task):
    async def main():
        run, _, (story, _) = limited(cleans_up_slowly, 0.01, needs_task=needs_task)
        task = asyncio.create_task(run())
        await story.reaches("cancelled")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return story.lines[0], len(asyncio.all_tasks())

    assert asyncio.run(main()) == (["asleep", "cancelled", "cancelled again"], 1)
