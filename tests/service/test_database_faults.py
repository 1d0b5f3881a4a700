"""PostgreSQL that dies, and a network to it that is slow, cut or silent, under load through the service.

Nothing that was accepted is lost, nothing is completed twice, and all is as quick as before soon after.
"""

import asyncio
import http.client
import json
import random
import signal
import threading
import time

import asyncpg
import pytest
from postgresql_server import OWNER
from tcp_proxy import TcpProxy

#: One runs where it is asked for, in one commit; the other is accepted, claimed, run and committed.
QUICK = {"program": "sum", "input": [1, 2.5], "wait": 5}
QUEUED = {"program": "sum >> identity", "input": [1, 2.5], "wait": 0}


@pytest.fixture
def name(postgresql_server):
    return postgresql_server.new_database()


@pytest.fixture
def network(postgresql_server):
    proxy = TcpProxy(postgresql_server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def node(serve, network, name, tmp_path):
    (tmp_path / "serve.toml").write_text("lease_seconds = 1.0\n")
    url = f"postgresql://{OWNER}@127.0.0.1:{network.port}/{name}?statement_seconds=3"
    made = serve(url, tmp_path, "--config", str(tmp_path / "serve.toml"))
    yield made
    assert made.stop() == 0


class Load:
    """Senders that go on whatever happens, and remember what was promised to them."""

    def __init__(self, node, senders=4):
        self.node = node
        self.accepted, self.keys, self.refused = set(), [], []
        #: When each answer came, and how long it took.
        self.took = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(senders)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads), "a request was never answered"

    def _send(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=35)
        while not self._stop.is_set():
            body = random.choice([QUICK, QUEUED])  # noqa: S311
            key = f"key-{random.getrandbits(64):x}"
            began = time.monotonic()
            connection.request("POST", "/v1/workflows/execute", json.dumps(body), {"Idempotency-Key": key})
            response = connection.getresponse()
            told = json.loads(response.read())
            self.took.append((time.monotonic(), time.monotonic() - began))
            self.keys.append((key, body))
            if response.status in (200, 202):
                self.accepted.add(told["data"]["execution_id"])
            else:
                assert (response.status, told["errors"][0]["code"]) == (503, "store"), told
                self.refused.append(time.monotonic())
                time.sleep(0.02)
        connection.close()

    def more(self, count=40):
        """Wait for so many more answers."""
        wanted, end = len(self.took) + count, time.monotonic() + 40
        while len(self.took) < wanted:
            assert time.monotonic() < end, f"{wanted - len(self.took)} answers are missing"
            time.sleep(0.01)
        return time.monotonic()

    def slowest(self, start, end):
        """Of the answers in a span of time, how long the 95 % quickest took at most."""
        took = sorted(seconds for at, seconds in self.took if start <= at < end)
        assert len(took) >= 10
        return took[int(len(took) * 0.95)]


def ready(node, seconds=20):
    end = time.monotonic() + seconds
    while node.call("GET", "/health/ready")[0].status != 200:
        assert time.monotonic() < end, "it never came back"
        time.sleep(0.05)


def check(load, postgresql_server, name):
    """What was accepted ended well, once; a key that was refused or unknown can be sent again."""
    node = load.node
    assert len(load.accepted) > 20
    for key, body in random.sample(load.keys, 10):
        response, told = node.call("POST", "/v1/workflows/execute", body, Idempotency_Key=key)
        assert response.status in (200, 202), told
        load.accepted.add(told["data"]["execution_id"])
    waiting, end = set(load.accepted), time.monotonic() + 30
    while waiting:
        assert time.monotonic() < end, f"{len(waiting)} never ended"
        for one in list(waiting):
            _, told = node.call("GET", f"/v1/workflows/{one}/status")
            assert told["status"] == "success", f"{one} was accepted and is lost"
            if told["data"]["finished"]:
                assert told["data"]["state"] == "completed"
                waiting.discard(one)

    async def rows():
        connection = await asyncpg.connect(postgresql_server.url(name))
        ends = await connection.fetch(
            "SELECT aggregate_id, count(*) FROM events WHERE type = 'completed' GROUP BY 1"
        )
        calculations = await connection.fetchval("SELECT count(*) FROM calculations")
        pointed = await connection.fetchval("SELECT count(DISTINCT calculation_id) FROM executions")
        await connection.close()
        return {row[0]: row[1] for row in ends}, calculations, pointed

    counts, calculations, pointed = asyncio.run(rows())
    assert load.accepted <= set(counts)
    assert set(counts.values()) == {1}
    assert calculations == pointed == len(counts)


def test_a_database_that_is_killed_under_load_costs_nothing_that_was_accepted(node, postgresql_server, name):
    with Load(node) as load:
        began = load.more()
        killed = load.more()
        postgresql_server.stop(signal.SIGQUIT)  # every process of it at once, without a checkpoint
        time.sleep(0.5)
        postgresql_server.start()
        ready(node)
        back = load.more()
        end = load.more()
    assert back - killed < 20
    assert not [at for at in load.refused if at > back]
    assert load.slowest(back, end) < 5 * load.slowest(began, killed) + 0.5
    check(load, postgresql_server, name)


def test_a_network_that_is_cut_under_load_costs_nothing_that_was_accepted(
    node, postgresql_server, name, network
):
    with Load(node) as load:
        load.more()
        for _ in range(3):
            network.cut()
            time.sleep(0.1)
            network.mend()
            time.sleep(0.3)
        ready(node)
        back = load.more()
        load.more()
    assert not [at for at in load.refused if at > back]
    check(load, postgresql_server, name)


def test_a_slow_network_slows_and_refuses_nothing(node, postgresql_server, name, network):
    with Load(node) as load:
        load.more()
        network.delay_seconds = 0.005
        load.more(30)
        network.delay_seconds = 0.0
        mended = load.more(20)
        end = load.more()
    assert load.refused == []
    assert load.slowest(mended, end) < 1
    check(load, postgresql_server, name)


def test_a_network_that_falls_silent_is_noticed_and_refused_until_it_speaks(
    node, postgresql_server, name, network
):
    """Half-open: no end comes, no error, and no answer."""
    with Load(node) as load:
        silenced = load.more()
        network.silence()
        time.sleep(0.5)
        assert node.call("GET", "/health/live")[0].status == 200
        while not load.refused:
            assert time.monotonic() < silenced + 40, "nobody was told that the store is silent"
            time.sleep(0.1)
        network.mend()
        ready(node)
        back = load.more()
        load.more()
    assert not [at for at in load.refused if at > back]
    check(load, postgresql_server, name)
