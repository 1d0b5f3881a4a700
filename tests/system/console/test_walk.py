"""What people do all day: a file in, its charts, a number to its factor, and the proof."""

import csv
import re

import pytest
from browsing import HOSTILE, PROGRAM, activities, as_csv, serious, shoot
from playwright.sync_api import expect


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "activities.csv"
    path.write_text(as_csv(activities(2_000)))
    return path


def test_a_file_goes_in_and_its_numbers_are_followed_to_their_proof(open_page, file, tmp_path):
    page = open_page("#/batches")
    expect(page.get_by_role("heading", name="No batches yet")).to_be_visible()
    shoot(page, "batches-empty")

    page.get_by_label("File of activity data").set_input_files(file)
    page.get_by_role("button", name="Upload and compute").click()
    expect(page.get_by_role("heading", name="activities.csv completed")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("1 row not computed")).to_be_visible()
    expect(page.get_by_text("unknown activity 'unobtainium'")).to_be_visible()
    expect(page.get_by_role("button", name="Verify now")).to_be_visible()
    assert serious(page) == []
    shoot(page, "batch")
    page.set_viewport_size({"width": 360, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    shoot(page, "batch")
    page.set_viewport_size({"width": 1280, "height": 900})

    with page.expect_download() as download:
        page.get_by_role("region", name="Download the result").get_by_role(
            "button", name="Download CSV"
        ).click()
    assert len(download.value.path().read_text().splitlines()) == 2_001
    with page.expect_download() as download:
        page.get_by_role("region", name="1 row not computed").get_by_role(
            "button", name="Download CSV"
        ).click()
    assert "unobtainium" in download.value.path().read_text()

    for chart in ("By month", "By site", "By activity", "By gas"):
        expect(page.get_by_role("region", name=chart)).to_be_visible()
    page.get_by_role("link", name="Open its charts").click()
    page.get_by_role("button", name=re.compile("Tacoma plant: .* Look into it")).click()
    expect(page.get_by_role("button", name="Take away site Tacoma plant")).to_be_visible()
    page.get_by_role("button", name=re.compile("2025-03, scope 1: .* Look into it")).click()
    expect(page.get_by_role("button", name="Take away month 2025-03")).to_be_visible()
    number = page.get_by_role("link", name=re.compile("where it comes from")).first
    expect(number).to_be_visible()
    number.click()

    expect(page.get_by_role("heading", name=re.compile("A-\\d+"))).to_be_visible()
    factor = page.get_by_role("button", name=re.compile("kg per|mmBtu|MWh|gal")).first
    factor.click()
    focused = page.locator("section:focus")
    expect(focused).to_contain_text("US EPA")
    expect(focused).to_contain_text("ghg-emission-factors-hub")
    expect(focused).to_contain_text("2025")
    expect(page.get_by_role("region", name="Arithmetic")).to_contain_text("ghg.mass")

    page.get_by_role("button", name="Verify now").click()
    proof = page.get_by_role("region", name="Proof")
    for verdict in ("integrity: ok", "recomputed: ok", "authentic: ok"):
        expect(proof).to_contain_text(verdict, timeout=30_000)


def test_a_batch_is_computed_again_and_the_difference_is_explained(open_page, tmp_path):
    path = tmp_path / "year.csv"
    path.write_text(as_csv(activities(50)))
    page = open_page("#/batches")
    page.get_by_label("File of activity data").set_input_files(path)
    page.get_by_role("button", name="Upload and compute").click()
    expect(page.get_by_role("heading", name="year.csv completed")).to_be_visible(timeout=60_000)
    first = page.url
    page.get_by_role("region", name="Compared with").get_by_label("Warming potentials").select_option("AR6")
    page.get_by_role("button", name="Compute again").click()
    page.wait_for_url(lambda url: url != first)
    differences = page.get_by_role("region", name="Differences")
    expect(differences).to_be_visible(timeout=60_000)
    expect(differences.get_by_role("row").nth(1)).to_contain_text("scope1")
    shoot(page, "batch-again")


def test_rows_without_a_site_are_looked_into_too(open_page, server):
    rows = activities(40)[:-1]
    order = {
        "program": PROGRAM,
        "input": [{**row, "site": ""} if at % 2 else row for at, row in enumerate(rows)],
    }
    _, told = server.call("POST", "/v1/workflows/execute", order)
    page = open_page(f"#/inventories/{told['data']['execution_id']}")
    expect(page.get_by_text("40 rows", exact=True)).to_be_visible()
    page.get_by_role("button", name=re.compile(r"\(none\): .* Look into it")).click()
    expect(page.get_by_role("button", name="Take away site (none)")).to_be_visible()
    expect(page.get_by_text("20 rows", exact=True)).to_be_visible()


def test_executions_are_told_as_they_happen(open_page, server):
    page = open_page("#/executions")
    _, told = server.call("POST", "/v1/workflows/execute", {"program": "sum", "input": [1, 2.5]})
    link = page.get_by_title(told["data"]["execution_id"])
    expect(link).to_be_visible()
    shoot(page, "executions")
    link.click()
    expect(page.get_by_role("region", name="What happened")).to_contain_text("completed")
    page.get_by_role("button", name=re.compile("^sum")).click()
    expect(page.get_by_label("what it gave", exact=True)).to_have_text('"3.5"')


def test_executions_are_found_by_state_and_agent(open_page, server, inventory):
    _, failed = server.call("POST", "/v1/workflows/execute", {"program": "sum", "input": [1, "x"]})
    page = open_page("#/executions")
    page.get_by_role("button", name="Failed").click()
    expect(page.get_by_title(failed["data"]["execution_id"])).to_be_visible()
    expect(page.get_by_title(inventory["execution_id"])).to_have_count(0)
    page.get_by_role("button", name="All").click()
    page.get_by_label("Agent").fill("ghg.inventory")
    page.get_by_label("Agent").press("Enter")
    expect(page.get_by_title(inventory["execution_id"])).to_be_visible()
    expect(page.get_by_title(failed["data"]["execution_id"])).to_have_count(0)
    page.get_by_label("Agent").fill("no.such")
    page.get_by_label("Agent").press("Enter")
    expect(page.get_by_role("heading", name="Nothing fits")).to_be_visible()


def test_an_error_is_shown_with_its_caret_and_its_step(open_page, server):
    order = {"program": "identity >>\n  (count | sum)", "input": [1, "x"]}
    _, told = server.call("POST", "/v1/workflows/execute", order)
    page = open_page(f"#/executions/{told['data']['execution_id']}")
    expect(page.get_by_role("group", name="error")).to_contain_text("(count | sum)\n               ^^^")
    expect(page.get_by_role("button", name="sum, failed")).to_be_visible()
    expect(page.get_by_role("button", name="|, not reached")).to_be_visible()
    shoot(page, "execution-failed")


def test_a_program_is_drawn_as_it_is_typed_and_run_on_sample_data(open_page):
    page = open_page("#/playground")
    plan = page.get_by_role("region", name="Plan").last
    expect(plan).to_contain_text("fuels.mobile")
    program = page.get_by_label("Program", exact=True).last
    program.fill("")
    program.press_sequentially("sum >> cuont")
    expect(page.get_by_role("list", name="Diagnostics")).to_contain_text("1:8")
    expect(page.locator(".editor .marked")).to_have_text("cuont")
    expect(page.locator(".editor-problem")).to_contain_text("cuont")
    shoot(page, "playground-wrong")
    program.fill("sort >> sum")
    expect(plan).to_contain_text("sort")
    page.get_by_label("Sample data").last.fill("[0.1, 0.2]")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_label("result", exact=True)).to_have_text('"0.3"')
    page.get_by_label("Sample data").last.fill("[0.1,")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("The sample data is not JSON")).to_be_visible()


