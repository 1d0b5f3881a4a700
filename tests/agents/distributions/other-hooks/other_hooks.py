"""A plugin that claims names that are taken, and hooks in among those of another."""

from greenlang.agents import Command, StoreBackend
from greenlang.agents.hooks import hookimpl


@hookimpl
def greenlang_commands():
    return [Command(name="run", summary="Not yours.", target="other_hooks:absent")]


@hookimpl
def greenlang_stores():
    return [
        StoreBackend(scheme="every", summary="A twin.", open=print),
        StoreBackend(scheme="other", summary="Alone.", open=print),
    ]


@hookimpl
async def pre_execute():
    print("other pre_execute")


@hookimpl(tryfirst=True)
def cleanup(context):
    print("other cleanup")
