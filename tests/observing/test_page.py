"""The page of metrics, read back by Prometheus' own client library."""

from decimal import Decimal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from greenlang.agents.spending import use_tokens
from greenlang.errors import InputError
from greenlang.observing import BUCKETS, FAMILIES, Counts, Snapshot, Watched, sample_names
from greenlang.observing.page import NodeState, render_page
from greenlang.stores import State

STATE = NodeState({State.QUEUED: 3, State.PENDING: 2, State.RUNNING: 7}, agents=9, problems=1)


def samples(page):
    """By name, then by labels."""
    read = {}
    for family in text_string_to_metric_families(page.decode()):
        for sample in family.samples:
            read.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return read


def labels(**given):
    return frozenset(given.items())


def test_every_metric_has_its_help_and_its_kind_on_the_page():
    page = render_page(Snapshot(), STATE).decode()
    for family in FAMILIES:
        assert f"# HELP {family.name} {family.help}\n" in page
        assert f"# TYPE {family.name} {family.kind}\n" in page
    assert page.count("# TYPE") == len(FAMILIES)


def test_names_labels_and_buckets_are_those_agreed_on():
    agreed = {
        "agent_requests_total": ("agent_id", "tenant_id", "status", "method"),
        "agent_request_duration_seconds": ("agent_id", "tenant_id", "method"),
        "agent_calculations_total": ("agent_id", "formula_id", "status"),
        "agent_calculation_precision": ("agent_id", "formula_id"),
        "agent_memory_bytes": ("agent_id",),
        "agent_cpu_seconds_total": ("agent_id",),
        "agent_cache_hits_total": ("agent_id", "cache_tier"),
        "agent_cache_misses_total": ("agent_id", "cache_tier"),
        "agent_llm_tokens_total": ("agent_id", "model", "token_type"),
        "agent_llm_cost_usd": ("agent_id", "model"),
        "agent_queue_depth": (),
    }
    told = {family.name: family.labels for family in FAMILIES}
    assert {name: told[name] for name in agreed} == agreed
    assert BUCKETS == (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def test_a_histogram_counts_below_each_bound_over_all_statuses():
    counts = Counts()
    counts.answered("a.b", "acme", 200, "execute", 0.02)
    counts.answered("a.b", "acme", 500, "execute", 3.0)
    read = samples(render_page(counts.snapshot(), STATE))
    who = {"agent_id": "a.b", "tenant_id": "acme", "method": "execute"}
    bucket = read["agent_request_duration_seconds_bucket"]
    assert [bucket[labels(**who, le=le)] for le in ("0.01", "0.05", "2.5", "5.0", "+Inf")] == [0, 1, 1, 2, 2]
    assert read["agent_request_duration_seconds_count"][labels(**who)] == 2
    assert read["agent_request_duration_seconds_sum"][labels(**who)] == pytest.approx(3.02)
    assert read["agent_requests_total"][labels(**who, status="500")] == 1


def test_what_waits_and_what_is_installed_is_told():
    read = samples(render_page(Snapshot(), STATE))
    assert read["agent_queue_depth"][labels()] == 5
    assert read["agent_executions"][labels(state="running")] == 7
    assert read["agent_executions"][labels(state="dead_letter")] == 0
    assert read["agent_registry_health_score"][labels()] == 0.9
    assert read["agent_registry_problems"][labels()] == 1


def test_a_store_that_does_not_answer_leaves_its_metrics_out_and_no_zeros():
    read = samples(render_page(Snapshot(), NodeState(None, 9, 0)))
    assert "agent_queue_depth" not in read
    assert "agent_executions" not in read
    assert read["agent_registry_health_score"][labels()] == 1


@pytest.mark.parametrize("hostile", ['"', "\\", "a\nb", 'x"} 1\nagent_queue_depth 0', "ünï", "\x00", "{}"])
def test_labels_from_outside_stay_within_their_quotes(hostile):
    counts = Counts()
    counts.answered("a.b", hostile, 200, "execute", 0.02)
    read = samples(render_page(counts.snapshot(), STATE))
    assert [dict(told)["tenant_id"] for told in read["agent_requests_total"]] == [hostile]
    assert read["agent_queue_depth"][labels()] == 5


def test_tokens_and_their_cost_are_told_by_agent_and_model():
    use_tokens(120, agent="acme.writer", model="large-2", kind="input", cost_usd=Decimal("0.0125"))
    use_tokens(30, agent="acme.writer", model="large-2", kind="output", cost_usd=Decimal("0.5"))
    read = samples(render_page(Watched(Counts(), None).all(), STATE))
    who = {"agent_id": "acme.writer", "model": "large-2"}
    assert read["agent_llm_tokens_total"][labels(**who, token_type="input")] == 120  # noqa: S106  its kind
    assert read["agent_llm_cost_usd"][labels(**who)] == 0.5125


@pytest.mark.parametrize("wrong", [0.5, Decimal("-1"), Decimal("NaN"), "1"])
def test_a_cost_is_a_decimal_of_dollars(wrong):
    with pytest.raises(InputError, match="is no cost"):
        use_tokens(1, cost_usd=wrong)


def test_a_process_tells_what_it_uses_and_its_caches():
    read = samples(render_page(Watched(Counts(), None, lambda: {"process": (4, 1)}).all(), STATE))
    assert read["agent_memory_bytes"][labels(agent_id="runtime")] > 10_000_000
    assert read["agent_cpu_seconds_total"][labels(agent_id="runtime")] > 0
    tier = labels(agent_id="runtime", cache_tier="process")
    assert (read["agent_cache_hits_total"][tier], read["agent_cache_misses_total"][tier]) == (4, 1)


def test_series_on_the_page_have_the_names_that_dashboards_may_ask_for():
    counts = Counts()
    counts.answered("a.b", "acme", 200, "execute", 0.02)
    counts.calculated("a.b", (), "success")
    read = samples(render_page(Watched(counts, None, lambda: {"process": (4, 1)}).all(), STATE))
    assert set(read) <= {name for family in FAMILIES for name in sample_names(family)}
