"""Traces as a collector gets them: from a caller, through the queue and a restart, to a webhook."""

import base64
import http.server
import json
import secrets
import threading
import time

import pytest
from collector import Collector
from distributions import write_distribution

ACTIVITY = {
    "id": "A-01",
    "period": "2025-02",
    "activity": "natural gas",
    "quantity": 1500.25,
    "unit": "MMBtu",
    "region": "US",
}
ORDER = {"program": "sum >> identity", "input": [1, 2.25]}
EXECUTE = "POST execute"
CALLER = "00f067aa0ba902b7"

SERVER, CONSUMER = 2, 5

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()

SETTINGS = f"""
lease_seconds = 1.0

[webhooks]
secrets = ["{SECRET}"]
allow_private = true

[traces]
endpoint = "URL"
headers = {{ "x-collector-key" = "k" }}
"""

SLOW = """
import time

import greenlang as gl
from greenlang.agents.hooks import hookimpl


@gl.agent(name="acme.slow", version="1.0.0", effects={"io"}, blocking=True)
def slow(value: int) -> int:
    \"\"\"Take its time.\"\"\"
    time.sleep(1.5)
    return value


@hookimpl
def greenlang_agents():
    return [slow]
"""


@pytest.fixture(scope="module")
def collector():
    with Collector() as made:
        yield made


@pytest.fixture(scope="module")
def start(serve, collector, tmp_path_factory):
    """Starts nodes on one store, which send what they trace at once."""
    folder = tmp_path_factory.mktemp("traces")
    write_distribution(folder / "site", "acme_slow", SLOW)

    def make(more=""):
        (folder / "serve.toml").write_text(SETTINGS.replace("URL", collector.url) + more)
        arguments = ("--config", str(folder / "serve.toml"), "--log-format", "json", "--access-log")
        with pytest.MonkeyPatch.context() as changed:
            changed.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
            changed.setenv("PYTHONPATH", str(folder / "site"))
            return serve(folder / "runtime.db", folder, *arguments)

    return make


@pytest.fixture(scope="module")
def node(start):
    made = start()
    yield made
    if made.process.poll() is None:
        assert made.stop() == 0


@pytest.fixture
def trace():
    return secrets.token_hex(16)


@pytest.fixture
def parent(trace):
    return f"00-{trace}-{CALLER}-01"


def test_an_execution_that_is_run_at_once_is_one_trace_with_its_phases(node, collector, trace, parent):
    for _ in range(3):
        node.call("POST", "/v1/workflows/execute", ORDER)
    path = "/v1/workflows/execute?api_key=hunter2"
    response, _ = node.call("POST", path, ORDER, traceparent=parent, X_Request_ID="req-5")
    assert response.status == 200
    collector.wait(lambda: collector.named(EXECUTE, trace))
    (span,) = collector.named(EXECUTE, trace)
    assert span.parent_id == CALLER
    assert (span.kind, span.service, span.failed) == (SERVER, "agent-runtime", False)
    assert span.attributes == {
        "http.request.method": "POST",
        "url.path": "/v1/workflows/execute",
        "http.response.status_code": 200,
        "greenlang.request_id": "req-5",
        "greenlang.operation": "execute",
        "greenlang.tenant_id": "default",
        "greenlang.agent_id": "",
    }
    assert collector.paths(trace) == [
        EXECUTE,
        f"{EXECUTE} > discover",
        f"{EXECUTE} > validate",
        f"{EXECUTE} > execute",
        f"{EXECUTE} > execute > calculate",
        f"{EXECUTE} > execute > provenance",
        f"{EXECUTE} > finalise",
    ]
    assert all(one.began <= one.ended for one in collector.spans)
    assert {headers["x-collector-key"] for headers in collector.headers} == {"k"}


def test_a_calculation_shows_its_lookup_its_arithmetic_and_its_record(node, collector, trace, parent):
    node.call("POST", "/v1/calculations/emissions", ACTIVITY, traceparent=parent)
    top = "POST calculate"
    collector.wait(lambda: collector.named(top, trace))
    assert set(collector.paths(trace)) == {
        top,
        f"{top} > validate",
        f"{top} > discover",
        f"{top} > execute",
        f"{top} > execute > factor lookup",
        f"{top} > execute > calculate",
        f"{top} > execute > provenance",
        f"{top} > finalise",
    }


