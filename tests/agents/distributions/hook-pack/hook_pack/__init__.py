"""The hooks of a pack."""

from greenlang.agents import Command
from greenlang.agents.hooks import hookimpl


@hookimpl
def greenlang_commands():
    return [Command(name="halves", summary="Count halves.", target="hook_pack.absent:halves")]


@hookimpl
def post_init():
    print("post_init of the pack")
