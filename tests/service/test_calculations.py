"""Emissions of activities over HTTP: one, or batches in which each succeeds or fails by itself."""

import csv
import io
import json
import re
import shlex
from decimal import Decimal
from pathlib import Path

import msgspec
import pyarrow
import pytest

from greenlang.carbon import AccountingPolicy, InventoryInput, read_csv
from greenlang.engine import execute
from greenlang.engine.calculations import standard_program
from greenlang.gcel import compile as compile_program
from greenlang.ledger import CalculationRecord, Head, Inclusion, RowProof, hash_result, proof_holds
from greenlang.ledger.chain import leads_to_head

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PAGE = ROOT / "docs" / "calculations.md"
PATH = "/v1/calculations/emissions"

GAS = {
    "id": "A-1",
    "period": "2025-02",
    "activity": "natural gas",
    "quantity": 1500,
    "unit": "MMBtu",
    "region": "US",
}


def body_of(*rows):
    return [{**GAS, "id": f"A-{number}", **row} for number, row in enumerate(rows)]


def test_one_activity_is_computed_and_proved(server):
    response, told = server.call("POST", PATH, GAS)
    assert (response.status, told["status"]) == (200, "success")
    data = told["data"]
    (item,) = data["items"]
    # EPA GHG Emission Factors Hub 2025, table 1: 53.06 kg CO2, 1 g CH4 and 0.1 g N2O to the MMBtu.
    assert item["figures"] == {
        "scope1.CO2": "79590",
        "scope1.CH4": "1.5",
        "scope1.N2O": "0.15",
        "scope1.co2e": "79671.75",
    }
    assert (item["row"], item["id"], item["status"]) == (2, "A-1", "computed")
    assert data["totals"][0]["co2e_kg"] == "79671.75"
    used = {part["ef_cid"] for one in data["selections"] for rate in one["rates"] for part in rate["factors"]}
    assert set(item["factors"]) == used
    assert {formula["formula_id"] for formula in data["formulas"]} == {"ghg.mass", "ghg.co2e"}
    assert response.headers["Location"] == f"/v1/calculations/{data['calculation_id']}"


def test_the_record_of_a_calculation_leads_to_the_signed_head_and_its_rows_to_the_record(server):
    _, told = server.call("POST", PATH, body_of({}, {"unit": "no unit"}, {"quantity": "2.5"}))
    path = f"/v1/calculations/{told['data']['calculation_id']}"
    _, found = server.call("GET", f"{path}?row=4")
    record = msgspec.convert(found["data"]["record"] | {"chain_hash": None}, CalculationRecord)
    head = msgspec.convert(found["data"]["head"], Head)
    assert hash_result(record) == record.result_hash == told["data"]["result_hash"]
    assert leads_to_head(record, msgspec.convert(found["data"]["inclusion"], Inclusion), head)
    proof = msgspec.convert(found["data"]["row_proof"], RowProof)
    assert proof_holds(proof)
    assert proof.row_root == record.row_root
    shown = told["data"]["items"][2]
    assert proof.proved == {"row": 4, "id": "A-2", "selections": shown["selections"], **shown["figures"]}
    response, answer = server.call("GET", f"{path}?row=5")
    assert (response.status, answer["errors"][0]["hint"]) == (400, "give a row from 2 to 4")
    response, _ = server.call("GET", f"{path}?row=zero")
    assert response.status == 400


def test_a_calculation_of_no_rows_has_no_row_to_prove(server):
    _, told = server.call("POST", "/v1/workflows/execute", {"program": "sum", "input": [1]})
    response, answer = server.call("GET", f"/v1/calculations/{told['data']['calculation_id']}?row=2")
    assert (response.status, answer["errors"][0]["message"]) == (400, "the calculation has no rows")


def test_in_a_batch_each_item_succeeds_or_fails_by_itself_in_request_order(server):
    batch = [
        {**GAS, "id": 'first "%s" \u00e9'},
        {**GAS, "id": "B", "unit": "MMBtuh"},
        {**GAS, "id": "C", "quantity": "1,500"},
        7,
        {**GAS, "id": "D", "amount": 1, "quantity": [1]},
        {"id": "E"},
        {**GAS, "id": "F", "activity": "unobtainium"},
        {**GAS, "id": "G", "region": "Atlantis", "period": "soon"},
        {**GAS, "id": 9, "activity": "electricity", "unit": "MWh", "region": "CAMX"},
    ]
    response, told = server.call("POST", PATH, batch)
    assert response.status == 200
    items = told["data"]["items"]
    assert [item["row"] for item in items] == list(range(2, 11))
    assert [item["id"] for item in items] == ['first "%s" \u00e9', "B", "C", "", "", "", "F", "G", "9"]
    assert [item["status"] for item in items] == ["computed", *["failed"] * 7, "computed"]
    fields = [sorted({fault.get("field", "") for fault in item.get("errors", [])}) for item in items]
    assert fields[1:8] == [
        ["unit"],
        ["quantity"],
        [""],
        ["amount", "quantity"],
        ["activity", "period", "quantity", "unit"],
        ["activity"],
        ["period", "region"],
    ]
    assert all(fault["message"] and fault["hint"] for item in items[1:8] for fault in item["errors"])
    assert told["data"]["rows"] == {"given": 9, "computed": 2, "skipped": 7}
    both = {name.partition(".")[0] for name in items[8]["figures"]}
    assert both == {"scope2-location-based", "scope2-market-based"}


