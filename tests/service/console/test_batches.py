"""Batches are looked into as executions are, and verified by computing them again."""

import time
from decimal import Decimal

import pytest

HEAD = "id,period,site,activity,quantity,unit,region"
ROWS = [
    f"A-{number:04},2025-{number % 12 + 1:02},Mill {number % 3},natural gas,{number}.5,MMBtu,US"
    for number in range(1500)
]
FILE = "\n".join([HEAD, *ROWS, "B-1,2025-01,Mill 0,unobtainium,1,kg,US"]).encode()


@pytest.fixture(scope="module")
def keeping(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("batches")
    (folder / "serve.toml").write_text(f'[batches]\nfolder = "{folder / "batches"}"\n')
    served = serve(folder / "runtime.db", folder, "--config", str(folder / "serve.toml"))
    yield served
    assert served.stop() == 0


@pytest.fixture(scope="module")
def batch(keeping):
    """A batch whose record stands in the ledger."""
    response, told = keeping.call("POST", "/v1/batches?partition_rows=1024", FILE, Content_Type="text/csv")
    assert response.status == 202, told
    path = response.headers["Location"]
    end = time.monotonic() + 60
    while time.monotonic() < end:
        told = keeping.call("GET", path)[1]["data"]
        if (
            "calculation_id" in told
            and keeping.call("GET", f"/v1/calculations/{told['calculation_id']}")[0].status == 200
        ):
            return told
        time.sleep(0.1)
    pytest.fail(f"the batch did not end: {told}")


def test_its_cuts_are_those_of_its_totals(keeping, batch):
    path = f"/v1/batches/{batch['batch_id']}"
    told = keeping.call("GET", f"{path}/inventory")[1]["data"]
    totals = keeping.call("GET", f"{path}/totals?by=site")[1]["data"]["sums"]
    assert (told["id"], told["calculation_id"]) == (batch["batch_id"], batch["calculation_id"])
    assert {cut["key"][0]: Decimal(cut["co2e_kg"]) for cut in told["sites"]} == {
        one["key"]: Decimal(one["co2e_kg"]) for one in totals
    }
    assert [one["id"] for one in told["skipped"]] == ["B-1"]


def test_its_rows_lead_to_their_factors(keeping, batch):
    path = f"/v1/batches/{batch['batch_id']}/inventory/rows"
    listed = keeping.call("GET", f"{path}?site=Mill%202&month=2025-03&limit=1")[1]["data"]
    (row,) = listed["rows"]
    told = keeping.call("GET", f"{path}/{row['row']}")[1]["data"]
    assert told["cells"]["id"] == row["id"]
    assert told["figures"][0]["factors"][0]["factor"]["source"] == "US EPA"


def test_it_is_verified_by_computing_it_again(keeping, batch):
    path = f"/v1/calculations/{batch['calculation_id']}/verify"
    told = keeping.call("POST", path, {"batch_id": batch["batch_id"]})[1]["data"]
    assert [one["status"] for one in told["verdicts"]] == ["ok", "ok", "ok"]
    assert batch["result_hash"] in told["verdicts"][1]["sentence"]
    response, _ = keeping.call("POST", path, {"batch_id": "batch_unknown"})
    assert response.status == 404


def test_what_was_changed_of_it_on_the_disk_is_told(keeping, batch, tmp_path_factory):
    (totals,) = tmp_path_factory.getbasetemp().glob(f"*[0-9]/*/*/{batch['batch_id']}/totals.json")
    content = totals.read_bytes()
    totals.write_bytes(content.replace(b"Mill 2", b"Mill 9"))
    path = f"/v1/calculations/{batch['calculation_id']}/verify"
    told = keeping.call("POST", path, {"batch_id": batch["batch_id"]})[1]["data"]
    totals.write_bytes(content)
    assert [one["status"] for one in told["verdicts"]] == ["failed", "ok", "ok"]
    assert "totals.json is not what" in told["verdicts"][0]["sentence"]


def test_one_that_there_is_not_has_no_inventory(keeping):
    response, _ = keeping.call("GET", "/v1/batches/batch_unknown/inventory")
    assert response.status == 404


def test_what_lists_do_not_want_they_leave_out(keeping):
    keeping.call("POST", "/v1/workflows/execute", {"program": "sum", "input": [1]})
    (row,) = keeping.call("GET", "/v1/executions?results=false")[1]["data"]["executions"]
    assert "result" not in row
    assert keeping.call("GET", "/v1/executions")[1]["data"]["executions"][0]["result"] == 1
