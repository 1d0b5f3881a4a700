"""The quick entrance gives what aiohttp gives, however a request arrives."""

import gzip
import http.client
import json
import socket
import threading
import time

import pytest

from greenlang.service.quick import PATHS

SUM = json.dumps({"program": "sum", "input": [1, 2.25]}).encode()
LARGE = json.dumps({"program": "identity", "input": ["x" * 5000]}).encode()


def request(body=SUM, path="/v1/workflows/execute", *, version="1.1", **headers):
    lines = [f"POST {path} HTTP/{version}", "Host: localhost", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def answers(connection, count):
    """So many answers: status, headers, body."""
    file = connection.makefile("rb")
    found = []
    for _ in range(count):
        status = int(file.readline().split()[1])
        headers = http.client.parse_headers(file)
        found.append((status, headers, file.read(int(headers["Content-Length"]))))
    return found


def result(answer):
    status, headers, body = answer
    text = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
    return status, json.loads(text)["data"]["result"]


@pytest.fixture
def connection(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as made:
        yield made


def test_the_paths_are_operations_of_the_api(server):
    _, document = server.call("GET", "/openapi.json")
    assert all("post" in document["paths"][path] for path in PATHS)


@pytest.mark.parametrize(
    "unusual",
    [
        {},  # answered by the quick entrance; what follows by aiohttp
        {"Connection": "close"},
        {"Content_Encoding": "identity"},
        {"X_Padding": "y" * 5000},
    ],
)
def test_both_entrances_give_the_same(server, connection, unusual):
    connection.sendall(request(X_Request_ID="r-1", **unusual))
    ((status, headers, body),) = answers(connection, 1)
    told = json.loads(body)
    assert (status, told["data"]["result"], told["meta"]["request_id"]) == (200, "3.25", "r-1")
    assert headers["X-Request-ID"] == "r-1"
    assert headers["Content-Type"] == "application/json"
    assert headers["Location"] == f"/v1/executions/{told['data']['execution_id']}"
    assert headers["Date"]


def test_a_client_that_asks_first_is_told_to_go_on(connection):
    head, body = request(Expect="100-continue").split(b"\r\n\r\n")
    connection.sendall(head + b"\r\n\r\n")
    assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(body)
    assert result(answers(connection, 1)[0]) == (200, "3.25")


def test_a_client_that_asks_first_is_told_of_what_is_too_large(connection):
    connection.sendall(
        b"POST /v1/workflows/execute HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
        b"Content-Length: 1000000000\r\n\r\n"
    )
    assert answers(connection, 1)[0][0] == 413


def test_a_request_may_arrive_in_any_two_pieces(server):
    whole = request()
    for cut in range(1, len(whole), 7):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(whole[:cut])
            time.sleep(0.002)
            connection.sendall(whole[cut:])
            assert result(answers(connection, 1)[0]) == (200, "3.25")


def test_pipelined_requests_are_answered_in_order(connection):
    bodies = [json.dumps({"program": "sum", "input": [number]}).encode() for number in range(50)]
    connection.sendall(b"".join(map(request, bodies)))
    assert [result(one) for one in answers(connection, 50)] == [(200, number) for number in range(50)]


def test_a_connection_may_go_on_with_another_request(connection):
    get = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    connection.sendall(request() + get + request())
    first, live, last = answers(connection, 3)
    assert (result(first), live[0], result(last)) == ((200, "3.25"), 200, (200, "3.25"))


def test_old_clients_are_served(connection):
    connection.sendall(request(version="1.0"))
    assert result(answers(connection, 1)[0]) == (200, "3.25")
    assert connection.recv(1) == b""


def test_large_answers_are_compressed_where_that_is_taken(connection):
    connection.sendall(request(LARGE, Accept_Encoding="gzip") + request(LARGE))
    small, plain = answers(connection, 2)
    assert (small[1]["Content-Encoding"], plain[1]["Content-Encoding"]) == ("gzip", None)
    assert len(small[2]) < len(plain[2]) / 4
    assert result(small) == result(plain) == (200, ["x" * 5000])


@pytest.mark.parametrize("unusual", [{}, {"X_Padding": "y" * 5000}])
def test_what_is_refused_by_its_weight_is_not_given(connection, unusual):
    connection.sendall(request(LARGE, Accept_Encoding="br, gzip;q=0", **unusual))
    ((_, headers, _),) = answers(connection, 1)
    assert (headers["Content-Encoding"], headers["Vary"]) == (None, "Accept-Encoding")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (SUM, {"Content_Type": "text/xml"}, 400),  # twice, which aiohttp refuses
        (json.dumps({"program": "no.such"}).encode(), {}, 422),
        (SUM, {"Idempotency_Key": "k" * 300}, 400),
        (SUM, {"Accept": "text/html"}, 406),
    ],
)
def test_what_is_wrong_is_told_here_as_there(connection, body, headers, status):
    connection.sendall(request(body, **headers))
    assert answers(connection, 1)[0][0] == status


@pytest.mark.parametrize(
    "smuggled",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 5\r\nContent-length: 5\r\n\r\n12345",
        b"Content-Length: +5\r\n\r\n12345",
        b"Content-Length: 0x5\r\n\r\n12345",
        b"Content-Length : 5\r\n\r\n12345",
        b" Content-Length: 5\r\n\r\n12345",
        "Content-Length: ٥\r\n\r\n12345".encode(),
    ],
)
def test_a_length_that_can_be_read_two_ways_is_refused(connection, smuggled):
    connection.sendall(b"POST /v1/workflows/execute HTTP/1.1\r\nHost: localhost\r\n" + smuggled)
    connection.shutdown(socket.SHUT_WR)
    told = b""
    while piece := connection.recv(65536):
        told += piece
    assert told[9:12] == b"400"
    assert told.count(b"HTTP/1.") == 1


def test_a_reader_that_does_not_read_holds_up_nobody_and_loses_nothing(server):
    body = json.dumps({"program": "identity", "input": ["x" * 60_000]}).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        sender = threading.Thread(target=lambda: connection.sendall(request(body) * 100))
        sender.start()
        time.sleep(0.5)
        assert server.call("GET", "/health/live")[0].status == 200
        found = answers(connection, 100)
        sender.join()
    assert {result(one)[0] for one in found} == {200}


def test_a_server_that_stops_answers_what_it_was_asked(serve, tmp_path):
    served = serve(tmp_path / "runtime.db", tmp_path)
    address = ("127.0.0.1", served.port)
    with (
        socket.create_connection(address, timeout=20) as busy,
        socket.create_connection(address, timeout=20) as idle,
    ):
        busy.sendall(request())
        assert result(answers(busy, 1)[0]) == (200, "3.25")
        busy.sendall(request())
        time.sleep(0.05)
        served.process.terminate()
        assert idle.recv(1) == b""
        assert result(answers(busy, 1)[0]) == (200, "3.25")
    assert served.process.wait(20) == 0
