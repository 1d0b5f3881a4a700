"""Two nodes on one PostgreSQL and one Redis, as docs/operations.md has them, each a server of its own.

`GREENLANG_KILLS=200` runs the long form of the test that kills Redis under load; the usual one kills it once.
"""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import statistics
import threading
import time

import asyncpg
import pytest
from postgresql_server import OWNER
from served import finished
from stored import seal

from greenlang.service.identity import new_api_key
from greenlang.service.roles import Role
from greenlang.stores import open_store

DATABASES = ("shared", "authenticated", "killed")

KILLS = int(os.environ.get("GREENLANG_KILLS", "10")) // 10

ORDER = {"program": "sum >> identity", "input": [1, 2.25], "wait": 0}

#: Answered when the execution has ended, wherever it ran.
WAITED_FOR = {**ORDER, "wait": 10}


def redis_url(server, name):
    return server.url.replace("/0", f"/{DATABASES.index(name)}")


@pytest.fixture(scope="module")
def urls(postgresql_server):
    """A database of each name."""
    return {name: postgresql_server.url(postgresql_server.new_database(), OWNER) for name in DATABASES}


@pytest.fixture(scope="module")
def nodes(serve, urls, redis_server, tmp_path_factory):
    """Starts nodes with short leases, on a database of that name, and one of Redis for each."""
    made = []

    def make(name, configuration=""):
        folder = tmp_path_factory.mktemp("node")
        config = folder / "serve.toml"
        shared = redis_url(redis_server, name)
        config.write_text(f'lease_seconds = 1.0\nredis = "{shared}"\n{configuration}')
        made.append(serve(urls[name], folder, "--config", str(config)))
        return made[-1]

    yield make
    for each in made:
        if each.process.poll() is None:
            assert each.stop() == 0


@pytest.fixture(scope="module")
def url(urls):
    return urls["shared"]


@pytest.fixture(scope="module")
def pair(nodes, url):
    """Two nodes; no test leaves them other than it found them."""
    return [nodes("shared"), nodes("shared")]


def accept(node, order=ORDER):
    response, told = node.call("POST", "/v1/workflows/execute", order)
    assert response.status in (200, 202), told
    return told["data"]["execution_id"]


def completions(url):
    """How often each execution was completed."""

    async def count():
        connection = await asyncpg.connect(url)
        await connection.execute("SET ROLE greenlang_worker")
        rows = await connection.fetch(
            "SELECT aggregate_id, count(*) FROM events WHERE type = 'completed' GROUP BY 1"
        )
        await connection.close()
        return {row[0]: row[1] for row in rows}

    return asyncio.run(count())


def until(holds, seconds=10):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def made_keys(url, *roles):
    """Keys of a tenant, one for each role."""

    async def make():
        store = open_store(url, seal)
        made = [new_api_key("acme", frozenset({role}), name="k", at=1, expires_at=None) for role in roles]
        for each in made:
            await store.add_api_key(each.kept)
        await store.close()
        return [each.text for each in made]

    return asyncio.run(make())


def redis_of(node):
    response, told = node.call("GET", "/health/ready")
    assert response.status == 200
    return told["data"]["redis"]


def latency_seconds(node, count=7):
    """Of an execution that some node takes up and ends."""
    times = []
    for _ in range(count):
        began = time.monotonic()
        accept(node, WAITED_FOR)
        times.append(time.monotonic() - began)
    return statistics.median(times)


def test_both_nodes_take_up_what_either_accepts(pair, url):
    one, other = pair
    names = [accept(one) for _ in range(60)]
    finished(other, names)

    async def workers():
        connection = await asyncpg.connect(url)
        await connection.execute("SET ROLE greenlang_worker")
        rows = await connection.fetch("SELECT payload FROM events WHERE type = 'running'")
        await connection.close()
        return {json.loads(row[0])["worker"] for row in rows}

    assert len(asyncio.run(workers())) == 2
    assert redis_of(one) == {"answers": True, "serves": ["queue", "news", "cache", "limits"]}


def test_who_follows_at_one_node_hears_what_another_runs(pair):
    one, other = pair
    for _ in range(2):
        name = accept(one)
        connection = http.client.HTTPConnection("127.0.0.1", other.port, timeout=20)
        connection.request("GET", f"/v1/executions/{name}/events")
        told = connection.getresponse().read().decode()
        connection.close()
        states = [line.removeprefix("event: ") for line in told.splitlines() if line.startswith("event: ")]
        assert [state.rpartition(".")[2] for state in states] == ["pending", "queued", "running", "completed"]


