"""A server that sends its events on, with a real Redis behind it."""

import time

import msgspec
import redis as redis_client

SUM = {"program": "sum", "input": [1, 2.25]}


def told(redis_server):
    entries = redis_client.Redis.from_url(redis_server.url).xrange("greenlang:events")
    return [msgspec.json.decode(fields[b"event"]) for _, fields in entries]


def until(true, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


def test_what_happens_is_told_and_a_server_goes_on_where_the_one_before_stopped(
    serve, redis_server, tmp_path
):
    (tmp_path / "serve.toml").write_text(f'[events.sinks]\nbus = "{redis_server.url}"\n')
    served = serve(tmp_path / "runtime.db", tmp_path, "--config", str(tmp_path / "serve.toml"))
    _, answer = served.call("POST", "/v1/workflows/execute", SUM, X_Request_ID="req-1")
    until(lambda: len(told(redis_server)) == 4)
    assert served.stop() == 0
    served = serve(tmp_path / "runtime.db", tmp_path, "--config", str(tmp_path / "serve.toml"))
    served.call("POST", "/v1/workflows/execute", SUM)
    until(lambda: len(told(redis_server)) == 8)
    assert served.stop() == 0
    first = told(redis_server)[:4]
    assert [event["event_type"].partition(".")[2] for event in first] == [
        "pending",
        "queued",
        "running",
        "completed",
    ]
    assert {event["aggregate_id"] for event in first} == {answer["data"]["execution_id"]}
    assert {event["metadata"]["correlation_id"] for event in first} == {"req-1"}


def test_a_sink_that_no_plugin_brings_is_refused_before_anything_is_served(greenlang, tmp_path):
    (tmp_path / "serve.toml").write_text('[events.sinks]\nbus = "kafka://host/topic"\n')
    done = greenlang("serve", "--port", "0", "--config", str(tmp_path / "serve.toml"), code=2)
    assert "'kafka:' names no sink of events" in done.stderr
