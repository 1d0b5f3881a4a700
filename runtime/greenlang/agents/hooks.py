"""Every hook of the runtime: a plugin implements some of them, and the runtime calls them.

A plugin is a module that an entry point of the group `greenlang` names.  Its functions of these names, marked
with `hookimpl`, are the implementations:

    from greenlang.agents.hooks import hookimpl

    @hookimpl
    def greenlang_agents():
        return [double]

A pack needs none of them for what its pack.yaml declares: that is known without importing it.  The others it
names there, `hooks: [greenlang_commands]`, so that it is imported for them and for nothing else.

A hook named `greenlang_…` gives things, and each plugin is asked by itself.  The others surround executions:
they run in pluggy's order (the last registered first, plugins being registered in the order of their
distributions' names; `tryfirst`, `trylast` and `wrapper` count), may be functions or coroutine functions
(wrappers are generators), and may leave out the parameter.  Where nobody implements one, it costs nothing.

These docstrings are the reference in docs/plugins.md, and their examples are run.
"""

from __future__ import annotations

__all__ = [
    "GROUP",
    "cleanup",
    "greenlang_agents",
    "greenlang_commands",
    "greenlang_engines",
    "greenlang_events",
    "greenlang_factors",
    "greenlang_reports",
    "greenlang_routes",
    "greenlang_stores",
    "hookimpl",
    "on_error",
    "post_execute",
    "post_init",
    "post_validate",
    "pre_execute",
    "pre_init",
    "pre_validate",
]

from collections.abc import Awaitable, Iterable

import pluggy

from greenlang.agents.context import ExecutionContext
from greenlang.agents.contract import Agent
from greenlang.agents.contributions import (
    Command,
    EngineBackend,
    EventSink,
    ReportFormat,
    Route,
    StoreBackend,
)
from greenlang.agents.files import FactorFile

#: The entry-point group, and the name under which pluggy knows the hooks.
GROUP = "greenlang"

hookimpl = pluggy.HookimplMarker(GROUP)
hookspec = pluggy.HookspecMarker(GROUP)


@hookspec
def greenlang_agents() -> Iterable[Agent]:  # type: ignore[empty-body]  # a hook specification has no body
    """The agents that a plugin without a pack.yaml brings; called once, when the registry is first asked.

    Example
    -------
    A plugin of one module, `acme.py`::

        from decimal import Decimal

        import greenlang as gl
        from greenlang.agents.hooks import hookimpl


        @gl.agent(name="acme.double", version="1.0.0", effects={"pure"})
        def double(value: Decimal) -> Decimal:
            return value * 2


        @hookimpl
        def greenlang_agents():
            return [double]
    """


@hookspec
def greenlang_factors() -> Iterable[FactorFile]:  # type: ignore[empty-body]  # as above
    """The factor files that a plugin without a pack.yaml brings; called once, like `greenlang_agents`.

    Example
    -------
    A plugin that keeps its factors beside its code::

        from pathlib import Path

        from greenlang.agents import FactorFile
        from greenlang.agents.hooks import hookimpl


        @hookimpl
        def greenlang_factors():
            return [
                FactorFile(
                    path=Path(__file__).with_name("boilers.csv"),
                    dataset="acme-boilers",
                    edition="2024",
                    licence="CC-BY-4.0",
                    citation="Acme Boiler Survey 2024, table 2",
                )
            ]
    """


@hookspec
def greenlang_commands() -> Iterable[Command]:  # type: ignore[empty-body]  # as above
    """Commands of `greenlang`; called for `greenlang --help` and for a command that is not the runtime's own.

    Example
    -------
    A command whose module, and click with it, is imported when somebody calls it::

        from greenlang.agents import Command
        from greenlang.agents.hooks import hookimpl


        @hookimpl
        def greenlang_commands():
            return [
                Command(
                    name="boilers",
                    summary="List the boilers that Acme knows.",
                    target="acme_boilers.commands:boilers",
                )
            ]
    """


