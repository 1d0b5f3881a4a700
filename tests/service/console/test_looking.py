"""What the console asks: inventories cut up, rows with all they came from, steps, factors, verdicts."""

from decimal import Decimal

import pytest

PROGRAM = (
    "ghg.intake >> (fuels.stationary | electricity.location_based | electricity.market_based)"
    " >> ghg.inventory"
)

#: Cells of one that means no good.
HOSTILE = '<img src=x onerror="alert(1)">'


def row(identity, activity, unit, **cells):
    named = {"id": identity, "period": "2025-02", "activity": activity, "quantity": "1500", "unit": unit}
    return {**named, "region": "US", "site": HOSTILE, **cells}


ROWS = [
    row("A", "natural gas", "MMBtu"),
    row("B", "electricity", "MWh", period="2025-Q1", site="Mill", quantity="0.5"),
    row("C", "natural gas", "MMBtu", quantity="0.25"),
    row("D", "unobtainium", "MMBtu"),
]


@pytest.fixture(scope="module")
def done(server):
    """The execution of an inventory, and its calculation."""
    order = {"program": PROGRAM, "input": ROWS, "policy": {"on_error": "skip"}}
    _, told = server.call("POST", "/v1/workflows/execute", order)
    return told["data"]


@pytest.fixture(scope="module")
def ask(server):
    def get(path, status=200):
        response, told = server.call("GET", path)
        assert response.status == status, told
        return told["data"] if status == 200 else told["errors"][0]

    return get


def total(cuts):
    return sum(Decimal(cut["co2e_kg"]) for cut in cuts)


def test_an_inventory_is_cut_up_by_scope_gas_site_and_month(done, ask):
    told = ask(f"/v1/executions/{done['execution_id']}/inventory")
    inventory = done["result"]["result"]["inventory"]
    whole = sum(Decimal(one["co2e_kg"]) for one in inventory["totals"] if one["method"] != "market-based")
    parts = ("scopes", "gases", "sites", "months", "activities")
    assert [total(told[part]) for part in parts] == [whole] * 5 == [Decimal(told["co2e_kg"])] * 5
    assert told["totals"] == inventory["totals"]
    assert told["rows"] == {"given": 4, "computed": 3, "skipped": 1, "in_part": 3}
    assert [skipped["id"] for skipped in told["skipped"]] == ["D"]
    assert HOSTILE in {cut["key"][0] for cut in told["sites"]}


@pytest.mark.parametrize("method", ["location-based", "market-based"])
def test_of_one_method_of_scope_2_alone_nothing_is_left_out(server, ask, method):
    program = f"ghg.intake >> (fuels.stationary | electricity.{method.replace('-', '_')}) >> ghg.inventory"
    _, done = server.call("POST", "/v1/workflows/execute", {"program": program, "input": ROWS[:2]})
    told = ask(f"/v1/executions/{done['data']['execution_id']}/inventory")
    assert told["method"] == method
    whole = sum(Decimal(one["co2e_kg"]) for one in told["totals"])
    assert whole == Decimal(told["whole_co2e_kg"]) == Decimal(told["co2e_kg"]) == total(told["scopes"])
    rows = ask(f"/v1/executions/{done['data']['execution_id']}/inventory/rows")["rows"]
    assert [row["id"] for row in rows] == ["A", "B"]


def test_a_part_of_an_inventory_and_the_rows_behind_it(done, ask):
    path = f"/v1/executions/{done['execution_id']}/inventory"
    part = ask(f"{path}?site=Mill&method=market-based")
    assert [cut["key"] for cut in part["scopes"]] == [["2", "market-based"]]
    assert Decimal(part["co2e_kg"]) < Decimal(part["whole_co2e_kg"])
    first = ask(f"{path}/rows?limit=2")
    assert [one["id"] for one in first["rows"]] == ["A", "B"]
    assert first["count"] == 3
    rest = ask(f"{path}/rows?limit=2&cursor={first['next_cursor']}")
    assert [one["id"] for one in rest["rows"]] == ["C"]
    assert rest["next_cursor"] is None
    assert total(first["rows"] + rest["rows"]) == Decimal(ask(path)["co2e_kg"])


def test_a_row_is_told_with_its_factors_formulas_and_hashes(done, ask, server):
    told = ask(f"/v1/executions/{done['execution_id']}/inventory/rows/2")
    assert told["cells"]["site"] == HOSTILE
    figures = {figure["gas"]: figure for figure in told["figures"]}
    (used,) = figures["CO2"]["factors"]
    assert (used["weight"], used["factor"]["value"], used["factor"]["unit"]) == (
        "1",
        "53.06",
        "kg/mmBtu (HHV)",
    )
    assert Decimal(figures["CO2"]["mass_kg"]) == Decimal("53.06") * 1500
    assert ask(f"/v1/factors/{used['factor']['ef_cid']}")["citation"] == used["factor"]["citation"]
    assert {formula["formula_hash"] for formula in told["formulas"]}
    _, kept = server.call("GET", f"/v1/calculations/{done['calculation_id']}")
    assert {name: kept["data"]["record"][name] for name in told["hashes"]} == told["hashes"]


