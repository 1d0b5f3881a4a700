"""The page about metrics, traces and logs names what there is."""

import json
import logging
import re
from pathlib import Path

import msgspec

from greenlang.observing import FAMILIES, TraceSettings
from greenlang.observing.logs import JsonFormatter
from greenlang.service.settings import ServerSettings

PAGE = (Path(__file__).parents[2] / "docs" / "observing.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_every_metric_is_on_the_page_with_its_labels():
    told = {}
    for metrics, labels in re.findall(r"^\| (`agent_[^|]+) \| ([^|]*)\|", PAGE, re.MULTILINE):
        for name in re.findall(r"`(\w+)`", metrics):
            told[name] = tuple(re.findall(r"`(\w+)`", labels))
    assert told == {family.name: family.labels for family in FAMILIES}


def test_settings_on_the_page_are_settings():
    settings = [msgspec.toml.decode(text, type=ServerSettings) for text in blocks("toml")]
    assert any(each.metrics_port == 9100 for each in settings)
    assert any(
        isinstance(each.traces, TraceSettings) and each.traces.sample_ratio == 0.1 for each in settings
    )


def test_a_line_of_the_log_has_the_fields_of_the_page():
    (shown,) = map(json.loads, blocks("json"))
    made = logging.LogRecord("greenlang.access", logging.INFO, "x.py", 1, "m", (), None)
    assert list(json.loads(JsonFormatter("agent-runtime").format(made))) == list(shown)