def test_what_is_taken_from_the_queue_goes_on_in_the_trace_of_who_asked(node, collector, trace, parent):
    order = {"program": "sum", "input": [1, 2], "wait": 0}
    _, told = node.call("POST", "/v1/workflows/execute", order, traceparent=parent)
    name = told["data"]["execution_id"]
    collector.wait(lambda: collector.named("execution", trace) and collector.named(EXECUTE, trace))
    (span,) = collector.named("execution", trace)
    inside = {one.span_id for one in collector.spans if one.trace_id == trace}
    assert span.kind == CONSUMER
    assert span.parent_id in inside
    assert (span.attributes["greenlang.execution_id"], span.attributes["greenlang.attempt"]) == (name, 1)
    paths = [f"x{path.partition('execution')[2]}" for path in collector.paths(trace) if "execution" in path]
    assert paths == [
        "x",
        "x > discover",
        "x > validate",
        "x > execute",
        "x > execute > calculate",
        "x > execute > provenance",
        "x > finalise",
    ]
    _, history = node.call("GET", f"/v1/executions/{name}/history")
    assert {event["metadata"]["traceparent"][3:35] for event in history["data"]["events"]} == {trace}


def test_a_webhook_carries_the_trace_on(node, collector, trace, parent):
    heard = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            heard.append(self.headers["traceparent"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook) as hook:
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        order = {**ORDER, "webhook": f"http://127.0.0.1:{hook.server_address[1]}/"}
        assert node.call("POST", "/v1/workflows/execute", order, traceparent=parent)[0].status == 200
        collector.wait(lambda: heard)
        hook.shutdown()
    assert heard[0].startswith(f"00-{trace}-")


@pytest.mark.parametrize("kind", ["none", "words", "zeros", "short", "bytes"])
def test_a_traceparent_that_is_none_begins_a_trace(node, collector, trace, kind):
    hostile = {
        "none": b"",
        "words": b"x",
        "zeros": b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01",
        "short": f"ff-{trace}-1-01".encode(),
        "bytes": b"\xe9" * 55,
    }[kind]
    name = f"req-{trace}"
    node.call("POST", "/v1/workflows/execute", ORDER, traceparent=hostile, X_Request_ID=name)
    collector.wait(
        lambda: [one for one in collector.spans if one.attributes.get("greenlang.request_id") == name]
    )
    (span,) = [one for one in collector.spans if one.attributes.get("greenlang.request_id") == name]
    assert span.parent_id == ""
    assert span.trace_id not in (trace, "0" * 32)


def test_lines_of_the_log_name_their_trace(node, collector, trace, parent):
    node.call("POST", "/v1/workflows/execute?token=hunter2", ORDER, traceparent=parent)
    collector.wait(lambda: f'"{trace}"' in node.log.read_text())
    lines = [json.loads(line) for line in node.log.read_text().splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line["trace_id"] == trace]
    assert line["context"]["logger"] == "greenlang.access"
    assert len(line["span_id"]) == 16
    assert "hunter2" not in node.log.read_text()


def test_an_execution_goes_on_in_its_trace_after_the_node_that_ran_it_was_killed(
    node, start, collector, trace, parent
):
    order = {"program": "acme.slow", "input": 1, "wait": 0}
    _, told = node.call("POST", "/v1/workflows/execute", order, traceparent=parent)
    time.sleep(0.5)
    node.process.kill()
    node.process.wait()
    again = start("sample_ratio = 0.0\n")
    collector.wait(lambda: collector.named("execution", trace), seconds=30)
    (span,) = collector.named("execution", trace)
    assert span.attributes["greenlang.execution_id"] == told["data"]["execution_id"]
    assert span.attributes["greenlang.attempt"] == 2
    # That node samples nothing of its own accord, and what its callers say they sample.
    for _ in range(20):
        again.call("POST", "/v1/workflows/execute", ORDER)
    unsampled, sampled = secrets.token_hex(16), secrets.token_hex(16)
    before = {one.trace_id for one in collector.spans}
    for one, flags in ((unsampled, "00"), (sampled, "01")):
        again.call("POST", "/v1/workflows/execute", ORDER, traceparent=f"00-{one}-{CALLER}-{flags}")
    assert again.stop() == 0
    assert {one.trace_id for one in collector.spans} - before == {sampled}


def test_a_collector_that_is_gone_costs_no_answer(serve, tmp_path):
    (tmp_path / "serve.toml").write_text('[traces]\nendpoint = "http://127.0.0.1:9/v1/traces"\n')
    node = serve("memory:", tmp_path, "--config", str(tmp_path / "serve.toml"))
    for _ in range(5):
        assert node.call("POST", "/v1/workflows/execute", ORDER)[0].status == 200
    assert node.stop() == 0
