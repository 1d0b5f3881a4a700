"""What goes wrong at the door and behind it: slow and broken clients, bombs, a full disk, a locked file."""

import asyncio
import contextlib
import gzip
import http.client
import json
import re
import resource
import socket
import sqlite3
import threading
import time
import zlib
from pathlib import Path

import pytest

SUM = {"program": "sum", "input": [1, 2.25]}
HEAD = b"POST /v1/workflows/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

#: Connections at once; the test itself holds as many again.
CONNECTIONS = 10_000


def rss_kib(pid):
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def open_connections(pid):
    """How many connections a process holds besides the one that it listens at."""
    held = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    rows = map(str.split, Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:])
    return sum(row[3] == "01" and f"socket:[{row[9]}]" in held for row in rows)


def until(holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def connected(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def answer(connection):
    """The status and body of one answer, read to the end of the connection or of the body."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, response.read()


@pytest.fixture(scope="module")
def impatient(serve, tmp_path_factory):
    """A server that waits for nobody."""
    folder = tmp_path_factory.mktemp("impatient")
    (folder / "serve.toml").write_text("idle_seconds = 1.0\nbody_rest_seconds = 0.5\nbody_seconds = 2.0\n")
    served = serve("memory:", folder, "--config", str(folder / "serve.toml"))
    yield served
    assert served.stop() == 0


class TestSlowClients:
    def test_a_head_that_drips_is_ended(self, impatient):
        with connected(impatient) as connection:
            began = time.monotonic()
            try:
                for byte in HEAD * 3:
                    connection.sendall(bytes([byte]))
                    time.sleep(0.05)
            except (BrokenPipeError, ConnectionResetError):
                pass
            assert time.monotonic() - began < 5

    def test_a_connection_that_says_nothing_is_ended(self, impatient):
        with connected(impatient) as connection:
            assert connection.recv(1) == b""

    def test_a_body_that_rests_is_answered_with_408(self, impatient):
        with connected(impatient) as connection:
            connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
            status, body = answer(connection)
        assert (status, json.loads(body)["errors"][0]["code"]) == (408, "too_slow")

    def test_a_body_that_drips_is_answered_with_408(self, impatient):
        with connected(impatient) as connection:
            connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n")
            for _ in range(9):
                connection.sendall(b" ")
                time.sleep(0.2)
            status, _ = answer(connection)
        assert status == 408

    def test_a_body_that_never_ends_is_forgotten_with_its_connection(self, impatient):
        with connected(impatient) as connection:
            connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        assert impatient.call("POST", "/v1/workflows/execute", SUM)[0].status == 200

    def test_a_connection_that_is_used_stays(self, impatient):
        connection = http.client.HTTPConnection("127.0.0.1", impatient.port, timeout=10)
        for _ in range(4):
            connection.request("POST", "/v1/workflows/execute", json.dumps(SUM))
            response = connection.getresponse()
            response.read()
            assert response.status == 200
            time.sleep(0.6)
        connection.close()


class TestSlowReaders:
    """They ask for more than a connection's buffers hold, and read none of it."""

    @pytest.fixture
    def large(self):
        return json.dumps({"program": "identity", "input": ["x" * 200_000]}).encode()

    def stalled(self, served, sent, buffer=4096):
        """A connection that sends from a thread, for as long as it is taken."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.connect(("127.0.0.1", served.port))

        def send():
            with contextlib.suppress(OSError):
                connection.sendall(sent)

        threading.Thread(target=send, daemon=True).start()
        return connection

    @pytest.mark.parametrize("unusual", [b"", b"X-Padding: " + b"y" * 5000 + b"\r\n"])
    def test_one_that_does_not_read_is_ended(self, impatient, large, unusual):
        """At the quick entrance, and behind it."""
        one = HEAD + unusual + b"Content-Length: %d\r\n\r\n" % len(large) + large
        with self.stalled(impatient, one * 60):
            time.sleep(0.5)
            assert open_connections(impatient.process.pid) >= 1
            until(lambda: open_connections(impatient.process.pid) == 0, seconds=8)

    def test_one_that_reads_slowly_gets_all(self, impatient, large):
        one = HEAD + b"Content-Length: %d\r\n\r\n" % len(large) + large
        wanted, got = 60 * 200_000, 0
        began = time.monotonic()
        with self.stalled(impatient, one * 60, buffer=65536) as connection:
            connection.settimeout(5)
            while got < wanted:
                piece = connection.recv(65536)
                assert piece
                got += len(piece)
                time.sleep(0.01)
        assert time.monotonic() - began > 1  # longer than a reader that stalls is given


class TestBrokenClients:
    def test_a_half_closed_connection_is_answered(self, server):
        body = json.dumps(SUM).encode()
        with connected(server) as connection:
            connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            connection.shutdown(socket.SHUT_WR)
            status, told = answer(connection)
        assert (status, json.loads(told)["data"]["result"]) == (200, "3.25")

    @pytest.mark.parametrize(
        "sent",
        [
            b"NONSENSE\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nBad Header: 1\r\n\r\n",
            b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
            HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            HEAD + b"Content-Length: many\r\n\r\n",
            HEAD + b"Content-Length: -1\r\n\r\n",
            HEAD + b"Transfer-Encoding: chunked\r\n\r\nnot a size\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ],
    )
    def test_what_is_no_request_is_refused_without_a_trace(self, server, sent):
        with connected(server) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            told = b""
            while piece := connection.recv(65536):
                told += piece
        assert b"Traceback" not in told
        assert b".py" not in told
        assert told.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")) or not told
        assert server.call("GET", "/health/live")[0].status == 200

    @pytest.mark.parametrize("depth", [1_000, 100_000, 5_000_000])
    def test_deep_json_is_refused(self, server, depth):
        for deep in (b"[" * depth, b"[" * depth + b"]" * depth, b'{"a":' * depth):
            for body in (deep, b'{"program": "sum", "input": ' + deep + b"}"):
                response, told = server.call("POST", "/v1/workflows/execute", body)
                # How deep JSON is read hangs on the version of Python; what is read is refused by its depth.
                (fault,) = told["errors"] if response.status == 400 else [told["data"]["error"]]
                assert fault["code"] in ("json", "request", "input")

    @pytest.mark.parametrize("body", [b"\xff\xfe{\x00}\x00", b'{"program": "\xc3\x28"}', b"\x00", b"{" * 3])
    def test_what_is_no_json_in_utf8_is_refused(self, server, body):
        response, told = server.call("POST", "/v1/workflows/execute", body)
        assert (response.status, told["errors"][0]["code"]) == (400, "json")

    def test_of_two_keys_of_one_name_the_last_counts(self, server):
        body = b'{"program": "no.such", "program": "sum", "input": [9], "input": [1, 2]}'
        assert server.call("POST", "/v1/workflows/execute", body)[1]["data"]["result"] == 3

    @pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "nonsense"])
    def test_a_body_that_is_not_compressed_as_it_says_is_refused(self, server, encoding):
        response, told = server.call(
            "POST", "/v1/workflows/execute", b"certainly not compressed", Content_Encoding=encoding
        )
        assert 400 <= response.status < 500
        assert b"Traceback" not in json.dumps(told).encode() if isinstance(told, dict) else told is not None


class TestBombs:
    @pytest.mark.parametrize(
        ("encoding", "packed"),
        [
            ("gzip", gzip.compress(bytes(512 * 1024 * 1024), 6)),
            ("deflate", zlib.compress(bytes(512 * 1024 * 1024), 6)),
        ],
    )
    def test_a_body_that_grows_past_the_limit_is_refused_without_its_memory(self, server, encoding, packed):
        before = rss_kib(server.process.pid)
        response, told = server.call("POST", "/v1/workflows/execute", packed, Content_Encoding=encoding)
        assert (response.status, told["errors"][0]["code"]) == (413, "too_large")
        assert rss_kib(server.process.pid) - before < 100 * 1024

    def test_a_body_without_a_length_is_refused_past_the_limit(self, server):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        pieces = (b" " * 1024 * 1024 for _ in range(100))
        try:
            connection.request("POST", "/v1/workflows/execute", pieces, encode_chunked=True)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused while it was sent
        else:
            assert connection.getresponse().status == 413
        connection.close()
        assert server.call("GET", "/health/live")[0].status == 200

    @pytest.mark.parametrize(
        "program",
        [
            "(" * 100_000,
            "sum >> " * 200_000,
            "x" * 1_048_577,
            "a0 = sum\n" + "\n".join(f"a{n + 1} = a{n} | a{n}" for n in range(40)) + "\nmain = a40",
            '"' + "\\u0000" * 10_000,
            "é" * 1000,
            "sum\x00",
        ],
    )
    def test_programs_that_are_none_are_refused_soon(self, server, program):
        began = time.monotonic()
        response, told = server.call("POST", "/v1/workflows/execute", {"program": program})
        assert response.status in (400, 422)
        assert told["errors"][0]["message"]
        assert time.monotonic() - began < 10


def test_ten_thousand_connections_are_held_and_served(server):
    """Each is open at once and sends a request; all are answered while all are open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 500
    if hard < wanted:
        pytest.fail(f"this machine allows {hard} open files, and the test needs {wanted}: raise `ulimit -n`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (wanted, hard))
    request = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"

    async def main():
        before = rss_kib(server.process.pid)
        opened = []
        for _ in range(CONNECTIONS // 500):
            opened += await asyncio.gather(
                *(asyncio.open_connection("127.0.0.1", server.port) for _ in range(500))
            )
        held = rss_kib(server.process.pid) - before

        async def ask(reader, writer):
            writer.write(request)
            return await asyncio.wait_for(reader.readline(), 60)

        answers = await asyncio.gather(*(ask(*each) for each in opened))
        for _, writer in opened:
            writer.close()
        return answers, held

    answers, held = asyncio.run(main())
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert answers == [b"HTTP/1.1 200 OK\r\n"] * CONNECTIONS
    assert held < 60 * CONNECTIONS  # KiB: some tens of KiB a connection
    assert server.call("GET", "/health/ready")[0].status == 200


def test_a_full_disk_refuses_and_recovers(serve, tmp_path):
    store = tmp_path / "runtime.db"
    served = serve(store, tmp_path)
    _, first = served.call("POST", "/v1/workflows/execute", SUM)
    limit = max(path.stat().st_size for path in tmp_path.glob("runtime.db*"))
    _, hard = resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (limit, hard))
    body = {"program": "sum", "input": [1] * 20_000, "wait": 0}
    refused = [served.call("POST", "/v1/workflows/execute", body) for _ in range(3)]
    for response, told in refused:
        assert (response.status, told["errors"][0]["code"]) == (503, "store")
        assert response.getheader("Retry-After") == "1"
        assert "Traceback" not in json.dumps(told)
    assert served.call("GET", f"/v1/executions/{first['data']['execution_id']}")[0].status == 200
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
    assert served.call("POST", "/v1/workflows/execute", body)[0].status == 202
    assert served.stop() == 0


def test_a_file_that_there_is_no_room_for_is_refused_and_leaves_nothing(serve, tmp_path):
    served = serve(tmp_path / "runtime.db", tmp_path)
    _, hard = resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (64 * 1024, hard))
    row = b"A,2025-02,natural gas,1,MMBtu,US\n"
    table = b"id,period,activity,quantity,unit,region\n" + row * 10_000
    response, told = served.call("POST", "/v1/batches", table, Content_Type="text/csv")
    assert (response.status, told["errors"][0]["code"]) == (503, "store")
    assert response.getheader("Retry-After") == "1"
    assert str(tmp_path) not in json.dumps(told)
    assert list((tmp_path / "runtime.batches").glob("*.part")) == []
    assert served.stop() == 0


def test_a_locked_store_is_waited_for(serve, tmp_path):
    served = serve(tmp_path / "runtime.db", tmp_path)
    other = sqlite3.connect(tmp_path / "runtime.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answers = []
    sender = threading.Thread(
        target=lambda: answers.append(served.call("POST", "/v1/workflows/execute", SUM))
    )
    sender.start()
    time.sleep(1)
    assert not answers
    assert served.call("GET", "/health/live")[0].status == 200
    other.execute("COMMIT")
    other.close()
    sender.join(20)
    ((response, told),) = answers
    assert (response.status, told["data"]["result"]) == (200, "3.25")
    assert served.stop() == 0


@pytest.mark.parametrize(
    ("line", "header", "status"),
    [
        (b"GET /v1/agents", b"Accept: text/\xff\xc3\xa9", 406),
        (b"GET /v1/agents", b"Origin: http://\xff", 403),
        (b"GET /v1/executions/exec_\xff", b"X: y", 400),
        (b"GET /v1/executions/exec_%ff", b"X: y", 404),
        (b"GET /v1/executions?state=%ff", b"X: y", 400),
        (b"\x16\x03\x01", b"X: y", 400),
        (b"POST /v1/workflows/plan", b"Content-Type: text/\xff", 415),
        (b"POST /v1/workflows/execute", b"Content-Encoding: identity\r\nIdempotency-Key: \xff", 400),
    ],
)
def test_bytes_that_are_no_text_are_refused_in_an_envelope(server, line, header, status):
    with connected(server) as connection:
        connection.sendall(line + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n" + header)
        connection.sendall(b"\r\n\r\n{}")
        said, body = answer(connection)
    assert said == status
    assert json.loads(body)["errors"][0]["message"]
    assert b"Error handling request" not in server.log.read_bytes()