@hookspec
def greenlang_reports() -> Iterable[ReportFormat]:  # type: ignore[empty-body]  # as above
    """Forms of results for `greenlang run --format NAME`; called where NAME is not one of the runtime's own.

    Example
    -------
    The hash of a result and nothing else::

        from greenlang.agents import ReportFormat
        from greenlang.agents.hooks import hookimpl


        @hookimpl
        def greenlang_reports():
            return [
                ReportFormat(
                    name="hash",
                    summary="The hash of the result.",
                    media_type="text/plain",
                    render=lambda execution: f"{execution.record.result_hash}".encode(),
                )
            ]
    """


@hookspec
def greenlang_stores() -> Iterable[StoreBackend]:  # type: ignore[empty-body]  # as above
    """Stores of executions, each chosen by the scheme of a URL that is not `memory` or `sqlite`.

    `open` gives a `greenlang.stores.Store`; the `seal` that it is handed links the records of each commit to
    the chain before they are written.

    Example
    -------
    A store for URLs like `acme://host/name`::

        from greenlang.agents import StoreBackend
        from greenlang.agents.hooks import hookimpl


        class AcmeStore:
            def __init__(self, url, seal):
                self.url = url
                self.seal = seal


        @hookimpl
        def greenlang_stores():
            summary = "Keeps executions in Acme's database."
            return [StoreBackend(scheme="acme", summary=summary, open=AcmeStore)]
    """


@hookspec
def greenlang_engines() -> Iterable[EngineBackend]:  # type: ignore[empty-body]  # as above
    """Engines that compute the partitions of batches, each chosen by its scheme or a URL of that scheme.

    `open(name, workers)` is given what was asked for, `acme` or `acme://host`, and how many partitions to
    compute at once or None, and gives a `greenlang.engine.batches.BatchEngine`. It hands each
    `PartitionTask` to `compute_partition`, wherever that is.

    Example
    -------
    An engine that computes one partition after the other, as it is asked for them::

        from concurrent.futures import Future

        from greenlang.agents import EngineBackend
        from greenlang.agents.hooks import hookimpl


        class AcmeEngine:
            def __init__(self, name, workers=None):
                self.workers = 1

            def submit(self, task):
                from greenlang.engine.batches import compute_partition

                future = Future()
                try:
                    future.set_result(compute_partition(task))
                except Exception as error:
                    future.set_exception(error)
                return future

            def abandon(self, future):
                pass

            def close(self):
                pass


        @hookimpl
        def greenlang_engines():
            summary = "Computes one partition after the other."
            return [EngineBackend(scheme="acme", summary=summary, open=AcmeEngine)]
    """


@hookspec
def greenlang_events() -> Iterable[EventSink]:  # type: ignore[empty-body]  # as above
    """Sinks for the log of events, each chosen by the scheme of a URL; the service is told which.

    `send` is given a portion of the log, a sequence of `greenlang.stores.Event`, and takes all of it.
    Whatever it raises, all of the portion is sent again later: events come at least once, those of an
    aggregate in their order, and one that comes again has the same `event_id`.

    Example
    -------
    A sink for URLs like `acme://topic`::

        from greenlang.agents import EventSink
        from greenlang.agents.hooks import hookimpl


        class AcmeSink:
            def __init__(self, url):
                self.url = url
                self.sent = []

            async def send(self, events):
                self.sent += [event.event_type for event in events]

            async def close(self):
                self.sent.clear()


        @hookimpl
        def greenlang_events():
            summary = "Sends events to Acme's bus."
            return [EventSink(scheme="acme", summary=summary, open=AcmeSink)]
    """


