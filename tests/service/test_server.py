"""The service as it is served: a real process, spoken to over HTTP."""

import http.client
import json
import re
import socket

import pytest

from greenlang.cli.serve import _shown
from greenlang.service.server import check_address

SUM = {"program": "sum", "input": [1, 2.50]}


def test_a_program_is_run_and_its_result_proven(server):
    response, told = server.call("POST", "/v1/workflows/execute", SUM)
    assert (response.status, told["status"], told["errors"]) == (200, "success", [])
    assert told["data"]["result"] == "3.5"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", told["meta"]["timestamp"])
    location = response.headers["Location"]
    _, row = server.call("GET", location)
    assert (row["data"]["state"], row["data"]["result"]) == ("completed", "3.5")
    _, results = server.call("GET", f"/v1/workflows/{told['data']['execution_id']}/results")
    assert results["data"]["result"] == "3.5"
    _, found = server.call("GET", f"/v1/calculations/{told['data']['calculation_id']}")
    assert found["data"]["record"]["result"] == "3.5"
    assert found["data"]["head"]["record_count"] > found["data"]["inclusion"]["index"]


def test_an_inventory_of_activity_data(server):
    row = {
        "id": "A",
        "period": "2025-02",
        "activity": "natural gas",
        "quantity": 1500,
        "unit": "MMBtu",
        "region": "US",
    }
    program = "ghg.intake >> (fuels.stationary | fuels.mobile) >> ghg.inventory"
    _, told = server.call("POST", "/v1/workflows/execute", {"program": program, "input": [row]})
    assert told["status"] == "success"
    assert told["data"]["result"]["result"]["inventory"]


def test_an_answer_carries_the_request_id_that_was_given(server):
    response, told = server.call("GET", "/health/live", X_Request_ID="abc-123")
    assert (told["meta"]["request_id"], response.headers["X-Request-ID"]) == ("abc-123", "abc-123")
    response, told = server.call("GET", "/health/live", X_Request_ID='"><script>')
    assert re.fullmatch(r"[0-9a-f]{32}", told["meta"]["request_id"])


@pytest.mark.parametrize(
    ("body", "status", "field", "told"),
    [
        (b"", 400, "$", "is not JSON"),
        (b"{", 400, "$", "is not JSON"),
        (b"\xff", 400, "$", "is not JSON"),
        (b"[" * 100_000, 400, "$", ""),
        ({"input": 1}, 400, "program", "there is no program"),
        ({"program": "sum", "inputs": 1}, 400, "$", "unknown field `inputs`"),
        ({"program": "sum", "wait": -1}, 400, "$.wait", ">= 0"),
        ({"program": "sum", "priority": "P9"}, 400, "$.priority", "P9"),
        ({"program": ""}, 400, "$.program", "length >= 1"),
        ({"program": "no.such"}, 422, "program:1:1", "there is no agent 'no.such'"),
        ({"program": "sum >>"}, 422, "program:1:", ""),
        ({"program": "sum", "policy": {"gwp_set": "AR5"}}, 400, "policy", "no policy applies"),
        ({"program": "ghg.intake", "input": {"id": 1}}, 400, "input", "is not activity data"),
    ],
)
def test_a_mistake_is_told_with_its_field(server, body, status, field, told):
    response, answer = server.call("POST", "/v1/workflows/execute", body)
    assert (response.status, answer["status"], answer["data"]) == (status, "error", None)
    assert any(fault.get("field", "").startswith(field) for fault in answer["errors"])
    assert told in answer["errors"][0]["message"]
    assert "Traceback" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/executions/exec_unknown", 404),
        ("DELETE", "/v1/executions/exec_unknown", 404),
        ("GET", "/v1/executions/exec_unknown/events", 404),
        ("GET", "/v1/calculations/calc_unknown", 404),
        ("GET", f"/v1/batches/{'b' * 300}", 404),
        ("GET", "/v1/agents/no.such", 404),
        ("PUT", "/v1/executions", 405),
        ("GET", "/v1/executions?state=lost", 400),
        ("GET", "/v1/executions?limit=0", 400),
        ("GET", "/v1/executions?cursor=x", 400),
        ("GET", "/v1/executions?created_from=soon", 400),
        ("GET", "/v1/executions?page=2", 400),
    ],
)
def test_what_is_not_there_or_cannot_be_asked_is_refused(server, method, path, status):
    response, answer = server.call(method, path)
    assert (response.status, answer["status"]) == (status, "error")
    assert answer["errors"][0]["message"]
    if status == 405:
        assert response.headers["Allow"] == "GET, HEAD"


def test_another_content_type_is_refused(server):
    response, _ = server.call("POST", "/v1/workflows/execute", SUM, Content_Type="text/xml")
    assert response.status == 415


def test_a_file_of_the_server_cannot_be_named(server):
    program = 'electricity.market_based(factors="pyproject.toml")'
    response, answer = server.call("POST", "/v1/workflows/execute", {"program": program})
    assert response.status == 422
    assert "pyproject.toml" in json.dumps(answer)
    assert "build-system" not in json.dumps(answer)


def test_a_body_past_the_limit_is_refused_before_it_is_read(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.putrequest("POST", "/v1/workflows/execute")
    connection.putheader("Content-Length", str(100 * 1024 * 1024))
    connection.endheaders(b"{")
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read())["errors"][0]["code"] == "too_large"
    connection.close()


