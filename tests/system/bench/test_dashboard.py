"""The dashboard of the benchmarks, in a real browser that reaches nothing but the folder itself."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from bench.before import tracked_costs
from bench.dashboard import publish

PATIENCE_MS = 30_000

BENCHMARKS = """
class Gcel:
    params = ["chain", "map, an item", "left out"]
    param_names = ["row"]

    def setup(self, name):
        if name == "left out":
            raise NotImplementedError

    def track_cost(self, name):
        return len(name) / 4
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A repository of two commits that asv has measured, and the commits, the later first."""
    root = tmp_path_factory.mktemp("measured")
    environ = {**os.environ, "HOME": str(root), "GIT_CONFIG_GLOBAL": os.devnull}

    def run(*command):
        done = subprocess.run(command, cwd=root, env=environ, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    (root / "bench").mkdir()
    (root / "bench" / "__init__.py").touch()
    (root / "bench" / "tracked.py").write_text(BENCHMARKS)
    conf = {"version": 1, "project": "made", "repo": ".", "branches": ["main"]}
    conf |= {"environment_type": "virtualenv", "benchmark_dir": "bench"}
    folders = {"results_dir": ".asv/results", "html_dir": ".asv/html", "env_dir": ".asv/env"}
    (root / "asv.conf.json").write_text(json.dumps({**conf, **folders}))
    run("git", "init", "--quiet", "--initial-branch", "main")
    run("git", "add", "bench", "asv.conf.json")
    asv = Path(sys.executable).with_name("asv")
    run(asv, "machine", "--yes")
    commits = []
    for subject in ("One", "Two"):
        who = ("-c", "user.name=Bench", "-c", "user.email=bench@example.org")
        run("git", *who, "commit", "--quiet", "--allow-empty", "--message", subject)
        commits.insert(0, run("git", "rev-parse", "HEAD"))
        there = f"existing:{sys.executable}"
        run(asv, "run", "--quick", "--environment", there, "--set-commit-hash", commits[0])
    return root, commits


def test_the_guard_reads_what_asv_kept_of_the_nearest_commit_that_it_measured(measured):
    root, commits = measured
    costs = {("gcel", "chain"): 1.25, ("gcel", "map, an item"): 3.0}
    assert tracked_costs(["0" * 40, *commits], root / ".asv/results") == (commits[0], costs)
    assert tracked_costs(["0" * 40], root / ".asv/results") == ("", {})


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address(measured):
    if shutil.which("npm") is None:
        pytest.skip("needs npm, which brings the scripts of the dashboard")
    folder = measured[0] / "html"
    publish(measured[0], folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def page(address):
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("needs Chromium, which `make test-system` installs")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        complaints = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(request.url))
        page.on("response", lambda answer: answer.ok or complaints.append(f"{answer.status} {answer.url}"))
        page.route(lambda url: not url.startswith(address), lambda route: route.abort())
        yield page
        browser.close()
    assert complaints == []


def test_the_dashboard_draws_its_grid_and_its_graphs_and_loads_nothing_from_elsewhere(page, address):
    page.goto(address)
    benchmark = page.locator("#summarygrid-display a", has_text=re.compile("track_cost|Gcel")).first
    expect(benchmark).to_be_visible()
    page.goto(f"{address}/#tracked.Gcel.track_cost")
    expect(page.locator("#main-graph canvas").first).to_be_visible()


def test_the_licences_of_the_copied_scripts_lie_beside_them(measured, address):
    vendor = measured[0] / "html" / "vendor"
    for package in vendor.iterdir():
        assert json.loads((package / "package.json").read_text())["name"] == package.name
        assert list(package.glob("LICENSE*")) or package.name == "flot-orderbars"