@hookspec
def greenlang_routes() -> Iterable[Route]:  # type: ignore[empty-body]  # as above
    """Operations of the HTTP service below `/v1`; called when it starts.

    A handler is a coroutine function. It is given a `greenlang.service.Call`, with the `tenant`, the `names`
    that the path caught, the `query` and the `body`; what it returns is the `data` of the answer, and an
    InputError that it raises is told to the caller. A path that the API itself answers at is left out.

    Example
    -------
    A path that says of a site how many boilers it has::

        from greenlang.agents import Route
        from greenlang.agents.hooks import hookimpl


        async def boilers(call):
            return {"site": call.names["site"], "boilers": 3}


        @hookimpl
        def greenlang_routes():
            summary = "Count the boilers of a site."
            return [Route(method="GET", path="/boilers/{site}", handler=boilers, summary=summary)]
    """


@hookspec
def pre_init(context: ExecutionContext) -> Awaitable[None] | None:
    """Before anything of an execution: agents may not be open yet. What it raises refuses the execution.

    Example
    -------
    Executions of one tenant only::

        from greenlang.agents.hooks import hookimpl
        from greenlang.errors import InputError


        @hookimpl
        def pre_init(context):
            if context.tenant != "acme":
                raise InputError(f"tenant '{context.tenant}' has no contract", fix="ask for one")
    """


@hookspec
def post_init(context: ExecutionContext) -> Awaitable[None] | None:
    """When the agents of the plan are open.

    Example
    -------
    The steps that will run, noted for later hooks::

        from greenlang.agents.hooks import hookimpl


        @hookimpl
        def post_init(context):
            context.notes["acme.steps"] = context.plan.step_count
    """


@hookspec
def pre_validate(context: ExecutionContext) -> Awaitable[None] | None:
    """Before the input is held to the type that the plan takes.

    Example
    -------
    Texts for people become decimals::

        from decimal import Decimal

        from greenlang.agents.hooks import hookimpl


        @hookimpl
        def pre_validate(context):
            if isinstance(context.input, str):
                context.input = Decimal(context.input.replace(" ", ""))
    """


@hookspec
def post_validate(context: ExecutionContext) -> Awaitable[None] | None:
    """When the input is of the type that the plan takes.

    Example
    -------
    A rule of one's own for inputs::

        from greenlang.errors import InputError

        from greenlang.agents.hooks import hookimpl


        @hookimpl
        async def post_validate(context):
            if context.input == 0:
                raise InputError("0 is no activity", fix="leave it out")
    """


@hookspec
def pre_execute(context: ExecutionContext) -> Awaitable[None] | None:
    """Before the plan runs: the last that may replace the input.

    Example
    -------
    A wrapper: what stands before `yield` runs before all other hooks of this name, the rest after them::

        import time

        from greenlang.agents.hooks import hookimpl


        @hookimpl(wrapper=True)
        def pre_execute(context):
            started = time.perf_counter()
            yield
            context.notes["acme.hooks_took_s"] = time.perf_counter() - started
    """


@hookspec
def post_execute(context: ExecutionContext) -> Awaitable[None] | None:
    """When the plan has run: `context.output` is what it gave, which no hook can change.

    Example
    -------
    Every result in a log, before the log of any other plugin::

        import logging

        from greenlang.agents.hooks import hookimpl


        @hookimpl(tryfirst=True)
        def post_execute(context):
            logging.getLogger("acme").info("%s gave %s", context.plan.hash, context.output)
    """


@hookspec
def on_error(context: ExecutionContext) -> Awaitable[None] | None:
    """When a hook or a step failed or was cancelled: `context.error` says why, and is raised afterwards.

    Example
    -------
    Failures in a log::

        import logging

        from greenlang.agents.hooks import hookimpl


        @hookimpl
        def on_error(context):
            logging.getLogger("acme").error("%s failed: %s", context.plan.hash, context.error)
    """


@hookspec
def cleanup(context: ExecutionContext) -> Awaitable[None] | None:
    """At the end of every execution, whether it succeeded or not.

    Example
    -------
    What `pre_init` opened is closed::

        from greenlang.agents.hooks import hookimpl


        @hookimpl
        async def cleanup(context):
            if session := context.notes.pop("acme.session", None):
                await session.close()
    """
