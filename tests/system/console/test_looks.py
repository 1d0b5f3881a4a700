"""How pages look and read: both themes, a phone and a desk, by keyboard and by axe."""

import pytest
from browsing import WIDTHS, serious, shoot
from playwright.sync_api import expect

PAGES = ("executions", "execution", "inventories", "inventory", "row", "batches", "playground", "nothing")


def address(name, inventory):
    identity = inventory["execution_id"]
    return {
        "execution": f"#/executions/{identity}",
        "inventory": f"#/inventories/{identity}",
        "row": f"#/inventories/{identity}/rows/2",
        "nothing": "#/nothing/here",
    }.get(name, f"#/{name}")


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_and_axe_finds_nothing_serious(open_page, inventory, scheme, width):
    page = open_page(width=width, scheme=scheme)
    found = {}
    for name in PAGES:
        page.goto(page.url.partition("#")[0] + address(name, inventory))
        expect(page.locator("h1, h2").first).to_be_visible()
        expect(page.locator("main")).not_to_contain_text("Loading")
        shoot(page, name, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        if problems := serious(page):
            found[name] = problems
    assert found == {}


def test_the_theme_is_chosen_and_remembered(open_page):
    page = open_page("#/executions", scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Theme: system").click()
    page.get_by_role("button", name="Theme: light").click()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert page.evaluate(ground) == dark


def test_a_number_is_reached_by_keyboard_alone(open_page, inventory):
    page = open_page(f"#/inventories/{inventory['execution_id']}")
    page.get_by_role("region", name="By site").wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(120):
        page.keyboard.press("Tab")
        label = page.evaluate("document.activeElement.getAttribute('aria-label') ?? ''")
        if "where it comes from" in label:
            break
    page.keyboard.press("Enter")
    page.get_by_role("region", name="Proof").wait_for()


def test_what_goes_wrong_is_told_and_can_be_tried_again(open_page, inventory):
    page = open_page("#/playground")
    page.route("**/v1/executions**", lambda route: route.abort())
    page.get_by_role("link", name="Executions").click()
    expect(page.get_by_role("alert")).to_contain_text("the service does not answer")
    shoot(page, "error")
    page.unroute("**/v1/executions**")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_title(inventory["execution_id"])).to_be_visible()
    complaints = open_page.complaints
    assert complaints
    assert all("ERR_FAILED" in one for one in complaints)
    complaints.clear()


def test_a_new_page_is_where_the_keyboard_goes_on(open_page, inventory):
    page = open_page("#/executions")
    page.get_by_title(inventory["execution_id"]).press("Enter")
    expect(page.get_by_role("heading", name="Execution completed")).to_be_visible()
    expect(page.locator("main")).to_be_focused()
    expect(page.get_by_role("status").first).to_contain_text("Execution")


def test_every_address_of_the_page_is_its_own(open_page, server, inventory):
    page = open_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for name in PAGES:
        page.goto(page.url.partition("#")[0] + address(name, inventory))
        page.wait_for_timeout(150)
    assert asked
    assert {url.split("/")[2] for url in asked} == {f"127.0.0.1:{server.port}"}