def test_a_key_that_one_node_revokes_ends_on_the_other_at_once(nodes, greenlang, urls, redis_server):
    url = urls["authenticated"]
    one, other = (nodes("authenticated", "[authentication]\nremembered_seconds = 300.0\n") for _ in range(2))
    admin, *keys = made_keys(url, Role.ADMIN, Role.VIEWER, Role.VIEWER)
    asks = lambda node, key: node.call("GET", "/v1/agents", Authorization=f"Bearer {key}")[0].status  # noqa: E731
    until(lambda: redis_of(one)["answers"] and redis_of(other)["answers"])
    assert [asks(node, key) for node in (one, other) for key in keys] == [200] * 4
    name = keys[0].split("_")[1]
    response, _ = one.call("DELETE", f"/v1/keys/{name}", Authorization=f"Bearer {admin}")
    assert response.status == 200
    until(lambda: asks(other, keys[0]) == 401, seconds=1)
    assert asks(one, keys[0]) == 401
    told = greenlang(
        *(
            "keys",
            "revoke",
            "--store",
            url,
            "--tenant",
            "acme",
            "--redis",
            redis_url(redis_server, "authenticated"),
        ),
        keys[1].split("_")[1],
    )
    assert told.stderr.endswith("is revoked\n")
    until(lambda: [asks(one, keys[1]), asks(other, keys[1])] == [401, 401], seconds=1)


def test_redis_killed_and_restarted_under_load_costs_nothing(pair, url, redis_server):
    accept(pair[0], WAITED_FOR)
    before = latency_seconds(pair[0])
    names, stop = [], threading.Event()

    def load(node):
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=20)
        while not stop.is_set():
            body = json.dumps(ORDER)
            connection.request("POST", "/v1/workflows/execute", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            told = json.loads(response.read())
            assert response.status in (200, 202), told
            names.append(told["data"]["execution_id"])
            time.sleep(0.005)

    senders = [threading.Thread(target=load, args=(node,)) for node in pair * 2]
    for sender in senders:
        sender.start()
    for _ in range(KILLS):
        time.sleep(0.7)
        redis_server.stop()
        until(lambda: not redis_of(pair[0])["answers"])
        time.sleep(0.7)
        redis_server.start()
        until(lambda: all(redis_of(node)["answers"] for node in pair))
    stop.set()
    for sender in senders:
        sender.join()
    assert len(names) > 20
    finished(pair[1], names)
    counts = completions(url)
    assert set(names) <= set(counts)
    assert set(counts.values()) == {1}
    time.sleep(1.2)
    assert latency_seconds(pair[0]) < max(3 * before, 0.25)


def test_a_network_to_redis_that_swallows_everything_costs_nothing(pair, url, redis_server):
    accept(pair[0], WAITED_FOR)
    with redis_server.frozen():
        names = [accept(node) for node in pair * 10]
        finished(pair[0], names)
        until(lambda: not redis_of(pair[0])["answers"])
    until(lambda: redis_of(pair[0])["answers"])
    names += [accept(node) for node in pair * 10]
    finished(pair[1], names)
    counts = completions(url)
    assert set(names) <= set(counts)
    assert set(counts.values()) == {1}


def test_a_node_that_is_killed_under_load_holds_up_nobody(nodes, urls, redis_server):
    url = urls["killed"]
    one, other = nodes("killed"), nodes("killed")
    names, stop = [], threading.Event()

    def load(node):
        with contextlib.suppress(OSError, http.client.HTTPException):
            while not stop.is_set():
                names.append(accept(node))

    senders = [threading.Thread(target=load, args=(node,)) for node in (one, other)]
    for sender in senders:
        sender.start()
    time.sleep(0.8)
    one.stop(signal.SIGKILL)
    time.sleep(0.5)
    stop.set()
    for sender in senders:
        sender.join()
    finished(other, names)
    counts = completions(url)
    assert set(names) <= set(counts)
    assert set(counts.values()) == {1}
    # What the dead node held in Redis is taken over, too.
    until(lambda: sum(waiting(redis_url(redis_server, "killed")).values()) == 0, seconds=20)


def waiting(url):
    """How many signals each stream has."""

    async def count():
        from redis import asyncio as client

        async with client.from_url(url) as connection:
            return {
                name: await connection.xlen(f"greenlang:queue:{name}") for name in ("p0", "p1", "p2", "p3")
            }

    return asyncio.run(count())