def test_a_batch_in_which_every_item_fails_is_recorded_all_the_same(server):
    path = PATH + "?forbidden_fallbacks=region,vintage,method"
    _, told = server.call("POST", path, body_of({"unit": "x"}, {"activity": "electricity", "unit": "MWh"}))
    assert [item["status"] for item in told["data"]["items"]] == ["failed", "failed"]
    assert told["data"]["rows"] == {"given": 2, "computed": 0, "skipped": 2}
    _, found = server.call("GET", f"/v1/calculations/{told['data']['calculation_id']}?row=3")
    assert proof_holds(msgspec.convert(found["data"]["row_proof"], RowProof))


@pytest.mark.parametrize(
    ("written", "exact"),
    [
        ("1500", "1500"),
        ("1.50", "1.5"),
        ("1e3", "1000"),
        ("1.5E-7", "0.00000015"),
        ("0.1", "0.1"),
        ('"12.345678901234567"', "12.345678901234567"),
        ("12345678901.12345678901234567", "12345678901.12345678901234567"),
        ("-0.0", "0"),
    ],
)
@pytest.mark.parametrize("form", ["one", "batch", "ndjson"])
def test_a_number_is_taken_as_it_is_written(server, written, exact, form):
    text = json.dumps(GAS).replace("1500", written)
    sent = f"[{text}]" if form == "batch" else text
    kind = "application/x-ndjson" if form == "ndjson" else "application/json"
    _, told = server.call("POST", PATH, sent.encode(), Content_Type=kind)
    shown = told["data"]["items"][0]["figures"]["scope1.CO2"]
    assert Decimal(shown) == round(Decimal(exact) * Decimal("53.06"), 12)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("true", "truth value"),
        ("null", "empty"),
        ("[1]", "a list"),
        ("{}", "an object"),
        ('"NaN"', "NaN"),
        ("1e400", "digits"),
        ("1" * 5000, ""),
        ('"1 500"', "1 500"),
    ],
)
def test_what_is_no_number_is_refused_with_its_field(server, written, message):
    sent = json.dumps(GAS).replace("1500", written).encode()
    response, answer = server.call("POST", PATH, sent)
    assert response.status in (400, 422)
    assert any(message in fault["message"] for fault in answer["errors"])
    assert "Traceback" not in json.dumps(answer)


def test_the_same_rows_have_the_same_figures_in_every_format(server):
    rows = list(csv.DictReader(EXAMPLES.joinpath("activities.csv").open(encoding="utf-8")))
    lines = "\n\n".join(json.dumps(row) for row in rows) + "\r\n"
    asked = {
        "application/json": json.dumps(rows).encode(),
        "application/x-ndjson": lines.encode(),
        "text/csv; charset=utf-8": EXAMPLES.joinpath("activities.csv").read_bytes(),
    }
    told = [server.call("POST", PATH, body, Content_Type=kind)[1]["data"] for kind, body in asked.items()]
    assert told[0]["items"] == told[1]["items"] == told[2]["items"]
    assert len(told[0]["items"]) == len(rows)


def test_a_table_has_the_result_hash_of_a_run_on_the_same_file(server):
    content = EXAMPLES.joinpath("activities.csv").read_bytes()
    _, told = server.call("POST", PATH + "?gwp_set=AR6", content, Content_Type="text/csv")
    _, agents = server.call("GET", "/v1/agents")
    plan = compile_program(standard_program({agent["name"] for agent in agents["data"]["agents"]}))
    policy = AccountingPolicy(gwp_set="AR6", on_error="skip")
    table = read_csv(io.BytesIO(content), name="activities.csv")
    assert execute(plan, InventoryInput(table, policy)).record.result_hash == told["data"]["result_hash"]


