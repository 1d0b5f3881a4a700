"""Writes the alert rules and dashboards from `alerts.py` and `dashboards.py`; `make monitoring` runs it.

What it writes is kept beside it, so that it can be used without running anything, and a test holds it to be
what this would write.
"""

from __future__ import annotations

__all__ = ["generated"]

import json
from pathlib import Path
from typing import Any

import yaml
from alerts import ALERTS, Alert
from dashboards import DASHBOARDS, Dashboard, Panel

HERE = Path(__file__).parent

_HEAD = "# Written by deploy/monitoring/generate.py: change alerts.py, and run make monitoring.\n"

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}

#: Rows of Grafana's grid.
_HEIGHTS = {"timeseries": 8, "stat": 4}


def generated() -> dict[str, str]:
    """The files by their paths below this folder."""
    groups = {"groups": [{"name": "greenlang", "rules": [_rule(alert) for alert in ALERTS]}]}
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "greenlang", "labels": {"app.kubernetes.io/name": "greenlang"}},
        "spec": groups,
    }
    return {
        "alerts.yaml": _HEAD + yaml.safe_dump(groups, sort_keys=False, width=100),
        "prometheus-rule.yaml": _HEAD + yaml.safe_dump(resource, sort_keys=False, width=100),
        **{f"dashboards/{one.name}.json": json.dumps(_page(one), indent=1) + "\n" for one in DASHBOARDS},
    }


def _rule(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.holds,
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary, "description": alert.description},
    }


def _page(dashboard: Dashboard) -> dict[str, Any]:
    panels, row, column = [], 0, 0
    for number, panel in enumerate(dashboard.panels, start=1):
        if column + panel.width > 24:
            row, column = row + _HEIGHTS[dashboard.panels[number - 2].kind], 0
        panels.append(_panel(panel, number, row, column))
        column += panel.width
    return {
        "uid": f"greenlang-{dashboard.name}",
        "title": f"GreenLang: {dashboard.title}",
        "tags": ["greenlang"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        "panels": panels,
    }


def _panel(panel: Panel, number: int, row: int, column: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": {"x": column, "y": row, "w": panel.width, "h": _HEIGHTS[panel.kind]},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": _SOURCE, "expr": expression, "legendFormat": legend}
            for at, (legend, expression) in enumerate(panel.lines.items())
        ],
    }


def _write() -> None:
    for name, text in generated().items():
        file = HERE / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _write()