def test_one_key_makes_one_execution(server):
    _, told = server.call("POST", "/v1/workflows/execute", SUM, Idempotency_Key="one")
    _, again = server.call("POST", "/v1/workflows/execute", SUM, Idempotency_Key="one")
    assert again["data"]["execution_id"] == told["data"]["execution_id"]
    response, answer = server.call(
        "POST", "/v1/workflows/execute", {"program": "sum", "input": [9]}, Idempotency_Key="one"
    )
    assert (response.status, answer["errors"][0]["code"]) == (409, "idempotency_key")


@pytest.mark.parametrize("key", ["", "two words", "k" * 201, "clé"])
@pytest.mark.parametrize("padding", ["", "y" * 5000])  # the second goes through the other entrance
def test_a_key_that_is_none_is_refused(server, key, padding):
    sent = {"Idempotency_Key": key.encode(), "X_Padding": padding}
    response, answer = server.call("POST", "/v1/workflows/execute", SUM, **sent)
    assert (response.status, answer["errors"][0]["code"]) == (400, "idempotency_key")
    assert "1 to 200 characters" in answer["errors"][0]["message"]


def test_lists_are_paged(server):
    for _ in range(3):
        server.call("POST", "/v1/workflows/execute", SUM)
    seen, cursor = [], ""
    while cursor is not None:
        _, page = server.call(
            "GET", f"/v1/executions?limit=2&state=completed{cursor and '&cursor=' + cursor}"
        )
        seen += [row["execution_id"] for row in page["data"]["executions"]]
        cursor = page["data"]["next_cursor"]
    assert len(seen) == len(set(seen)) >= 3
    assert seen == sorted(seen, reverse=True)


def test_events_are_streamed_and_resumed(server):
    _, told = server.call("POST", "/v1/workflows/execute", {**SUM, "wait": 0})
    path = f"/v1/executions/{told['data']['execution_id']}/events"

    def events(**headers):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", path, headers=headers)
        text = connection.getresponse().read().decode()
        connection.close()
        return re.findall(r"id: (\d+)\nevent: (\w+)\ndata: (.+)\n\n", text)

    seen = events()
    assert [kind for _, kind, _ in seen] == ["pending", "queued", "running", "completed"]
    assert events(**{"Last-Event-ID": seen[1][0]}) == seen[2:]


def test_head_of_a_stream_is_its_headers_alone(server):
    _, told = server.call("POST", "/v1/workflows/execute", SUM)
    path = f"/v1/executions/{told['data']['execution_id']}/events"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        connection.sendall(b"GET /health/live HTTP/1.0\r\nHost: localhost\r\n\r\n")
        said = b""
        while piece := connection.recv(65536):
            said += piece
    head, _, rest = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"text/event-stream" in head
    assert rest.startswith(b"HTTP/1.0 200 ")


def test_programs_are_checked_and_planned(server):
    _, told = server.call("POST", "/v1/workflows/validate", {"program": "sum >> no.such >> also.not"})
    assert told["data"]["valid"] is False
    assert [fault["field"] for fault in told["data"]["diagnostics"]] == ["program:1:8", "program:1:19"]
    _, told = server.call("POST", "/v1/workflows/plan", {"program": "sum >> sum", "format": "mermaid"})
    assert told["data"]["plan"].startswith("flowchart") or "graph" in told["data"]["plan"]


def test_agents_are_listed(server):
    _, told = server.call("GET", "/v1/agents")
    assert "fuels.stationary" in {agent["name"] for agent in told["data"]["agents"]}
    _, told = server.call("GET", "/v1/agents/fuels.stationary")
    assert told["data"]["agents"][0]["effects"]


def test_the_document_of_the_api_names_every_operation(server):
    _, document = server.call("GET", "/openapi.json")
    assert document["openapi"] == "3.1.0"
    assert "post" in document["paths"]["/v1/workflows/execute"]
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["responses"]


def test_the_examples_of_the_document_work(server):
    _, document = server.call("GET", "/openapi.json")
    shown = 0
    # What a name in a path stands for has to be there first: those are tried where it is made.
    plain = {path: methods for path, methods in document["paths"].items() if "{" not in path}
    for path, methods in plain.items():
        for method, operation in methods.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for example in content.get("examples", {}).values():
                    response, told = server.call(method.upper(), path, example["value"])
                    assert response.status in (200, 201), (path, example, told)
                    shown += 1
    assert shown >= 4


def test_a_client_that_sends_nothing_holds_up_nobody(server):
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
    for each in idle:
        each.sendall(b"POST /v1/workflows/execute HTTP/1.1\r\nContent-Le")
    response, _ = server.call("GET", "/health/ready")
    assert response.status == 200
    for each in idle:
        each.close()


@pytest.mark.parametrize(
    ("store", "shown"),
    [
        (
            "postgresql://user:secret@db.example.org:5432/greenlang?password=secret",
            "postgresql://db.example.org:5432/greenlang",
        ),
        ("postgresql://db.example.org/greenlang", "postgresql://db.example.org/greenlang"),
        ("memory:", "memory:"),
        ("a@b/runtime.db", "a@b/runtime.db"),
    ],
)
def test_a_store_is_shown_without_its_password(store, shown):
    assert _shown(store) == shown


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org", ""])  # noqa: S104
def test_an_address_that_others_reach_is_refused(host):
    with pytest.raises(Exception, match="requests are not authenticated"):
        check_address(host)
