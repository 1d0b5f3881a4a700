"""The order of hooks is compared with pluggy's own; what they may do and not do, with plugins from files."""

import asyncio
import importlib
import itertools
import sys
import textwrap
from decimal import Decimal

import pluggy
import pytest

import greenlang as gl
from greenlang.agents import Discovery, Plugin, Registry, agent, hooks
from greenlang.agents.plugins import Plugins
from greenlang.engine.lifecycle import acall, call
from greenlang.errors import InputError, QuantityError

HEAD = "import asyncio\nfrom greenlang.agents.hooks import hookimpl\n"


@agent(name="own.double", version="1.0.0", effects={"pure"})
def double(value: Decimal) -> Decimal:
    return value * 2


PLAN = gl.compile("own.double", registry=Registry([double], discovery=Discovery((), ())))

numbers = itertools.count()


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Makes the hooks of plugins whose codes are given, in the order in which they are registered."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def make(*codes):
        lifecycle = {}
        plugins = Plugins(lambda plugin: None, lifecycle)
        for code in codes:
            name = f"lifecycle_plugin_{next(numbers)}"
            made.append(name)
            (tmp_path / f"{name}.py").write_text(HEAD + textwrap.dedent(code))
            importlib.invalidate_caches()
            plugins.register(Plugin(name, "1.0.0", name, tmp_path, (name,), None))
        return lifecycle

    yield make
    for name in made:
        sys.modules.pop(name, None)


def run(installed, given, work=PLAN.run, **kwargs):
    return call(installed, PLAN, given, work, tenant="acme", **kwargs)


def arun(installed, given, work=PLAN.arun, **kwargs):
    return asyncio.run(acall(installed, PLAN, given, work, tenant="acme", **kwargs))


BOTH = pytest.mark.parametrize("running", [run, arun], ids=["sync", "async"])

TRACING = """
    import functools

    def note(name, context):
        context.notes.setdefault("trace", []).append(name)
        print(name)

    @hookimpl
    def pre_init(context): note("pre_init", context)
    @hookimpl
    async def post_init(context): note("post_init", context)
    @hookimpl
    def pre_validate(context): note("pre_validate", context)
    @hookimpl
    async def post_validate(context):
        await asyncio.sleep(0)
        note("post_validate", context)
    @hookimpl
    def pre_execute(context): note("pre_execute", context)
    @hookimpl
    def post_execute(context): note(f"post_execute {context.output}", context)
    @hookimpl
    def on_error(context): note(f"on_error {context.error}", context)
    @hookimpl
    async def cleanup(context): note(f"cleanup {context.tenant} {len(context.notes['trace'])}", context)
"""


@BOTH
def test_every_hook_runs_in_its_place(install, capsys, running):
    assert running(install(TRACING), Decimal("1.5")) == Decimal("3.0")
    assert capsys.readouterr().out.splitlines() == [
        "pre_init",
        "post_init",
        "pre_validate",
        "post_validate",
        "pre_execute",
        "post_execute 3.0",
        "cleanup acme 6",
    ]


@BOTH
def test_agents_are_opened_between_the_hooks_of_the_beginning(install, capsys, running):
    def prepare():
        print("prepare")

    async def aprepare():
        print("prepare")

    running(install(TRACING), Decimal(1), prepare=aprepare if running is arun else prepare)
    assert capsys.readouterr().out.splitlines()[:3] == ["pre_init", "prepare", "post_init"]


@BOTH
def test_a_failure_is_told_to_the_hooks_and_raised(install, capsys, running):
    def fail(value):
        raise ConnectionError("no route")

    with pytest.raises(ConnectionError, match="no route"):
        running(install(TRACING), Decimal(1), work=fail)
    assert capsys.readouterr().out.splitlines()[-2:] == ["on_error no route", "cleanup acme 6"]


ORDERS = [
    "@hookimpl\ndef pre_execute(): print({0})",
    "@hookimpl(tryfirst=True)\ndef pre_execute(): print({0})",
    "@hookimpl(trylast=True)\ndef pre_execute(context): print({0})",
    "@hookimpl(wrapper=True)\ndef pre_execute():\n    print('in', {0})\n    yield\n    print('out', {0})",
]
ORDERS.append(ORDERS[-1].replace("wrapper=True", "wrapper=True, tryfirst=True"))


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::13])
@BOTH
def test_the_order_is_pluggys(install, capsys, running, order):
    codes = [ORDERS[kind].format(f"'plugin {number}'") for number, kind in enumerate(order)]
    reference = pluggy.PluginManager(hooks.GROUP)
    reference.add_hookspecs(hooks)
    for number, code in enumerate(codes):
        module = type(sys)(f"reference_{number}")
        exec(HEAD + code, vars(module))  # noqa: S102  the same text that the plugins have
        reference.register(module)
    reference.hook.pre_execute(context=None)
    expected = capsys.readouterr().out
    running(install(*codes), Decimal(1))
    assert capsys.readouterr().out == expected
    assert len(expected.splitlines()) == 7


