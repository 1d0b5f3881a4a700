"""What agents do is seen: one pack of many agents, each of which does one thing that it does not declare."""

import shutil

import pytest

from greenlang.packs import check_pack, open_pack

#: Name -> decorator's rest, kind of function, body, and what is told of it.
AGENTS = {
    "writes": ("", "def", "open(os.path.join(os.environ['HOME'], 'x'), 'w').close()", "writes the file"),
    "environment": ("", "def", "os.environ.get('SECRET')", "environment variable SECRET"),
    "network": ("", "def", "socket.socket().close()", "uses the network"),
    "process": ("", "def", "subprocess.run(['true'])", "starts a process"),
    "database": ("", "def", "sqlite3.connect(':memory:').close()", "opens a database"),
    "folder": ("", "def", "os.listdir('/')", "lists a folder"),
    "clock": ("", "def", "time.time()", "reads the clock (time.time)"),
    "renamed_clock": ("", "def", "renamed()", "reads the clock (time.time_ns)"),
    "today": ("", "def", "datetime.date.today()", "reads the clock (date.today)"),
    "now": ("", "def", "datetime.datetime.now(datetime.UTC)", "reads the clock (datetime.now)"),
    "chance": ("", "def", "random.random()", "asks for chance (random)"),
    "shuffled": ("", "def", "random.shuffle([1, 2])", "asks for chance"),
    "unseeded": ("", "def", "random.Random()", "without a seed"),
    "secret": ("", "def", "secrets.token_hex()", "asks for chance"),
    "identifier": ("", "def", "uuid.uuid4()", "asks for chance"),
    "in_thread": (", blocking=True", "def", "time.time()", "reads the clock"),
    "waits": ("", "async def", "async with asyncio.timeout(1): await asyncio.sleep(0)", "asks for its task"),
}

#: These do nothing that has to be declared, or declare it.
HONEST = {
    "seeded": ("", "def", "random.Random(7).random()"),
    "own_file": ("", "def", "pathlib.Path(__file__).read_text()"),
    "imports": ("", "def", "import tomllib, zoneinfo"),
    "sleeps": ("", "async def", "await asyncio.sleep(0)"),
    "has_a_task": (", needs_task=True", "async def", "async with asyncio.timeout(1): pass"),
}

HEAD = """
import asyncio, datetime, os, pathlib, random, secrets, socket, sqlite3, subprocess, time, uuid
from time import time_ns as renamed
import greenlang as gl
from greenlang.agents import Example
"""


def written(name, rest, kind, body):
    return f"""
@gl.agent(name="acme.{name}", version="1.0.0", effects=["pure"], examples=[Example(1, 1)]{rest})
{kind} {name}(value: int) -> int:
    'Does one thing.'
    {body}
    return value
"""


@pytest.fixture(scope="module")
def findings(scaffold, tmp_path_factory):
    project = shutil.copytree(scaffold, tmp_path_factory.mktemp("watched") / "acme")
    package = project / "src" / "acme_pack"
    code, agents = HEAD, "agents:\n"
    for name, (rest, kind, body, *_) in {**AGENTS, **HONEST}.items():
        code += written(name, rest, kind, body)
        agents += f"  - {{name: acme.{name}, version: 1.0.0, entrypoint: 'acme_pack.agents:{name}', "
        agents += "summary: Does one thing., effects: [pure]}\n"
    (package / "agents.py").write_text(code)
    manifest = (package / "pack.yaml").read_text()
    start, end = manifest.index("agents:"), manifest.index("changelog:")
    (package / "pack.yaml").write_text(manifest[:start] + agents + manifest[end:])
    with open_pack(str(project)) as pack:
        return check_pack(pack).findings


@pytest.mark.parametrize("name", AGENTS)
def test_what_an_agent_does_is_seen(name, findings):
    told = [str(found) for found in findings if found.place == f"acme.{name} 1.0.0"]
    assert any(AGENTS[name][-1] in text for text in told), findings
    rule = "agent.needs-task" if name == "waits" else "agent.effects"
    assert all(text.startswith(f"[{rule}]") for text in told)


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_agent_is_left_alone(name, findings):
    assert [str(found) for found in findings if found.place.startswith(f"acme.{name} ")] == []
