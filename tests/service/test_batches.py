"""Batches over HTTP, on a real server whose batches are processes of their own."""

import csv
import http.client
import json
import os
import signal
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "activities.csv"
CSV = "text/csv"


def made(server, body, **headers):
    response, told = server.call("POST", "/v1/batches?name=activities.csv", body, Content_Type=CSV, **headers)
    assert response.status == 202, told
    assert response.getheader("Location") == f"/v1/batches/{told['data']['batch_id']}"
    return told["data"]["batch_id"]


def fetched(server, path):
    """The bytes of a file."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == 200
        return response, response.read()


def waited(server, batch_id, *states):
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        _, told = server.call("GET", f"/v1/batches/{batch_id}")
        if told["data"]["state"] in (states or ("completed", "failed", "cancelled")):
            return told["data"]
        time.sleep(0.05)
    pytest.fail(f"the batch is still {told}")


@pytest.fixture(scope="module")
def done(server):
    """A batch that is done, and committed to the ledger."""
    batch_id = made(server, EXAMPLE.read_bytes())
    assert waited(server, batch_id)["state"] == "completed"
    deadline = time.monotonic() + 20
    while "calculation_id" not in (told := waited(server, batch_id)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return told


def test_a_file_is_computed_as_it_is_by_a_calculation(server, done):
    response, told = server.call(
        "POST", "/v1/calculations/emissions?on_error=skip", EXAMPLE.read_bytes(), Content_Type=CSV
    )
    assert response.status == 200, told
    _, sums = server.call("GET", f"/v1/batches/{done['batch_id']}/totals")
    for one, expected in zip(sums["data"]["sums"], told["data"]["totals"], strict=True):
        assert Decimal(one["co2e_kg"]) == Decimal(expected["co2e_kg"])
        assert (one["scope"], one["method"], one["rows"]) == (
            expected["scope"],
            expected["method"],
            expected["rows"],
        )


def test_the_record_of_a_batch_is_in_the_ledger(server, done):
    response, told = server.call("GET", f"/v1/calculations/{done['calculation_id']}")
    assert response.status == 200
    record = told["data"]["record"]
    assert record["result_hash"] == done["result_hash"]
    assert record["row_count"] == done["rows"]


def test_batches_are_listed_newest_first_page_by_page(server, done):
    made(server, EXAMPLE.read_bytes())
    _, first = server.call("GET", "/v1/batches?limit=1")
    _, rest = server.call("GET", f"/v1/batches?cursor={first['data']['next_cursor']}")
    listed = [one["batch_id"] for one in (*first["data"]["batches"], *rest["data"]["batches"])]
    assert listed == sorted(listed, reverse=True)
    assert done["batch_id"] in listed


def test_events_tell_of_a_batch_to_its_end(server):
    batch_id = made(server, EXAMPLE.read_bytes())
    response, told = server.call("GET", f"/v1/batches/{batch_id}/events")
    assert response.getheader("Content-Type") == "text/event-stream"
    events = [
        dict(line.split(": ", 1) for line in one.splitlines())
        for one in told.decode().split("\n\n")
        if "id:" in one
    ]
    numbers = [int(event["id"]) for event in events]
    assert numbers == sorted(set(numbers))
    last = json.loads(events[-1]["data"])
    assert events[-1]["event"] == last["state"] == "completed"
    assert last["rows_done"] == last["rows"]


@pytest.mark.parametrize(
    ("form", "start"), [("csv", b'"row"'), ("jsonl", b"{"), ("parquet", b"PAR1"), ("arrow", b"ARROW1")]
)
def test_rows_are_given_in_every_format(server, done, form, start):
    response, told = fetched(server, f"/v1/batches/{done['batch_id']}/result?format={form}")
    assert told.startswith(start)
    assert f"-rows.{form}" in response.getheader("Content-Disposition")


def test_a_format_may_be_asked_for_by_accept(server, done):
    path = f"/v1/batches/{done['batch_id']}/result"
    response, told = server.call("GET", path, Accept="application/vnd.apache.parquet")
    assert response.getheader("Content-Type") == "application/vnd.apache.parquet"
    assert told.startswith(b"PAR1")


def test_a_format_goes_before_what_accept_asks_for(server, done):
    path = f"/v1/batches/{done['batch_id']}/result?format=csv"
    response, told = server.call("GET", path, Accept="application/vnd.apache.parquet")
    assert response.getheader("Content-Type") == "text/csv"
    assert told.startswith(b'"row"')


def test_the_document_names_every_format_of_a_file(server):
    _, document = server.call("GET", "/openapi.json")
    for path in ("result", "failures"):
        given = document["paths"][f"/v1/batches/{{id}}/{path}"]["get"]["responses"]["200"]["content"]
        assert {"text/csv", "application/vnd.apache.parquet"} < set(given)


def test_sums_are_given_by_dimension(server, done):
    _, total = server.call("GET", f"/v1/batches/{done['batch_id']}/totals")
    for by in ("activity", "site", "period", "region"):
        _, told = server.call("GET", f"/v1/batches/{done['batch_id']}/totals?by={by}")
        assert told["data"]["by"] == by
        assert sum(one["rows"] for one in told["data"]["sums"]) == sum(
            one["rows"] for one in total["data"]["sums"]
        )


def test_rows_that_fail_are_in_a_file_of_their_own(server):
    table = EXAMPLE.read_text().splitlines()
    broken = "\n".join(
        [*table, table[1].replace(table[1].split(",")[0], "X-1").replace("natural gas", "moonshine")]
    )
    batch_id = made(server, broken.encode())
    told = waited(server, batch_id)
    _, failures = fetched(server, f"/v1/batches/{batch_id}/failures?format=jsonl")
    failed = [json.loads(line) for line in failures.splitlines()]
    assert len({one["row"] for one in failed}) == told["failed_rows"]
    (failure,) = [one for one in failed if one["id"] == "X-1"]
    assert "moonshine" in failure["reason"]
    _, limited = fetched(server, f"/v1/batches/{batch_id}/failures?format=jsonl&limit=1")
    assert limited.splitlines() == failures.splitlines()[:1]


def test_a_result_that_is_not_there_yet_is_refused(server, done):
    response, told = server.call("GET", "/v1/batches/batch_nope/result")
    assert response.status == 404
    assert told["errors"][0]["code"] == "not_found"


def test_what_is_no_table_of_activities_is_refused_at_once(server):
    response, told = server.call("POST", "/v1/batches", b"name,amount\na,1\n", Content_Type=CSV)
    assert response.status == 422
    assert "the column is missing" in told["errors"][0]["message"]
    response, told = server.call("POST", "/v1/batches", b"x", Content_Type="image/png")
    assert response.status == 415


@pytest.fixture(scope="module")
def configured(serve, tmp_path_factory):
    """A server with a folder for inputs and small limits, and that folder."""
    folder = tmp_path_factory.mktemp("configured")
    inputs = folder / "inputs"
    inputs.mkdir()
    config = folder / "serve.toml"
    config.write_text(f'max_body_bytes = 1000\n[batches]\nmax_upload_bytes = 100000\ninputs = ["{inputs}"]\n')
    server = serve(folder / "runtime.db", folder, "--config", str(config))
    yield server, inputs
    assert server.stop() == 0


def test_a_path_is_taken_in_folders_that_the_operator_allows_alone(configured, tmp_path):
    server, inputs = configured
    for folder in (inputs, tmp_path):
        folder.joinpath("activities.csv").write_bytes(EXAMPLE.read_bytes())
    inputs.joinpath("link.csv").symlink_to(tmp_path / "activities.csv")
    response, told = server.call("POST", "/v1/batches", {"path": str(inputs / "activities.csv")})
    assert response.status == 202, told
    assert waited(server, told["data"]["batch_id"])["state"] == "completed"
    for path in (tmp_path / "activities.csv", inputs / "link.csv", inputs / ".." / "serve.toml"):
        response, told = server.call("POST", "/v1/batches", {"path": str(path)})
        assert response.status == 400
        assert "no folder that the operator allows" in told["errors"][0]["message"]


def test_a_path_that_is_no_file_is_told_as_one(configured):
    server, inputs = configured
    os.mkfifo(inputs / "pipe.csv")  # opening it would wait for whoever writes
    inputs.joinpath("loop.csv").symlink_to(inputs / "loop.csv")
    for name, said in (
        ("pipe.csv", "is no file"),
        ("loop.csv", "cannot be read"),
        ("a\0b.csv", "in no folder"),
    ):
        response, told = server.call("POST", "/v1/batches", {"path": str(inputs / name)})
        assert response.status == 400, told
        assert said in told["errors"][0]["message"]


@pytest.mark.parametrize("policy", [{"gwp_set": 5}, {"as_at": 12}])
def test_a_choice_of_another_type_is_told_as_one(server, done, policy):
    path = f"/v1/batches/{done['batch_id']}/recalculate"
    response, told = server.call("POST", path, {"policy": policy})
    assert response.status == 400, told
    assert "Expected `str`, got `int`" in told["errors"][0]["message"]


def test_an_upload_larger_than_the_limit_leaves_nothing_behind(configured):
    server, inputs = configured
    response, _ = server.call("POST", "/v1/batches", bytes(200_000), Content_Type=CSV)
    assert response.status == 413
    assert list(inputs.parent.joinpath("runtime.batches").rglob("upload_*")) == []


def test_an_upload_may_be_larger_than_a_body(configured):
    server, _ = configured
    body = EXAMPLE.read_bytes()
    assert len(body) > 1000
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        pieces = (body[start : start + 500] for start in range(0, len(body), 500))
        connection.request("POST", "/v1/batches", pieces, {"Content-Type": CSV}, encode_chunked=True)
        assert connection.getresponse().status == 202


def test_an_upload_goes_by_its_name(server):
    row = dict(zip(*csv.reader(EXAMPLE.read_text().splitlines()[:2]), strict=True))
    body = b"\n" + json.dumps(row).encode()
    response, told = server.call("POST", "/v1/batches", body, Content_Type="application/x-ndjson")
    assert response.status == 202, told
    assert told["data"]["rows"] == 1
    path = "/v1/batches?name=march.csv"
    _, told = server.call("POST", path, b"id,activity\nA,g\xe9\n", Content_Type=CSV)
    assert told["errors"][0]["message"].startswith("march.csv, row 2: the file is not UTF-8")


def test_a_batch_whose_process_and_server_are_killed_goes_on_with_the_next(serve, tmp_path):
    rows = EXAMPLE.read_text().splitlines()
    gas = next(row for row in rows if "natural gas" in row).split(",")
    large = "\n".join([rows[0], *(",".join([f"G-{number}", *gas[1:]]) for number in range(60_000))])
    server = serve(tmp_path / "runtime.db", tmp_path)
    path = "/v1/batches?name=large.csv&partition_rows=1024"
    _, told = server.call("POST", path, large.encode(), Content_Type=CSV)
    batch_id = told["data"]["batch_id"]
    begun = waited(server, batch_id, "running", "completed")
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    after = serve(tmp_path / "runtime.db", tmp_path)
    assert begun["rows"] == 60_000
    told = waited(after, batch_id)
    assert (told["state"], told["rows_done"]) == ("completed", 60_000)
    assert after.stop() == 0


def test_a_batch_is_cancelled_and_resumed(server):
    batch_id = made(server, EXAMPLE.read_bytes())
    response, _ = server.call("DELETE", f"/v1/batches/{batch_id}")
    assert response.status in (200, 202)
    if waited(server, batch_id)["state"] == "cancelled":
        response, told = server.call("POST", f"/v1/batches/{batch_id}/resume")
        assert response.status == 202, told
        assert waited(server, batch_id, "completed")["rows_done"] > 0
    else:  # it was done before
        response, _ = server.call("POST", f"/v1/batches/{batch_id}/resume")
        assert response.status == 409


def test_a_batch_is_computed_again_and_the_difference_explained(server, done):
    response, told = server.call(
        "POST", f"/v1/batches/{done['batch_id']}/recalculate", {"policy": {"gwp_set": "AR6"}}
    )
    assert response.status == 202, told
    again = told["data"]["batch_id"]
    assert waited(server, again)["base"] == done["batch_id"]
    _, told = server.call("GET", f"/v1/batches/{again}/difference?from={done['batch_id']}")
    assert told["data"]["differences"]
    for one in told["data"]["differences"]:
        steps = sum(map(Decimal, one["causes"].values()))
        assert Decimal(one["before"]) + steps == Decimal(one["after"])
        assert {cause for cause, figure in one["causes"].items() if Decimal(figure)} <= {"gwp"}


def test_a_batch_whose_engine_cannot_be_opened_fails_with_the_reason(serve, tmp_path):
    config = tmp_path / "serve.toml"
    config.write_text('[batches]\nengine = "acme://nowhere"\n')
    server = serve(tmp_path / "runtime.db", tmp_path, "--config", str(config))
    told = waited(server, made(server, EXAMPLE.read_bytes()))
    assert told["state"] == "failed"
    assert "there is no engine 'acme'" in told["error"]
    assert told["hint"].startswith("take 'threads', 'processes'")
    assert server.stop() == 0
