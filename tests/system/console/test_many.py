"""A year of 10,000 executions stays smooth: pages are fetched as one scrolls, and few rows are drawn."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from browsing import SHOTS
from playwright.sync_api import expect
from served import Served
from stored import execution, record, seal

from greenlang.stores import open_store

COUNT = 10_000

#: Milliseconds within which half of the frames are drawn while one scrolls: three frames of a screen.  A
#: machine without a graphics card, which serves the pages beside, takes one (the file has the rest).
FRAME_MS = 50

SCROLL = """
async () => {
  const scroller = document.querySelector(".windowed-scroller")
  const frames = []
  let drawn = 0
  let before = performance.now()
  while (scroller.scrollTop + scroller.clientHeight < scroller.scrollHeight - 1) {
    scroller.scrollTop += 600
    await new Promise(requestAnimationFrame)
    const now = performance.now()
    frames.push(now - before)
    before = now
    drawn = Math.max(drawn, scroller.querySelectorAll("[role=row]").length)
  }
  frames.sort((one, other) => one - other)
  const at = (share) => frames[Math.floor((frames.length - 1) * share)]
  return { frames: frames.length, median: at(0.5), p95: at(0.95), max: at(1), drawn }
}
"""


async def fill(path):
    store = open_store(str(path), seal)
    try:
        for start in range(0, COUNT, 500):
            await asyncio.gather(
                *(
                    store.submit_finished(
                        execution(id=f"exec_{number:032x}", tenant="default"),
                        result=b'"3.5"',
                        record=record(tenant="default"),
                    )
                    for number in range(start, start + 500)
                )
            )
    finally:
        await store.close()


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    folder = tmp_path_factory.mktemp("year")
    with ThreadPoolExecutor(1) as apart:  # the browser's loop runs in this thread
        apart.submit(asyncio.run, fill(folder / "runtime.db")).result()
    served = Served(folder / "runtime.db", folder)
    yield f"http://127.0.0.1:{served.port}"
    assert served.stop() == 0


def test_ten_thousand_executions_are_scrolled_through(open_page, year):
    page = open_page("#/executions", base=year)
    rows = page.get_by_role("table", name="Executions")
    expect(rows.get_by_role("link").first).to_be_visible()
    page.set_default_timeout(120_000)
    loading = page.evaluate(SCROLL)
    for _ in range(200):
        if page.get_by_text(f"{COUNT:,} shown").count():
            break
        page.evaluate(SCROLL)
        page.wait_for_timeout(50)
    expect(page.get_by_text(f"{COUNT:,} shown")).to_be_visible()
    page.locator(".windowed-scroller").evaluate("element => { element.scrollTop = 0 }")
    page.wait_for_timeout(200)
    through = page.evaluate(SCROLL)
    SHOTS.mkdir(parents=True, exist_ok=True)
    (SHOTS / "scrolling.json").write_text(json.dumps({"loading": loading, "through": through}, indent=2))
    assert through["drawn"] < 80
    assert through["median"] < FRAME_MS, through
