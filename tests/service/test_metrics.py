"""What a node shows of itself: on its port or on one of its own, from one process or several."""

import json
import os
import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from greenlang.observing import FAMILIES, sample_names

ORDER = {"program": "sum >> identity", "input": [1, 2.25]}
ACTIVITY = {
    "id": "A-01",
    "period": "2025-02",
    "activity": "natural gas",
    "quantity": 1500.25,
    "unit": "MMBtu",
    "region": "US",
}


def read(page):
    """Samples by name: labels and value."""
    samples = {}
    for family in text_string_to_metric_families(page.decode()):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples


def scrape(node, port=None):
    held = node.port
    node.port = port or held
    try:
        response, page = node.call("GET", "/metrics", Accept="text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
    finally:
        node.port = held
    assert response.status == 200, page
    assert response.getheader("Content-Type").startswith("text/plain; version=0.0.4")
    return read(page)


def total(samples, name, **wanted):
    return sum(
        value
        for labels, value in samples.get(name, [])
        if all(labels.get(key) == text for key, text in wanted.items())
    )


@pytest.fixture
def node(serve, tmp_path):
    """Starts one, which must end well."""
    made = []

    def make(*arguments, store=None):
        made.append(serve(store or tmp_path / "runtime.db", tmp_path, *arguments))
        return made[-1]

    yield make
    for each in made:
        if each.process.poll() is None:
            assert each.stop() == 0


def test_a_node_under_load_shows_what_it_did(node):
    one = node()
    for _ in range(5):
        assert one.call("POST", "/v1/workflows/execute", ORDER)[0].status == 200
        assert one.call("POST", "/v1/calculations/emissions", ACTIVITY)[0].status == 200
    assert one.call("POST", "/v1/workflows/execute", {"program": "no such"})[0].status == 422
    assert one.call("GET", "/nowhere")[0].status == 404
    shown = scrape(one)
    requests = "agent_requests_total"
    assert total(shown, requests, method="execute", status="200", tenant_id="default") == 5
    assert total(shown, requests, agent_id="ghg.inventory", method="calculate", status="200") == 5
    assert total(shown, requests, method="execute", status="422") == 1
    assert total(shown, requests, agent_id="none", method="none", status="404") == 1
    assert total(shown, "agent_request_duration_seconds_count", method="execute") == 6
    assert total(shown, "agent_calculations_total", formula_id="ghg.mass", status="success") == 5
    assert total(shown, "agent_calculation_precision", formula_id="ghg.co2e") == 12
    assert total(shown, "agent_executions", state="completed") == 5
    assert total(shown, "agent_queue_depth") == 0
    assert total(shown, "agent_cache_hits_total", cache_tier="plans") > 0
    assert total(shown, "agent_registry_agents") > 10
    assert set(shown) <= {name for family in FAMILIES for name in sample_names(family)}


def test_several_processes_tell_their_sum_whichever_is_asked_and_after_one_has_died(node):
    one = node("--workers", "2")

    def ask(count):
        with ThreadPoolExecutor(8) as threads:
            calls = [threads.submit(one.call, "POST", "/v1/workflows/execute", ORDER) for _ in range(count)]
            assert {each.result()[0].status for each in calls} == {200}

    def until(wanted, name, **labels):
        """Whichever process answers, they soon all say so."""
        end = time.monotonic() + 30
        while {total(scrape(one), name, **labels) for _ in range(6)} != {wanted}:
            assert time.monotonic() < end, f"{name} is never {wanted}"
            time.sleep(0.2)

    until(2, "agent_workers")
    ask(40)
    until(40, "agent_requests_total", method="execute")
    children = Path(f"/proc/{one.process.pid}/task/{one.process.pid}/children").read_text().split()
    workers = [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    time.sleep(1.2)  # what it counted last is written
    os.kill(max(workers), signal.SIGKILL)
    time.sleep(0.5)
    ask(10)
    until(50, "agent_requests_total", method="execute")


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def test_metrics_have_a_port_of_their_own_where_one_is_given(node, free_port):
    one = node("--metrics-port", str(free_port))
    one.call("POST", "/v1/workflows/execute", ORDER)
    assert total(scrape(one, free_port), "agent_requests_total", method="execute") == 1
    assert one.call("GET", "/metrics")[0].status == 404
    one.port, served = free_port, one.port
    assert one.call("POST", "/v1/workflows/execute", ORDER)[0].status == 404
    assert one.call("POST", "/metrics")[0].status == 405
    one.port = served


def test_where_callers_say_who_they_are_operators_alone_see_metrics(node, greenlang, tmp_path):
    store = tmp_path / "runtime.db"
    (tmp_path / "serve.toml").write_text('[authentication]\napi_keys = true\noperating_tenant = "default"\n')
    keys = {}
    for tenant in ("acme", "default"):
        said = greenlang(
            "keys", "create", "--name", "ours", "--store", store, "--tenant", tenant, "--role", "admin"
        )
        keys[tenant] = re.search(r"gl_\w+_[\w-]+", said.stdout + said.stderr)[0]
    one = node("--config", str(tmp_path / "serve.toml"), store=store)
    assert one.call("GET", "/metrics")[0].status == 401
    assert one.call("GET", "/metrics", Authorization=f"Bearer {keys['acme']}")[0].status == 403
    response, page = one.call("GET", "/metrics", Authorization=f"Bearer {keys['default']}")
    assert response.status == 200
    assert total(read(page), "agent_requests_total", status="401", tenant_id="none") == 1
    assert total(read(page), "agent_requests_total", status="403", tenant_id="acme") == 1


def test_requests_are_logged_where_that_is_asked_for(node):
    one = node("--log-format", "json", "--access-log")
    one.call("POST", "/v1/workflows/execute?token=hunter2", ORDER, X_Request_ID="req-77")
    one.stop()
    lines = [json.loads(line) for line in one.log.read_text().splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line["context"].get("request_id") == "req-77"]
    assert line["level"] == "INFO"
    assert line["tenant_id"] == "default"
    assert line["context"]["operation"] == "execute"
    assert line["context"]["status"] == 200
    assert line["context"]["duration_ms"] > 0
    assert "hunter2" not in one.log.read_text()


def test_nothing_is_logged_of_requests_unless_it_is_asked_for(node):
    one = node("--log-format", "json", "--log-level", "warning")
    one.call("POST", "/v1/workflows/execute", ORDER)
    one.stop()
    assert [line for line in one.log.read_text().splitlines() if line.startswith("{")] == []
