"""A plugin that implements every hook there is, and prints which were called."""

from pathlib import Path

import greenlang as gl
from greenlang.agents import (
    Command,
    EngineBackend,
    EventSink,
    FactorFile,
    ReportFormat,
    Route,
    StoreBackend,
)
from greenlang.agents.hooks import hookimpl
from greenlang.errors import InputError


@gl.agent(name="every.double", version="1.0.0", effects={"pure"})
def double(value: int) -> int:
    """Double a number."""
    return value * 2


def opened(url: str) -> str:
    return f"opened {url}"


def opened_store(url: str, seal) -> str:
    return f"opened {url} with {seal}"


async def boilers(call) -> dict[str, object]:
    if call.names["site"] == "nowhere":
        raise InputError("there is no site 'nowhere'", fix="name one of ours")
    return {"site": call.names["site"], "tenant": call.tenant, "boilers": 3}


def hash_of(execution) -> bytes:
    return f"{execution.value} {execution.record.result_hash}".encode()


@hookimpl
def greenlang_agents():
    return [double]


@hookimpl
def greenlang_factors():
    return [
        FactorFile(
            path=Path(__file__).with_name("boilers.csv"),
            dataset="every",
            edition="1",
            licence="CC0-1.0",
            citation="Made for a test",
        )
    ]


@hookimpl
def greenlang_commands():
    return [Command(name="boilers", summary="Count boilers.", target="every_hook.commands:boilers")]


@hookimpl
def greenlang_reports():
    return [
        ReportFormat(name="hash", summary="Value and hash.", media_type="text/plain", render=hash_of),
        ReportFormat(name="broken", summary="Fails.", media_type="text/plain", render=lambda _: 1 / 0),
    ]


@hookimpl
def greenlang_stores():
    return [
        StoreBackend(scheme=scheme, summary="A store.", open=opened_store) for scheme in ("every", "kept")
    ]


@hookimpl
def greenlang_engines():
    return [EngineBackend(scheme="every", summary="An engine.", open=opened)]


@hookimpl
def greenlang_events():
    return [EventSink(scheme="every", summary="A sink.", open=opened)]


@hookimpl
def greenlang_routes():
    return [
        Route(method="GET", path="/boilers/{site}", handler=boilers, summary="Count boilers."),
        Route(method="GET", path="/agents", handler=boilers, summary="Not yours."),
    ]


@hookimpl
def pre_init(context):
    print("pre_init", context.input, context.tenant)


@hookimpl
async def post_init():
    print("post_init")


@hookimpl
def pre_validate(context):
    context.input = int(context.input)
    print("pre_validate")


@hookimpl
def post_validate(context):
    print("post_validate", context.input)


@hookimpl(wrapper=True)
def pre_execute():
    print("before pre_execute")
    yield
    print("after pre_execute")


@hookimpl
def post_execute(context):
    print("post_execute", context.output, context.execution is not None)


@hookimpl
def on_error(context):
    print("on_error", context.error)


@hookimpl(trylast=True)
async def cleanup(context):
    print("cleanup", context.error is None)
