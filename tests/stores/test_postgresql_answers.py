"""Answers of PostgreSQL that are lost on the way: what is said of them, and what is done again."""

import asyncio
import contextlib
from urllib.parse import urlsplit, urlunsplit

import pytest
from stored import NOW, SECOND, execution, seal

from greenlang.errors import StoreError
from greenlang.stores import State, open_store
from greenlang.stores.rows import EVERYBODY, Add
from greenlang.stores.tables import USAGE, Usage


class Wire:
    """The way to a server, which can be cut; what the server did then stays done."""

    def __init__(self, url):
        self._to = urlsplit(url)
        #: Cut when a client sends this: before it arrives, or once the server has answered it.
        self.cut_at, self.answered = None, False

    @contextlib.asynccontextmanager
    async def laid(self):
        async with await asyncio.start_server(self._connected, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            yield urlunsplit(self._to._replace(netloc=f"{self._to.username}@127.0.0.1:{port}"))

    async def _connected(self, reader, writer):
        answers, asking = await asyncio.open_connection(self._to.hostname, self._to.port)
        back = asyncio.create_task(self._pass_on(answers, writer))
        while asked := await reader.read(65_536):
            if self.cut_at is not None and self.cut_at in asked:
                back.cancel()
                if self.answered:
                    asking.write(asked)
                    await answers.read(65_536)
                break
            asking.write(asked)
        for end in (asking, writer):
            end.close()

    async def _pass_on(self, answers, writer):
        while answer := await answers.read(65_536):
            writer.write(answer)
        writer.close()


def test_what_may_have_been_done_is_not_done_again_and_said_to_be_uncertain(postgresql_url):
    async def main():
        wire = Wire(postgresql_url)
        async with wire.laid() as url:
            store = open_store(url, seal)
            await store.counts()
            wire.cut_at, wire.answered = b"COMMIT;", True
            new = [execution(idempotency_key=key) for key in ("a", "b", "c")]
            told = await asyncio.gather(*map(store.submit, new), return_exceptions=True)
            wire.cut_at = None
            again = await asyncio.gather(*map(store.submit, new))
            await store.close()
            return [(type(error), error.uncertain) for error in told], [one.fresh for one in again]

    told, fresh = asyncio.run(main())
    assert told == [(StoreError, True)] * 3
    assert fresh == [False] * 3


def test_what_was_never_committed_was_not_done_for_certain(postgresql_url):
    async def main():
        wire = Wire(postgresql_url)
        async with wire.laid() as url:
            store = open_store(url, seal)
            await store.counts()
            wire.cut_at = b"INSERT INTO executions"
            new = execution()
            with pytest.raises(StoreError) as caught:
                await store.submit(new)
            wire.cut_at = None
            again = await store.submit(new)
            await store.close()
            return caught.value.uncertain, again.fresh

    assert asyncio.run(main()) == (False, True)


def test_of_a_tenants_rows_too_it_is_said_that_nobody_knows(postgresql_url):
    async def main():
        wire = Wire(postgresql_url)
        async with wire.laid() as url:
            store = open_store(url, seal)
            await store.counts()
            wire.cut_at, wire.answered = b"COMMIT;", True
            used = Usage(tenant="acme", day=1, executions=1, cpu_microseconds=1, tokens=1)
            with pytest.raises(StoreError) as caught:
                await store.rows.write(EVERYBODY, [Add(USAGE, used)])
            wire.cut_at = None
            kept = await store.rows.rows("acme", USAGE)
            await store.close()
            return caught.value.uncertain, kept == (used,)

    assert asyncio.run(main()) == (True, True)


def test_a_claim_whose_answer_was_lost_lapses(postgresql_url):
    async def main():
        wire = Wire(postgresql_url)
        async with wire.laid() as url:
            store = open_store(url, seal)
            await store.submit(execution(created_at=NOW - SECOND))
            wire.cut_at, wire.answered = b"COMMIT;", True
            with pytest.raises(StoreError) as caught:
                await store.claim("one", limit=1, now=NOW, lease=SECOND)
            wire.cut_at = None
            await store.extend_leases("one", (), now=NOW, lease=60 * SECOND)
            running = (await store.counts())[State.RUNNING]
            offered = await store.claim("one", limit=1, now=NOW + SECOND, lease=SECOND)
            await store.close()
            return caught.value.uncertain, running, [row.attempt for row in offered]

    assert asyncio.run(main()) == (True, 1, [2])


def test_whoever_is_cancelled_while_it_waits_for_an_answer_ends(postgresql_url):
    """And nothing of it is left behind: the next has a connection that works."""

    async def main():
        store = open_store(postgresql_url, seal)
        await store.counts()
        for wait in (0, 0.0005, 0.002, 0.01):
            for read in (store.counts, lambda: store.log(after=0, limit=9)):
                reading = asyncio.create_task(read())
                await asyncio.sleep(wait)
                reading.cancel()
                done, _ = await asyncio.wait([reading], timeout=10)
                assert done
                assert reading.cancelled() or reading.exception() is None
        counts = await store.counts()
        await store.close()
        return counts

    assert set(asyncio.run(main())) == set(State)