@pytest.mark.parametrize("number", ["1", "6", "x", "-2", "²", "99999999999999999999"])
def test_a_row_that_there_is_not_is_not_found(done, ask, number):
    from urllib.parse import quote

    path = f"/v1/executions/{done['execution_id']}/inventory/rows/{quote(number)}"
    assert ask(path, 404)["code"] == "not_found"


def test_what_gave_no_inventory_has_none(server, ask):
    _, told = server.call("POST", "/v1/workflows/execute", {"program": "sum", "input": [1]})
    assert ask(f"/v1/executions/{told['data']['execution_id']}/inventory", 409)["code"] == "inventory"
    _, told = server.call("POST", "/v1/workflows/execute", {"program": "sum", "input": ["x", 1]})
    assert ask(f"/v1/executions/{told['data']['execution_id']}/inventory", 409)["code"] == "state"


def test_a_calculation_is_verified_from_what_it_was_made_of(done, server):
    path = f"/v1/calculations/{done['calculation_id']}/verify"
    _, told = server.call("POST", path, {"execution_id": done["execution_id"]})
    assert {one["name"]: one["status"] for one in told["data"]["verdicts"]} == {
        "integrity": "ok",
        "recomputed": "ok",
        "authentic": "ok",
    }
    _, told = server.call("POST", path, {})
    assert [one["status"] for one in told["data"]["verdicts"]] == ["ok", "not possible", "ok"]


def test_a_calculation_is_verified_by_its_own_execution_alone(done, server):
    _, other = server.call("POST", "/v1/workflows/execute", {"program": "sum", "input": [1]})
    path = f"/v1/calculations/{done['calculation_id']}/verify"
    response, _ = server.call("POST", path, {"execution_id": other["data"]["execution_id"]})
    assert response.status == 400
    response, _ = server.call("POST", path, {"execution_id": "exec_unknown"})
    assert response.status == 404
    response, _ = server.call("POST", "/v1/calculations/calc_unknown/verify", {})
    assert response.status == 404


def test_the_rows_of_activities_are_verified_with_their_record(server):
    _, told = server.call("POST", "/v1/calculations/emissions", [{**row("A", "natural gas", "MMBtu")}])
    _, told = server.call("POST", f"/v1/calculations/{told['data']['calculation_id']}/verify", {})
    assert [one["status"] for one in told["data"]["verdicts"]] == ["ok", "not possible", "ok"]


def test_the_steps_of_an_execution_are_told_with_what_they_gave(done, ask):
    told = ask(f"/v1/executions/{done['execution_id']}/steps")
    boxes = {step["path"] for step in told["drawing"]["steps"] if step["path"]}
    assert {step["path"] for step in told["steps"]} == boxes
    assert {step["state"] for step in told["steps"]} == {"done"}
    assert all(step["seconds"] > 0 for step in told["steps"])
    assert told["error"] == told["because"] == ""


def test_a_step_that_fails_is_told_with_its_caret(server, ask):
    order = {"program": "map(identity >> sum) >> count", "input": [[1], ["x", 2]]}
    _, told = server.call("POST", "/v1/workflows/execute", order)
    steps = ask(f"/v1/executions/{told['data']['execution_id']}/steps")
    states = {step["path"]: step["state"] for step in steps["steps"]}
    assert (states["map > sum"], states["count"]) == ("failed", "not reached")
    assert "\n    map(identity >> sum) >> count\n                    ^^^" in steps["error"]
    asked = ask(f"/v1/executions/{told['data']['execution_id']}/order")
    assert asked == {**order, "policy": {}}


def test_factors_are_found_page_by_page(ask):
    first = ask("/v1/factors?words=natural gas&region=US&limit=2".replace(" ", "%20"))
    assert len(first["factors"]) == 2
    assert first["count"] > 2
    more = ask(f"/v1/factors?words=natural%20gas&region=US&limit=500&cursor={first['next_cursor']}")
    ids = [factor["ef_cid"] for factor in first["factors"] + more["factors"]]
    assert len(ids) == len(set(ids)) == first["count"]
    assert {factor["activity"] for factor in first["factors"]} == {"Natural Gas"}
    assert "did you mean" in ask("/v1/factors?words=natural%20gaz", 400)["hint"]
    assert ask("/v1/factors/ef_unknown", 404)["code"] == "not_found"


def test_whoever_asks_is_told_who_they_are(ask):
    told = ask("/v1/identity")
    assert told["tenant"] == "default"
    assert {"manage_keys", "operate", "read", "run"} <= set(told["permissions"])
