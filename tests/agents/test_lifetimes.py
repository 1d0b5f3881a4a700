import asyncio
import subprocess
import sys
import textwrap

import pytest

import greenlang as gl
from greenlang.agents import Discovery, Option, Registry, agent
from greenlang.errors import AgentError


def counter(*, told, name="acme.counter"):
    """A class agent that notes in `told` what happens to it."""

    @agent(name=name, version="1.0.0", effects={"io"})
    class Counter:
        """Counts its calls."""

        def setup(self):
            told.append("setup")
            self.calls = 0

        def __call__(self, value: int, *, step: int = 1) -> int:
            self.calls += step
            return value + self.calls

        def close(self):
            told.append("close")

    return Counter


def waiting(*, told):
    @agent(name="acme.waiting", version="1.0.0", effects={"io"})
    class Waiting:
        async def setup(self):
            await asyncio.sleep(0)
            told.append("setup")

        async def __call__(self, value: int) -> int:
            return value + 1

        async def close(self):
            told.append("close")

    return Waiting


def test_the_contract_of_a_class_is_read_from_its_call():
    spec = counter(told=[]).spec
    assert (spec.input_type, spec.output_type, spec.input_name) == (int, int, "value")
    assert spec.options == (Option("step", int, 1, False),)
    assert (spec.summary, spec.is_async) == ("Counts its calls.", False)
    assert waiting(told=[]).spec.is_async


def test_one_object_serves_every_call_and_is_set_up_by_the_first():
    told = []
    count = counter(told=told)
    registry = Registry([count], discovery=Discovery((), ()))
    plan = gl.compile("acme.counter >> acme.counter(step=10)", registry=registry)
    assert told == []
    assert plan.run(0) == 12
    assert count(0) == 12
    assert told == ["setup"]


def test_called_with_options_alone_it_is_configured():
    count = counter(told=[])
    assert str(count(step=3)) == "acme.counter(step=3)"
    assert count(value=1) == 2


def test_the_last_holder_closes_it():
    told = []
    lifetime = counter(told=told).spec.lifetime
    lifetime.hold()
    lifetime.hold()
    lifetime.release()
    assert told == ["setup"]
    lifetime.release()
    assert told == ["setup", "close"]
    lifetime.hold()
    assert told == ["setup", "close", "setup"]
    lifetime.release()


def test_an_asynchronous_setup_needs_a_runtime():
    told = []
    wait = waiting(told=told)

    async def use():
        with pytest.raises(
            AgentError, match=r"no runtime holds it open; run its plans with arun, in `async with"
        ):
            await wait(1)
        await wait.spec.lifetime.ahold()
        assert await wait(1) == 2
        await wait.spec.lifetime.arelease()

    asyncio.run(use())
    assert told == ["setup", "close"]


def test_outside_of_a_runtime_it_is_closed_at_exit_last_first():
    program = """
        import greenlang as gl

        def make(name):
            @gl.agent(name=f"acme.{name}", version="1.0.0")
            class Made:
                def __call__(self, value):
                    return value
                def close(self):
                    print("close", name)
            return Made

        one, two, unused = make("one"), make("two"), make("unused")
        two(1), one(1), two(1)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n") == ["close one", "close two", ""]


def use(lifetime):
    lifetime.hold()
    lifetime.release()


@pytest.mark.parametrize("method", ["__init__", "setup", "close"])
def test_what_its_own_code_raises_is_told_by_its_name(method):
    def fail(self):
        raise ConnectionError("no route to the meter")

    made = type("Failing", (), {"__call__": lambda self, value: value, method: fail})
    lifetime = agent(name="acme.failing", version="1.0.0")(made).spec.lifetime
    what = {"__init__": "set up", "setup": "set up", "close": "closed"}[method]
    with pytest.raises(
        AgentError, match=rf"agent 'acme\.failing' could not be {what}: ConnectionError: no route"
    ) as told:
        use(lifetime)
    assert isinstance(told.value.__cause__, ConnectionError)


def make_class(**methods):
    return type("Made", (), methods)


async def waits(self, value=None):
    return value


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (make_class(), "is a class without __call__; write its step as def __call__"),
        (
            make_class(__call__=lambda self, value: value, __init__=lambda self, host: None),
            "is a class whose objects need arguments",
        ),
        (make_class(__call__=lambda self: None), "takes no input"),
        (
            make_class(__call__=lambda self, value: value, setup=waits),
            "has an asynchronous setup but a synchronous __call__; write async def __call__, or def setup",
        ),
    ],
)
def test_a_class_that_cannot_be_a_step_is_refused(made, told):
    with pytest.raises(AgentError, match=told):
        agent(name="acme.x", version="1.0.0")(made)


@agent(name="acme.plain", version="1.0.0")
class Plain:
    def __call__(self, value: int) -> int:
        return value


class Base:
    def __call__(self, value: int) -> int:
        return value


@agent(name="acme.inherits", version="1.0.0")
class Inherits(Base):
    pass


def test_the_identity_of_a_class_is_of_its_source():
    registry = Registry(discovery=Discovery((), ()))
    assert registry.code_identity(Plain.spec).startswith("sha256:")
    # What its base says stands elsewhere, and what `told` is, nowhere.
    assert registry.code_identity(Inherits.spec) is None
    assert registry.code_identity(counter(told=[]).spec) is None
