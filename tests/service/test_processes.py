"""Several processes at one port, a configuration that is read again, and an end that loses nothing."""

import concurrent.futures
import contextlib
import http.client
import multiprocessing
import os
import re
import signal
import socket
import sqlite3
import threading
import time
from pathlib import Path

from greenlang.service.limits import LimitSettings
from greenlang.service.settings import _FIXED, ServerSettings, restart_needed
from greenlang.service.workers import _Workers

SUM = {"program": "sum", "input": [1, 2.25]}


def children(pid):
    """The serving processes of a server, without the one that tracks resources."""
    found = []
    for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes():
            found.append(int(each))
    return found


def until(holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


class TestWorkers:
    def test_they_share_the_port_and_the_store(self, serve, tmp_path):
        served = serve(tmp_path / "runtime.db", tmp_path, "--workers", "2")
        until(lambda: len(children(served.process.pid)) == 2)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            asked = [
                pool.submit(served.call, "POST", "/v1/workflows/execute", {**SUM, "wait": wait})
                for wait in (0, 5) * 50
            ]
            names = [one.result()[1]["data"]["execution_id"] for one in asked]
        assert len(set(names)) == 100
        for name in names:
            until(lambda name=name: served.call("GET", f"/v1/workflows/{name}/status")[1]["data"]["finished"])
        assert served.stop() == 0
        assert children(served.process.pid) == [] if Path(f"/proc/{served.process.pid}").exists() else True

    def test_one_that_dies_is_replaced_and_nothing_it_accepted_is_lost(self, serve, tmp_path):
        (tmp_path / "serve.toml").write_text("lease_seconds = 1.0\n")
        config = ("--config", str(tmp_path / "serve.toml"))
        served = serve(tmp_path / "runtime.db", tmp_path, "--workers", "2", *config)
        until(lambda: len(children(served.process.pid)) == 2)
        first = set(children(served.process.pid))
        until(lambda: served.call("GET", "/health/ready")[0].status == 200)
        names = [
            served.call("POST", "/v1/workflows/execute", {**SUM, "wait": 0})[1]["data"]["execution_id"]
            for _ in range(20)
        ]
        os.kill(next(iter(first)), signal.SIGKILL)
        until(lambda: len(set(children(served.process.pid)) - first) == 1)
        for name in names:
            until(lambda name=name: served.call("GET", f"/v1/workflows/{name}/status")[1]["data"]["finished"])
        assert served.stop() == 0

    def test_they_end_when_the_first_process_is_killed_and_leave_the_port(self, serve, tmp_path):
        served = serve(tmp_path / "runtime.db", tmp_path, "--workers", "2")
        until(lambda: len(children(served.process.pid)) == 2)
        left = children(served.process.pid)
        served.process.kill()
        until(lambda: not any(Path(f"/proc/{each}/cmdline").exists() for each in left))

    def test_a_store_in_memory_is_not_shared(self, greenlang):
        done = greenlang("serve", "--workers", "2", "--store", "memory:", code=2)
        assert "one process' own" in done.stderr

    def test_what_keeps_one_from_serving_is_told_once_and_ends_all(self, greenlang, tmp_path):
        both = ("serve", "--port", "0", "--workers", "2")
        done = greenlang(*both, "--store", "a.db", "--calculation-program", "no.gcel", code=2)
        assert done.stderr == "error: there is no file 'no.gcel'; check the path\n"
        done = greenlang(*both, "--store", tmp_path / "no" / "a.db", code=1)
        assert (done.stderr.startswith("failure: "), done.stderr.count("\n")) == (True, 1)

    def test_a_port_of_metrics_that_is_taken_is_named(self, greenlang, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = greenlang("serve", "--port", "0", "--metrics-port", port, "--store", "a.db", code=2)
        assert f"metrics cannot be served at 127.0.0.1:{port}: Address already in use" in done.stderr
        assert "metrics_port" in done.stderr


class TestReload:
    def test_settings_are_read_again_on_sighup(self, serve, tmp_path):
        config = tmp_path / "serve.toml"
        config.write_text("max_body_bytes = 100\n")
        served = serve("memory:", tmp_path, "--config", str(config))
        large = {**SUM, "input": [1] * 100}
        assert served.call("POST", "/v1/workflows/execute", large)[0].status == 413
        config.write_text("max_body_bytes = 10000\nthreads = 2\n")
        served.process.send_signal(signal.SIGHUP)
        until(lambda: served.call("POST", "/v1/workflows/execute", large)[0].status == 200)
        assert "'threads' changes with the next start" in served.log.read_text()
        served.stop()

    def test_what_waits_for_the_next_start_is_told(self, serve, tmp_path):
        config = tmp_path / "serve.toml"
        config.write_text("")
        served = serve("memory:", tmp_path, "--config", str(config))
        config.write_text("[limits]\ntier = 'pro'\n")
        served.process.send_signal(signal.SIGHUP)
        until(lambda: "'limits' changes with the next start" in served.log.read_text())
        served.stop()

    def test_what_nodes_share_waits_for_the_next_start(self):
        here, there = ServerSettings(limits=LimitSettings()), ServerSettings(redis="redis://localhost")
        needed = [restart_needed(before, after) for before in (here, there) for after in (here, there)]
        assert needed == [[], ["redis", "limits"], ["redis", "limits"], []]

    def test_the_page_names_what_waits_for_the_next_start(self):
        page = Path(__file__).parents[2] / "docs" / "http.md"
        told = page.read_text().partition("leaves the settings as they were.")[2].partition("wait for the")[0]
        assert set(re.findall(r"`\[?([a-z_]+)\]?`", told)) == {*_FIXED, "limits"}

    def test_idle_seconds_are_read_again(self, serve, tmp_path):
        config = tmp_path / "serve.toml"
        config.write_text("idle_seconds = 2.0\n")
        served = serve("memory:", tmp_path, "--config", str(config))
        config.write_text("idle_seconds = 60.0\n")
        served.process.send_signal(signal.SIGHUP)
        until(lambda: "was read again" in served.log.read_text())
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
        connection.request("GET", "/health/live")
        connection.getresponse().read()
        kept = connection.sock
        time.sleep(3)
        connection.request("GET", "/health/live")
        assert connection.getresponse().status == 200
        assert connection.sock is kept
        connection.close()
        served.stop()

    def test_a_mistake_in_them_leaves_them_as_they_were(self, serve, tmp_path):
        config = tmp_path / "serve.toml"
        config.write_text("concurrency = 4\n")
        served = serve("memory:", tmp_path, "--config", str(config))
        config.write_text("concurency = 8\n")
        served.process.send_signal(signal.SIGHUP)
        until(lambda: "stays as it is" in served.log.read_text())
        assert "concurency" in served.log.read_text()
        assert served.call("POST", "/v1/workflows/execute", SUM)[0].status == 200
        assert served.stop() == 0

    def test_a_mistake_at_the_start_is_told(self, greenlang, tmp_path):
        (tmp_path / "serve.toml").write_text('workers = "many"\n')
        done = greenlang("serve", "--config", "serve.toml", code=2)
        assert "serve.toml" in done.stderr
        assert "$.workers" in done.stderr

    def test_a_port_that_is_taken_is_told(self, greenlang, server):
        done = greenlang("serve", "--store", "memory:", "--port", str(server.port), code=2)
        assert "cannot be served" in done.stderr


def test_stopping_answers_what_was_asked(serve, tmp_path):
    """Requests that are under way when SIGTERM comes are answered, and what is accepted is kept."""
    served = serve(tmp_path / "runtime.db", tmp_path)
    statuses, refused = [], []

    def ask():
        while True:
            try:
                statuses.append(served.call("POST", "/v1/workflows/execute", SUM)[0].status)
            except ConnectionRefusedError:
                return
            except OSError as error:  # closed before it was read
                refused.append(error)
                return

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    until(lambda: len(statuses) > 50)
    assert served.stop() == 0
    for asker in askers:
        asker.join()
    assert set(statuses) == {200}


def waiting_for_ever(served, store):
    """The path of the events of an execution that nobody takes on."""
    _, told = served.call("POST", "/v1/workflows/execute", SUM)
    name = told["data"]["execution_id"]
    with contextlib.closing(sqlite3.connect(store)) as opened, opened:
        opened.execute(
            "UPDATE executions SET state = 'pending', finished_at = NULL, available_at = ? WHERE id = ?",
            [1 << 60, name],
        )
    return f"/v1/executions/{name}/events"


def test_an_open_stream_does_not_keep_a_server_from_ending(serve, tmp_path):
    served = serve(tmp_path / "runtime.db", tmp_path, "--grace", "1")
    path = waiting_for_ever(served, tmp_path / "runtime.db")
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    connection.request("GET", path)
    response = connection.getresponse()
    assert response.readline().startswith(b"id: ")
    began = time.monotonic()
    assert served.stop() == 0
    assert time.monotonic() - began < 3
    response.read()  # to an end that says that it is one
    connection.close()


STUBBORN = """
import threading

import greenlang as gl
from greenlang.agents.hooks import hookimpl


@gl.agent(name="stubborn.step", version="1.0.0")
def step(value: int) -> int:
    threading.Event().wait()
    return value


@hookimpl
def greenlang_agents():
    return [step]
"""


def test_a_step_that_never_ends_does_not_keep_a_server_from_ending(serve, tmp_path, monkeypatch):
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    metadata = tmp_path / "stubborn-1.0.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: stubborn\nVersion: 1.0.0\nRequires-Dist: greenlang-runtime>=0.1,<0.2\n"
    )
    (metadata / "entry_points.txt").write_text("[greenlang]\nstubborn = stubborn\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    served = serve(tmp_path / "runtime.db", tmp_path, "--grace", "1")
    asked = {"program": "stubborn.step", "input": 1, "wait": 0}
    response, told = served.call("POST", "/v1/workflows/execute", asked)
    assert response.status == 202, told
    path = f"/v1/executions/{told['data']['execution_id']}"
    until(lambda: served.call("GET", path)[1]["data"]["state"] == "running")
    began = time.monotonic()
    assert served.stop() == 0
    assert time.monotonic() - began < 5
    assert "1 steps do not end and are cut off" in served.log.read_text()
    # Whoever starts next has it.
    with contextlib.closing(sqlite3.connect(tmp_path / "runtime.db")) as opened:
        assert opened.execute("SELECT state FROM executions").fetchall() == [("queued",)]


def test_processes_that_are_being_started_when_it_stops_end_too():
    """The signal comes while the first of them is made, before anybody can tell it."""
    context = multiprocessing.get_context("spawn")
    made = []

    def make(number):
        made.append(context.Process(target=time.sleep, args=(60,)))
        workers.stop(signal.SIGTERM, None)
        return made[-1]

    heard, telling = context.Pipe(duplex=False)
    workers = _Workers(make, 3, heard, lambda: None)
    workers.start()
    workers.watch()
    telling.close()
    assert [process.exitcode for process in made] == [-signal.SIGTERM]