def test_an_arrow_body_has_the_figures_of_json_and_so_has_an_arrow_answer(server):
    rows = body_of({}, {"quantity": 1}, {"unit": "x"}, {"activity": "electricity", "unit": "MWh"})
    table = pyarrow.Table.from_pylist(rows)
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    sent = sink.getvalue().to_pybytes()
    kind = "application/vnd.apache.arrow.stream"
    _, told = server.call("POST", PATH, sent, Content_Type=kind)
    response, read = server.call("POST", PATH, sent, Content_Type=kind, Accept=kind)
    assert response.getheader("Content-Type") == kind
    made = pyarrow.ipc.open_stream(read).read_all()
    rest = json.loads(made.schema.metadata[b"greenlang"])
    assert rest["result_hash"] == told["data"]["result_hash"]
    assert rest.keys() | {"items"} == told["data"].keys()
    for row, item in zip(made.to_pylist(), told["data"]["items"], strict=True):
        assert (row["row"], row["id"], row["status"]) == (item["row"], item["id"], item["status"])
        figures = {name: row[name] for name in row if "." in name and row[name] is not None}
        assert figures == {name: Decimal(text) for name, text in item.get("figures", {}).items()}
        assert (row["selections"] or "").split() == item.get("selections", [])
        assert json.loads(row["errors"] or "[]") == item.get("errors", [])


def test_floats_of_an_arrow_body_are_refused(server):
    sink = pyarrow.BufferOutputStream()
    table = pyarrow.Table.from_pylist([{**GAS, "quantity": 0.1}])
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    kind = "application/vnd.apache.arrow.stream"
    response, answer = server.call("POST", PATH, sink.getvalue().to_pybytes(), Content_Type=kind)
    assert (response.status, answer["errors"][0]["field"]) == (422, "quantity")
    response, _ = server.call("POST", PATH, b"\xff\xff\xff\xff\x00\x01", Content_Type=kind)
    assert response.status == 422


def test_a_line_that_is_no_json_fails_by_itself(server):
    sent = b"\n".join(
        [json.dumps(GAS).encode(), b'{"id": ', b"\xff", json.dumps({**GAS, "id": "Z"}).encode()]
    )
    _, told = server.call("POST", PATH, sent, Content_Type="application/x-ndjson")
    assert [item["status"] for item in told["data"]["items"]] == ["computed", "failed", "failed", "computed"]
    assert "not JSON" in told["data"]["items"][1]["errors"][0]["message"]


@pytest.mark.parametrize("where", ["query", "body"])
def test_the_policy_is_chosen_in_the_query_or_in_the_body(server, where):
    chosen = {"gwp_set": "AR6", "editions": {"ghg-emission-factors-hub": "2025"}}
    if where == "body":
        _, told = server.call("POST", PATH, {"activities": [GAS], "policy": chosen})
    else:
        _, told = server.call("POST", f"{PATH}?gwp_set=AR6&editions=ghg-emission-factors-hub=2025", [GAS])
    assert told["data"]["gwp_set"] == "AR6-7.SM.7"
    _, found = server.call("GET", f"/v1/calculations/{told['data']['calculation_id']}")
    editions = {factor["edition"] for factor in found["data"]["record"]["factors"]}
    assert editions == {"2025"}


def test_factors_of_the_caller_come_first(server):
    own = "activity,gas,value,unit,scope,category\nnatural gas,CO2,50,kg/MMBtu,1,stationary combustion\n"
    factors = [{"name": "own.csv", "text": own}]
    _, told = server.call("POST", PATH, {"activities": GAS, "factors": factors})
    assert told["data"]["items"][0]["figures"]["scope1.CO2"] == "75000"
    _, answer = server.call("POST", PATH, {"activities": GAS, "factors": [{"name": "own.csv", "text": "x"}]})
    assert (answer["status"], "own.csv" in json.dumps(answer)) == ("error", True)


