"""`greenlang verify`, as an auditor uses it."""

import json

import pytest


@pytest.fixture
def bundle(greenlang, examples, tmp_path):
    path = tmp_path / "result.json"
    greenlang("run", examples / "inventory.gcel", "--input", examples / "activities.csv", "--output", path)
    return path


def verdicts(greenlang, *arguments, code=0):
    return json.loads(greenlang("verify", *arguments, "--format", "json", code=code).stdout)


def statuses(told):
    return {name: verdict["status"] for name, verdict in told.items()}


def test_an_untouched_bundle_holds_is_recomputed_and_is_signed_here(greenlang, bundle):
    told = verdicts(greenlang, bundle)
    assert statuses(told) == {"integrity": "ok", "recomputed": "ok", "authentic": "ok"}
    assert "this installation" in told["authentic"]["sentence"]


def test_white_space_is_no_change(greenlang, bundle):
    bundle.write_text(json.dumps(json.loads(bundle.read_text()), indent=2, ensure_ascii=False))
    assert set(statuses(verdicts(greenlang, bundle)).values()) == {"ok"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda told: told["output"]["rows"][3].update({"scope1.CH4": "9"}), "row 5 ('A-04')"),
        (lambda told: told["input"]["rows"][1].__setitem__(4, "1"), "input row 3"),
        (lambda told: told["record"]["result"]["inventory"]["totals"][0].update(co2e_kg="1"), "totals[0]"),
        (lambda told: told["record"].update(gwp_set="AR4"), "gwp_set"),
        (lambda told: told["factors"][0]["record"].update(value="1"), "factors[0]"),
        (lambda told: told["plan"]["resources"][0].update(text="activity\n"), "plan"),
        (lambda told: told["lists"]["selections"]["rows"][2]["rates"][0].update(rate="1/2"), "selections"),
    ],
)
def test_what_was_changed_is_named(greenlang, bundle, change, named):
    told = json.loads(bundle.read_text())
    change(told)
    bundle.write_text(json.dumps(told))
    verdict = verdicts(greenlang, bundle, code=1)["integrity"]
    assert verdict["status"] == "failed"
    assert any(named in f"{found['place']} {found['message']}" for found in verdict["findings"]), verdict


def test_a_changed_figure_is_found_by_computing_again(greenlang, bundle):
    told = json.loads(bundle.read_text())
    told["input"]["rows"][1][4] = "13250.6"
    bundle.write_text(json.dumps(told))
    findings = verdicts(greenlang, bundle, code=1)["recomputed"]["findings"]
    # 40 CFR 98 and the EPA hub: 53.06 kg CO2 per mmBtu, a therm is 0.1 mmBtu.
    assert any(
        found["place"] == "output row 3, scope1.CO2," and "'70307.153', and '70307.6836'" in found["message"]
        for found in findings
    )


def test_another_input_file_is_told_apart(greenlang, bundle, examples, tmp_path):
    activities = examples / "activities.csv"
    assert set(statuses(verdicts(greenlang, bundle, "--input", activities)).values()) == {"ok"}
    (tmp_path / "other.csv").write_text(activities.read_text().replace("A-01,2025-02", "A-01,2025-03"))
    told = verdicts(greenlang, bundle, "--input", tmp_path / "other.csv", code=1)
    assert told["integrity"]["status"] == "failed"


def test_skipped_rows_and_odd_rows_of_a_file_are_recomputed_alike(greenlang, examples, tmp_path):
    (tmp_path / "odd.csv").write_text(
        "id,period,site,activity,quantity,unit,region,method,tags\n"
        "\n"
        "A,2025-03,P,natural gas,1,MMBtu,US,,\n"
        "B,2025-03,P,natural gas,1,234.5,MMBtu,US,,\n"
        "C,2025-03,P,unobtainium,1,MMBtu,US,,\n"
        "A,2025-03,P,natural gas,1,MMBtu,US,,\n"
    )
    arguments = ("run", examples / "inventory.gcel", "--input", "odd.csv", "--on-error", "skip")
    done = greenlang(*arguments, "--output", "odd.json", "--format", "json")
    assert [skip["row"] for skip in json.loads(done.stdout)["skipped"]] == [4, 5, 6]
    assert set(statuses(verdicts(greenlang, "odd.json")).values()) == {"ok"}


@pytest.mark.parametrize("content", [b"", b"\x00\x01", b"[]", b"{}", b"id,unit\n1,kg\n", b'{"schema": "x"}'])
def test_what_is_no_bundle_is_told(greenlang, tmp_path, content):
    (tmp_path / "not.json").write_bytes(content)
    assert greenlang("verify", "not.json", code=2).stderr.startswith("error: 'not.json'")


def test_the_seattle_example_is_verified_too(greenlang, examples):
    folder = examples / "seattle"
    greenlang("run", folder / "seattle.gcel", "--input", folder / "buildings.csv", "--output", "seattle.json")
    assert set(statuses(verdicts(greenlang, "seattle.json")).values()) == {"ok"}
