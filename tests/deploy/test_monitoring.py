"""The alert rules and dashboards ask for what a node shows, and are what their generator writes."""

import json
import re
import sys
from pathlib import Path

import pytest
import yaml
from distributions import write_distribution
from prometheus_client.parser import text_string_to_metric_families
from promql import balanced, labels_in, metrics_in
from served import Served

from greenlang.observing import FAMILIES, sample_names

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"

RULES = [
    rule
    for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
PAGES = [json.loads(file.read_text()) for file in sorted((MONITORING / "dashboards").glob("*.json"))]
PANELS = [(page["title"], panel) for page in PAGES for panel in page["panels"]]

EXPRESSIONS = [rule["expr"] for rule in RULES] + [
    target["expr"] for _, panel in PANELS for target in panel["targets"]
]

LABELS = {name: {*family.labels, "le"} for family in FAMILIES for name in sample_names(family)}

#: Of the scrape, and not of the page.
SCRAPED = {"instance", "job"}


@pytest.fixture
def generated(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(MONITORING), *sys.path])
    import generate

    return generate.generated()


def test_what_is_kept_is_what_the_generator_writes(generated):
    kept = {
        str(file.relative_to(MONITORING)): file.read_text()
        for file in (
            MONITORING / "alerts.yaml",
            MONITORING / "prometheus-rule.yaml",
            *(MONITORING / "dashboards").iterdir(),
        )
    }
    assert kept == generated, "run make monitoring"


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_metrics_and_labels_that_there_are(expression):
    assert balanced(expression)
    asked = metrics_in(expression)
    assert asked
    assert asked <= set(LABELS)
    told = set().union(*(LABELS[name] for name in asked))
    assert labels_in(expression) <= told | SCRAPED


def test_what_reads_expressions_sees_what_they_name():
    expression = 'sum by (le, agent_id) (rate(a_b_bucket{x="c_d{}", y=~"z"}[5m])) / on (instance) c_d > 0.1'
    assert metrics_in(expression) == {"a_b_bucket", "c_d"}
    assert labels_in(expression) == {"le", "agent_id", "x", "y", "instance"}
    assert balanced(expression)
    assert not balanced("sum(rate(a_b[5m))]")


def test_every_rule_says_how_grave_it_is_and_what_to_do():
    assert len({rule["alert"] for rule in RULES}) == len(RULES) >= 10
    for rule in RULES:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert re.fullmatch(r"\d+[smh]", rule["for"])
        assert len(rule["annotations"]["description"]) > 40
        assert rule["annotations"]["summary"].count("{{") == rule["annotations"]["summary"].count("}}")


def test_the_rules_of_the_operator_are_the_same_rules():
    resource = yaml.safe_load((MONITORING / "prometheus-rule.yaml").read_text())
    assert resource["kind"] == "PrometheusRule"
    assert resource["spec"]["groups"][0]["rules"] == RULES


def test_every_rule_is_tried_both_ways():
    tests = yaml.safe_load((MONITORING / "alerts.test.yaml").read_text())["tests"]
    tried = {
        (re.search(r'alertname="(\w+)"', each["expr"])[1], bool(each["exp_samples"]))
        for test in tests
        for each in test["promql_expr_test"]
    }
    assert tried == {(rule["alert"], fires) for rule in RULES for fires in (True, False)}


def test_dashboards_are_pages_that_grafana_reads():
    assert {page["uid"] for page in PAGES} == {
        f"greenlang-{name}"
        for name in ("overview", "runtime-performance", "registry-health", "quality", "tenant-usage")
    }
    for page in PAGES:
        places = [panel["gridPos"] for panel in page["panels"]]
        assert len({panel["id"] for panel in page["panels"]}) == len(places)
        assert all(place["x"] + place["w"] <= 24 for place in places)
        cells = [
            (x, y)
            for place in places
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        assert len(cells) == len(set(cells)), f"panels of {page['title']} cover each other"


WRITER = """
from decimal import Decimal

import greenlang as gl
from greenlang.agents.hooks import hookimpl
from greenlang.agents.spending import use_tokens


@gl.agent(name="acme.writer", version="1.0.0", effects={"io"})
def write(value: int) -> int:
    \"\"\"Pretend that a model was asked.\"\"\"
    use_tokens(100, agent="acme.writer", model="large-2", kind="input", cost_usd=Decimal("0.01"))
    return value


@hookimpl
def greenlang_agents():
    return [write]
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A distribution with an agent that uses a language model."""
    write_distribution(tmp_path / "site", "acme_writer", WRITER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))


def test_a_node_under_load_shows_every_metric_that_dashboards_and_alerts_ask_for(
    installed, tmp_path, request
):
    node = Served(tmp_path / "runtime.db", tmp_path)
    request.addfinalizer(node.process.kill)
    activity = {
        "id": "A-01",
        "period": "2025-02",
        "activity": "natural gas",
        "quantity": "1500",
        "unit": "MMBtu",
        "region": "US",
    }
    for _ in range(20):
        order = {"program": "acme.writer", "input": 1, "wait": 10}
        response, told = node.call("POST", "/v1/workflows/execute", order)
        assert response.status == 200, told
        assert node.call("POST", "/v1/calculations/emissions", activity)[0].status == 200
    _, page = node.call("GET", "/metrics")
    assert node.stop() == 0
    shown = {
        sample.name for family in text_string_to_metric_families(page.decode()) for sample in family.samples
    }
    asked = set().union(*map(metrics_in, EXPRESSIONS))
    assert len(asked) >= 15
    assert asked - shown == set()
    # And nothing is shown that nobody looks at.
    assert {name.removesuffix("_bucket") for name in shown} - asked - {
        "agent_request_duration_seconds"
    } == set()