@BOTH
def test_a_wrapper_surrounds_what_is_waited_for(install, capsys, running):
    wrapper = """
        @hookimpl(wrapper=True)
        def pre_execute():
            print("before")
            yield
            print("after")
    """
    waits = """
        @hookimpl
        async def pre_execute():
            await asyncio.sleep(0.001)
            print("waited")
    """
    running(install(wrapper, waits), Decimal(1))
    assert capsys.readouterr().out.split() == ["before", "waited", "after"]


@BOTH
def test_a_wrapper_may_swallow_what_a_hook_raises(install, running):
    wrapper = """
        @hookimpl(wrapper=True)
        def pre_execute():
            try:
                yield
            except ValueError:
                pass
    """
    fails = """
        @hookimpl
        def pre_execute():
            raise ValueError("swallow me")
    """
    assert running(install(wrapper, fails), Decimal(2)) == 4


@BOTH
def test_a_wrapper_that_yields_twice_is_told(install, running):
    twice = """
        @hookimpl(wrapper=True)
        def pre_execute():
            yield
            yield
    """
    with pytest.raises(RuntimeError, match="yields twice"):
        running(install(twice), Decimal(2))


@BOTH
def test_a_hook_may_replace_the_input_until_the_plan_runs(install, running):
    text = """
        from decimal import Decimal

        @hookimpl
        def pre_validate(context):
            context.input = Decimal(context.input)
    """
    late = """
        @hookimpl
        def post_execute(context):
            context.input = context.output = 0
    """
    assert running(install(text, late), "1.5") == Decimal("3.0")


@BOTH
def test_what_a_hook_raises_refuses_the_execution_and_names_the_plugin(install, running):
    refuses = """
        from greenlang.errors import InputError

        @hookimpl
        async def pre_init(context):
            raise InputError(f"tenant '{context.tenant}' has no contract")
    """
    with pytest.raises(InputError, match="tenant 'acme' has no contract") as told:
        running(install(refuses), Decimal(1))
    assert told.value.__notes__[0].startswith("in the hook pre_init of lifecycle_plugin_")


@BOTH
def test_a_hook_on_error_that_fails_hides_nothing(install, running):
    worse = """
        @hookimpl
        def on_error():
            raise OSError("the log is full")
    """

    def fail(value):
        raise ConnectionError("no route")

    with pytest.raises(ConnectionError) as told:
        running(install(worse), Decimal(1), work=fail)
    assert told.value.__notes__ == ["besides, OSError: the log is full"]


def test_a_cancelled_execution_is_cleaned_up(install, capsys):
    async def cancel():
        begun = asyncio.Event()

        async def work(value):
            begun.set()
            await asyncio.sleep(60)

        task = asyncio.create_task(acall(installed, PLAN, Decimal(1), work, tenant="acme"))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    installed = install(TRACING)
    asyncio.run(cancel())
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()][-2:] == ["on_error", "cleanup"]


class TestInput:
    """What the plan takes is checked whether there are hooks or not."""

    @pytest.mark.parametrize("given", [Decimal(1), 1, True])
    @BOTH
    def test_what_the_plan_takes_is_let_through(self, running, given):
        assert running({}, given) == given * 2

    @BOTH
    def test_a_float_is_refused_with_what_mends_it(self, install, running):
        for installed in ({}, install(TRACING)):
            with pytest.raises(QuantityError, match=r"0\.1 is a float, .*; write Decimal\('0\.1'\)"):
                running(installed, 0.1)

    @BOTH
    def test_another_class_is_refused(self, running):
        with pytest.raises(InputError, match="the plan takes Decimal, and str is given"):
            running({}, "1.5")


def test_where_nobody_implements_a_hook_nothing_is_entered():
    runtime = gl.Runtime(registry=Registry([double], discovery=Discovery((), ())))
    plan = runtime.compile("own.double")
    runtime.run(plan, Decimal(1))
    entered = []
    sys.setprofile(lambda frame, event, _: entered.append(frame.f_code.co_name) if event == "call" else None)
    try:
        runtime.run(plan, Decimal(1))
    finally:
        sys.setprofile(None)
    before = entered[: entered.index("run", 1)]
    assert before == ["run", "lifecycle", "open", "check_input", "input_type"]
    assert entered[-1] == "double"
