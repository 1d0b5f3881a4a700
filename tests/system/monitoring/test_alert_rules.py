"""The alert rules, read and tried by Prometheus itself."""

import shutil
import subprocess
from pathlib import Path

import pytest

MONITORING = Path(__file__).parents[3] / "deploy" / "monitoring"

pytestmark = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def promtool(*arguments, folder=MONITORING, **options):
    return subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True, **options)


def test_the_rules_are_rules():
    done = promtool("check", "rules", "alerts.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_to_wake_somebody_does_and_nothing_else():
    done = promtool("test", "rules", "alerts.test.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rule_that_is_changed_is_noticed(tmp_path):
    rules = (MONITORING / "alerts.yaml").read_text()
    assert "> 0.01" in rules
    (tmp_path / "alerts.yaml").write_text(rules.replace("> 0.01", "> 0.001"))
    shutil.copy(MONITORING / "alerts.test.yaml", tmp_path)
    done = promtool("test", "rules", "alerts.test.yaml", folder=tmp_path)
    assert done.returncode != 0
    assert "AgentRuntimeHighErrorRate" in done.stdout + done.stderr


def test_the_page_of_a_node_is_as_prometheus_wants_it():
    from greenlang.observing import Counts, Watched
    from greenlang.observing.page import NodeState, render_page
    from greenlang.stores import State

    counts = Counts()
    counts.answered("ghg.inventory", "acme", 200, "calculate", 0.02)
    page = render_page(Watched(counts, None).all(), NodeState(dict.fromkeys(State, 1), 9, 0))
    done = promtool("check", "metrics", input=page.decode())
    # It advises that names say their unit last; that of the cost is agreed on.
    told = [line for line in (done.stdout + done.stderr).splitlines() if "agent_llm_cost_usd" not in line]
    assert [line for line in told if "error" in line.lower()] == []
    assert done.returncode in (0, 3), done.stderr
