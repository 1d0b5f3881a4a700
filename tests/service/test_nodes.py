"""Two nodes on one PostgreSQL and one Redis, each a server of its own, as `docs/operations.md` has them."""

import asyncio
import re
import signal
import time
from pathlib import Path

import asyncpg
import pytest
from postgresql_server import postgresql
from served import finished

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"

ORDER = {"program": "sum >> identity", "input": [1, 2.25], "wait": 0}


def shown(language):
    """What the page shows in a language, where it has two nodes."""
    part = (
        PAGE.read_text("utf-8")
        .partition("## Two nodes, one PostgreSQL, one Redis\n")[2]
        .partition("\n## ")[0]
    )
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
    return block


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    with postgresql(tmp_path_factory.mktemp("postgresql")) as server:
        yield server


@pytest.fixture
def url(database):
    """The database of the page, made as it says."""

    async def make():
        connection = await asyncpg.connect(database.url("postgres"))
        await connection.execute("DROP DATABASE IF EXISTS greenlang")
        if await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = 'runtime'"):
            await connection.execute("DROP OWNED BY runtime")
            await connection.execute("DROP ROLE runtime")
        for statement in shown("sql").split(";\n"):
            if statement.strip():
                await connection.execute(statement)
        await connection.close()

    asyncio.run(make())
    return database.url("greenlang", "runtime")


@pytest.fixture
def nodes(serve, url, redis_server, tmp_path):
    """Starts nodes by the commands of the page and with its configuration, and short leases."""
    said = shown("toml").replace("postgresql://runtime@db.example.org/greenlang", url)
    said = said.replace("redis://cache.example.org:6379/0", redis_server.url)
    assert "example.org" not in said
    (tmp_path / "serve.toml").write_text(f"lease_seconds = 1.0\n{said}")
    assert shown("console") == "$ greenlang serve --config serve.toml --port 8080\n"
    made = []

    def make():
        folder = tmp_path / f"node{len(made)}"
        folder.mkdir()
        made.append(serve(None, folder, "--config", str(tmp_path / "serve.toml")))
        return made[-1]

    yield make
    for each in made:
        if each.process.poll() is None:
            assert each.stop() == 0


def test_what_one_node_accepted_is_seen_and_ended_by_any(nodes):
    one, other = nodes(), nodes()
    names = [one.call("POST", "/v1/workflows/execute", ORDER)[1]["data"]["execution_id"] for _ in range(30)]
    finished(other, names)
    _, told = other.call("GET", f"/v1/executions/{names[0]}")
    _, proof = one.call("GET", f"/v1/calculations/{told['data']['calculation_id']}")
    assert proof["data"]["head"]["record_count"] >= 1


def test_one_key_is_one_execution_on_every_node(nodes):
    one, other = nodes(), nodes()
    told = [
        node.call("POST", "/v1/workflows/execute", ORDER, Idempotency_Key="same")[1]["data"]["execution_id"]
        for node in (one, other)
    ]
    assert told[0] == told[1]


def test_a_node_that_is_killed_costs_nothing(nodes, database):
    one, other = nodes(), nodes()
    names = []
    for number in range(40):
        names.append(one.call("POST", "/v1/workflows/execute", ORDER)[1]["data"]["execution_id"])
        if number == 30:
            one.stop(signal.SIGKILL)
            break
    finished(other, names)

    async def ends():
        connection = await asyncpg.connect(database.url("greenlang"))
        rows = await connection.fetch(
            "SELECT aggregate_id, count(*) FROM events WHERE type = 'completed' GROUP BY 1"
        )
        await connection.close()
        return {row[0]: row[1] for row in rows}

    counts = asyncio.run(ends())
    assert set(names) <= set(counts)
    assert set(counts.values()) == {1}


def test_a_database_that_crashes_is_waited_for(nodes, database):
    node = nodes()
    _, first = node.call("POST", "/v1/workflows/execute", ORDER)
    finished(node, [first["data"]["execution_id"]])
    database.stop(signal.SIGINT)
    response, told = node.call("POST", "/v1/workflows/execute", ORDER)
    assert (response.status, told["errors"][0]["code"]) == (503, "store")
    assert node.call("GET", "/health/ready")[0].status == 503
    assert node.call("GET", "/health/live")[0].status == 200
    database.start()
    end = time.monotonic() + 20
    while node.call("GET", "/health/ready")[0].status != 200:
        assert time.monotonic() < end
        time.sleep(0.1)
    _, again = node.call("POST", "/v1/workflows/execute", ORDER)
    finished(node, [first["data"]["execution_id"], again["data"]["execution_id"]])