def test_agents_and_factors_are_searched_and_inserted(open_page):
    page = open_page("#/playground")
    program = page.get_by_label("Program", exact=True).last
    program.fill("")
    page.get_by_label("Search agents and factors").fill("stationary")
    page.get_by_role("button", name=re.compile("fuels.stationary")).click()
    expect(program).to_have_value("fuels.stationary")
    page.get_by_role("button", name="Factors", exact=True).click()
    page.get_by_label("Search agents and factors").fill("natural gas")
    found = page.get_by_role("list", name="Found")
    found.get_by_role("button", name=re.compile("Natural Gas", re.IGNORECASE)).first.click()
    expect(page.get_by_label("Sample data").last).to_have_value(re.compile("natural gas", re.IGNORECASE))
    shoot(page, "playground-factors")


def test_hostile_names_stay_text(open_page, inventory):
    page = open_page(f"#/inventories/{inventory['execution_id']}")
    expect(page.get_by_role("region", name="By site")).to_contain_text(HOSTILE[0])
    expect(page.locator("main img, main script")).to_have_count(0)
    assert page.title() == "Inventory · GreenLang"
    page.get_by_role("button", name=re.compile("onerror.*Look into it")).click()
    expect(page.get_by_role("button", name=re.compile("Take away site .*onerror"))).to_be_visible()
    page.get_by_role("link", name=re.compile("where it comes from")).first.click()
    expect(page.get_by_role("region", name="As it was given")).to_contain_text(HOSTILE[0])
    assert page.locator("main img, main script").count() == 0


def test_hostile_errors_stay_text(open_page, server):
    program = 'route("kind", oil=count) >> identity'
    hostile = "<img src=x onerror=alert(1)>"
    _, told = server.call("POST", "/v1/workflows/execute", {"program": program, "input": {"kind": hostile}})
    assert hostile in told["data"]["error"]["message"]
    page = open_page(f"#/executions/{told['data']['execution_id']}")
    expect(page.get_by_role("group", name="error")).to_contain_text(hostile)
    expect(page.get_by_role("region", name="What happened")).to_contain_text(hostile)
    expect(page.locator("main img, main script")).to_have_count(0)


def test_exported_cells_run_nothing(open_page, inventory):
    page = open_page(f"#/inventories/{inventory['execution_id']}")
    with page.expect_download() as download:
        page.get_by_role("region", name="Rows").get_by_role("button", name="Export CSV").click()
    with download.value.path().open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 300
    sites = {row["site"] for row in rows}
    assert "'" + HOSTILE[1] in sites
    assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r") for row in rows for cell in row.values())


def test_a_cell_that_begins_like_a_formula_is_told_from_a_number(open_page):
    page = open_page("#/executions")
    cells = ["=1+1", "+1", "-1", "-1.5", "-x", "@a", "\tx", "\rx", "a=b", 'a"b', ""]
    told = page.evaluate("cells => import('/console/core/csv.js').then(({ cell }) => cells.map(cell))", cells)
    assert told == ["'=1+1", "'+1", "-1", "-1.5", "'-x", "'@a", "'\tx", '"\'\rx"', "a=b", '"a""b"', ""]
