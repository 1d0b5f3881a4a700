"""What every broadcast promises, within a process and between them."""

import asyncio
import time

import pytest
from redis_server import redis

from greenlang.channels import InProcessBroadcast
from greenlang.channels.connection import RedisConnection
from greenlang.channels.in_redis import RedisBroadcast
from greenlang.errors import InputError


class Ear:
    """Keeps what it hears."""

    def __init__(self):
        self.heard = []
        self._more = asyncio.Event()

    def __call__(self, message):
        self.heard.append(message)
        self._more.set()

    @property
    def messages(self):
        return [message for message in self.heard if message is not None]

    async def until(self, holds, seconds=10):
        async with asyncio.timeout(seconds):
            while not holds(self):
                self._more.clear()
                await self._more.wait()


@pytest.fixture(params=["in process", "redis"])
def broadcasting(request):
    """Runs a test's coroutine with a broadcast."""
    server = request.getfixturevalue("redis_server") if request.param == "redis" else None

    def run(use):
        async def main():
            if server is None:
                await use(InProcessBroadcast())
                return
            connection = RedisConnection(server.url)
            broadcast = RedisBroadcast(connection)
            await use(broadcast)
            await broadcast.close()
            await connection.close()

        asyncio.run(main())

    return run


def test_who_listens_hears_in_order(broadcasting):
    async def use(broadcast):
        ear = Ear()
        broadcast.listen("one", ear)
        for number in range(50):
            broadcast.publish("one", b"%d" % number)
        broadcast.publish("other", b"x")
        assert ear.messages == [b"%d" % number for number in range(50)]

    broadcasting(use)


def test_who_stopped_listening_hears_nothing(broadcasting):
    async def use(broadcast):
        ear, other = Ear(), Ear()
        stop = broadcast.listen("one", ear)
        broadcast.listen("one", other)
        stop()
        broadcast.publish("one", b"x")
        assert (ear.messages, other.messages) == ([], [b"x"])

    broadcasting(use)


def two_processes(server, use):
    """Runs `use` with two broadcasts that share nothing but Redis, as those of two processes."""

    async def main():
        connections = [RedisConnection(server.url) for _ in range(2)]
        broadcasts = [RedisBroadcast(connection) for connection in connections]
        await use(*broadcasts)
        for each in (*broadcasts, *connections):
            await each.close()

    asyncio.run(main())


def test_another_process_hears_once_and_in_order(redis_server):
    async def use(one, other):
        ear, own = Ear(), Ear()
        other.listen("far", ear)
        one.listen("far", own)
        await ear.until(lambda ear: ear.heard == [None])  # it hears from now on
        await own.until(lambda own: own.heard == [None])
        expected = [b"%d" % number for number in range(200)]
        for message in expected:
            one.publish("far", message)
        await ear.until(lambda ear: len(ear.messages) == 200)
        await asyncio.sleep(0.05)
        assert ear.messages == own.messages == expected

    two_processes(redis_server, use)


def test_a_channel_is_left_and_taken_up_again(redis_server):
    async def use(one, other):
        first, second = Ear(), Ear()
        stop = other.listen("again", first)
        await first.until(lambda ear: ear.heard)
        stop()
        await asyncio.sleep(0.05)
        other.listen("again", second)
        await second.until(lambda ear: ear.heard)
        one.publish("again", b"x")
        await second.until(lambda ear: ear.messages == [b"x"])
        assert first.messages == []

    two_processes(redis_server, use)


def test_a_redis_that_is_gone_is_told_as_a_gap_and_heard_again_when_it_is_back(tmp_path):
    with redis(tmp_path) as server:

        async def use(one, other):
            ear = Ear()
            other.listen("far", ear)
            await ear.until(lambda ear: ear.heard)
            assert other.hears
            server.stop()
            await ear.until(lambda ear: ear.heard == [None] * 2)
            assert not other.hears
            one.publish("far", b"lost")
            other.publish("far", b"here")  # this process hears itself at any rate
            assert ear.messages == [b"here"]
            server.start()
            began = time.monotonic()
            await ear.until(lambda ear: ear.heard[-1] is None)
            assert time.monotonic() - began < 3
            while one._connection._rests_until > time.monotonic():
                await asyncio.sleep(0.01)
            one.publish("far", b"back")
            await ear.until(lambda ear: ear.messages == [b"here", b"back"])

        two_processes(server, use)


def test_a_network_that_swallows_everything_is_noticed(tmp_path, monkeypatch):
    """The server is stopped, not ended: its connections stay open and say nothing."""
    monkeypatch.setattr("greenlang.channels.in_redis.SILENT_SECONDS", 0.2)
    with redis(tmp_path) as server:

        async def use(_, other):
            ear = Ear()
            other.listen("far", ear)
            await ear.until(lambda ear: ear.heard)
            with server.frozen():
                await ear.until(lambda ear: len(ear.heard) > 1, seconds=3)
                assert not other.hears

        two_processes(server, use)


def test_a_url_that_is_none_is_refused():
    with pytest.raises(InputError, match="redis://host:port/database"):
        RedisConnection("http://example.org")


@pytest.mark.parametrize("url", ["redis://example.org/prod", "redis://user:s3/cret@example.org/0"])
def test_a_url_that_another_database_would_be_taken_for_is_refused_and_its_password_not_told(url):
    with pytest.raises(InputError, match="redis://host:port/database") as caught:
        RedisConnection(url)
    assert "s3" not in str(caught.value)


def test_whoever_listened_may_stop_after_it_was_closed():
    async def main():
        broadcast = InProcessBroadcast()
        stop = broadcast.listen("a", lambda _: None)
        await broadcast.close()
        stop()

    asyncio.run(main())