@pytest.mark.parametrize(
    ("body", "query", "status", "field"),
    [
        (b"", "", 400, "$"),
        (b"[]", "", 400, "$"),
        (b"3", "", 400, "$"),
        (b"[" * 100_000, "", 400, "$"),
        ([3, "x"], "", 400, ""),
        ({**GAS, "qty": 1}, "", 422, "qty"),
        ({**GAS, "unit": "MMBtuh"}, "", 422, "unit"),
        ({"activities": 3}, "", 400, "$.activities"),
        ({"activities": []}, "", 400, "$"),
        ({"activities": [GAS], "police": {}}, "", 400, "$"),
        ({"activities": [GAS], "factors": [{"name": 1}]}, "", 400, "$.factors"),
        ({"activities": [GAS], "policy": {"gwp_set": "AR6"}}, "?gwp_set=AR5", 400, "gwp_set"),
        ({"activities": [GAS], "policy": {"gwp": "AR6"}}, "", 400, ""),
        (GAS, "?gwp_set=AR9", 400, "gwp_set"),
        (GAS, "?vintage=oldest", 400, "vintage"),
        (GAS, "?editions=2025", 400, "editions"),
        (GAS, "?as_at=soon", 400, ""),
        (GAS, "?page=2", 400, ""),
        (body_of({}, {"unit": "x"}), "?on_error=stop", 422, "unit"),
    ],
)
def test_a_request_that_cannot_be_computed_is_refused_with_its_field(server, body, query, status, field):
    response, answer = server.call("POST", PATH + query, body)
    assert (response.status, answer["status"], answer["data"]) == (status, "error", None)
    assert answer["errors"][0].get("field", "").startswith(field)
    assert answer["errors"][0]["message"]
    assert "Traceback" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        ("text/csv", b"", "empty"),
        ("text/csv", b"id,period\nA,2025\n", "the column is missing"),
        ("text/csv", b"\x00\x01", ""),
        ("application/x-ndjson", b"\n\n", "no activity"),
        ("text/html", b"<p>", "is not taken here"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(server, kind, body, told):
    response, answer = server.call("POST", PATH, body, Content_Type=kind)
    assert 400 <= response.status < 500
    assert any(told in fault["message"] for fault in answer["errors"])


def test_a_key_gives_the_first_calculation_back(server):
    key = {"Idempotency_Key": "calculation-1"}
    _, told = server.call("POST", PATH, [GAS], **key)
    _, again = server.call("POST", PATH, [GAS], **key)
    assert again["data"] == told["data"]
    response, answer = server.call("POST", PATH + "?gwp_set=AR6", [GAS], **key)
    assert (response.status, answer["errors"][0]["code"]) == (409, "idempotency_key")


def test_the_document_of_the_api_describes_every_body(server):
    _, document = server.call("GET", "/openapi.json")
    content = document["paths"][PATH]["post"]["requestBody"]["content"]
    assert {"application/json", "application/x-ndjson", "text/csv"} <= set(content)
    examples = content["application/json"]["examples"]
    for example in examples.values():
        _, told = server.call("POST", PATH, example["value"])
        assert {item["status"] for item in told["data"]["items"]} == {"computed"}


def test_how_uncertain_a_quantity_is_gives_an_estimate_and_changes_no_figure(server):
    for _ in range(3):  # the third is one of a kind that was prepared, if it ever is
        (_, sure), (_, unsure) = (
            server.call("POST", PATH, given) for given in (GAS, {**GAS, "uncertainty": "5%"})
        )
        (line,) = unsure["data"]["totals"]
        assert line.pop("estimated_uncertainty")["co2e_percent"] == "5"
        assert [line] == sure["data"]["totals"]


def test_an_operator_may_name_another_program(serve, tmp_path):
    program = tmp_path / "own.gcel"
    program.write_text('ghg.intake >> ghg.emissions(factors="own.csv", scope=3) >> ghg.inventory')
    (tmp_path / "own.csv").write_text("activity,gas,value,unit\nwidgets,CO2,2,kg/kg\n")
    served = serve("memory:", tmp_path, "--calculation-program", str(program))
    row = {"id": "1", "period": "2025", "activity": "widgets", "quantity": "1.5", "unit": "t"}
    _, told = served.call("POST", PATH, row)
    assert told["data"]["items"][0]["figures"]["scope3.CO2"] == "3000"
    assert served.stop() == 0


def test_the_commands_of_the_page_give_what_it_shows(server):
    blocks = re.findall(r"^```(sh|json)\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    answers = []
    for language, text in blocks:
        if language == "json":
            assert_within(json.loads(text), answers[-1])
            continue
        for line in filter(lambda line: line.startswith("curl"), text.splitlines()):
            _, _, url, option, body = shlex.split(line)
            assert option == "--json"
            _, told = server.call("POST", url.removeprefix("localhost:8080"), body.encode())
            assert told["status"] == "success"
            answers.append(told)
    assert len(answers) == 4


def assert_within(shown, told):
    """Everything that is shown is told; more may be."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            assert_within(value, told[name])
    elif isinstance(shown, list):
        assert len(shown) == len(told)
        for one, other in zip(shown, told, strict=True):
            assert_within(one, other)
    else:
        assert shown == told


@pytest.mark.parametrize(
    ("choice", "wrong"),
    [("gwp_set", "AR9"), ("as_at", "soon"), ("vintage", "old"), ("editions", ["hub"])],
)
def test_a_choice_that_is_none_is_told_with_its_field(server, choice, wrong):
    text = ",".join(wrong) if isinstance(wrong, list) else wrong
    body = {"activities": [GAS], "policy": {choice: wrong}}
    for path, sent in ((f"?{choice}={text}", GAS), ("", body)):
        response, told = server.call("POST", f"{PATH}{path}", sent)
        assert (response.status, told["errors"][0]["field"]) == (400, choice)
