"""A real browser on a real server."""

import shutil

import pytest
from browsing import PROGRAM, activities
from playwright.sync_api import expect, sync_playwright
from served import Served

#: A machine that builds and tests other things beside is slow; what waits in vain fails all the same.
PATIENCE_MS = 30_000

expect.set_options(timeout=PATIENCE_MS)


# Of a module: as long as it runs, its thread has an event loop, and tests of other folders need theirs.
@pytest.fixture(scope="module")
def chromium():
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("needs Chromium, which `make test-system` installs")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("console")
    (folder / "serve.toml").write_text(f'[batches]\nfolder = "{folder / "batches"}"\n')
    served = Served(folder / "runtime.db", folder, "--config", str(folder / "serve.toml"))
    yield served
    assert served.stop() == 0


@pytest.fixture(scope="module")
def inventory(server):
    """The execution of an inventory."""
    order = {"program": PROGRAM, "input": activities(300), "policy": {"on_error": "skip"}}
    _, told = server.call("POST", "/v1/workflows/execute", order)
    return told["data"]


@pytest.fixture
def open_page(chromium, server):
    """Opens pages in contexts of their own; whatever the page complains of fails the test."""
    contexts, complaints = [], []

    def opened(path="", *, width=1280, scheme="light", base=None):
        base = base or f"http://127.0.0.1:{server.port}"
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            accept_downloads=True,
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        # What a page of somebody else's complains of, such as an issuer's, is no matter of ours.
        page.on("console", lambda told: page.url.startswith(base) and complained(told, complaints))
        page.on("requestfailed", lambda request: page.url.startswith(base) and failed(request, complaints))
        page.goto(f"{base}/{path}")
        return page

    opened.complaints = complaints
    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def complained(told, complaints):
    # What the API refuses, the browser tells too: that a program is wrong is no mistake of the page.
    refused = told.text.startswith("Failed to load resource") and "/v1/" in told.location["url"]
    if told.type == "error" and not refused:
        complaints.append(told.text)


def failed(request, complaints):
    # Streams and polls end with their page.
    if "ERR_ABORTED" not in (request.failure or ""):
        complaints.append(f"{request.url}: {request.failure}")
