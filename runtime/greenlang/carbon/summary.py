"""What an inventory says, as plain data: what JSON prints, bundles carry and result hashes cover.

Decimals stay `Decimal`; whoever encodes them writes them as strings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from greenlang.carbon.emissions import Emissions
from greenlang.carbon.factors import EmissionFactor
from greenlang.carbon.formulas import CO2E, KG_PLACES, MASS, Formula
from greenlang.carbon.inventory import Inventory, Line
from greenlang.carbon.report import Report
from greenlang.carbon.uncertainty import METHOD

__all__ = ["factor_roles", "formulas_used", "inventory_summary", "roundings"]


def inventory_summary(inventory: Inventory) -> dict[str, Any]:
    """Totals, lines, fallbacks, missing gases and skipped rows of an inventory."""
    data = inventory.data
    return {
        "gwp_set": inventory.gwp.name,
        "rows": {
            "given": len(data),
            "computed": int(data.usable.sum()),
            "skipped": len(data) - int(data.usable.sum()),
        },
        "totals": [_line(line) for line in inventory.totals],
        "lines": [
            {"activity": line.activity, "category": line.category, **_line(line)} for line in inventory.lines
        ],
        "fallbacks": [
            {
                "kind": taken.fallback.kind,
                "wanted": taken.fallback.wanted,
                "used": taken.fallback.used,
                "activity": taken.activity,
                "method": taken.method,
                "rows": len(taken.rows),
            }
            for taken in inventory.fallbacks
        ],
        "missing": [
            {"gas": gap.gas, "activity": gap.activity, "reason": gap.reason, "rows": len(gap.rows)}
            for gap in inventory.missing
        ],
        "co2e_as_published": [
            {
                "activity": factor.activity,
                "gwp_basis": factor.gwp_basis or "unspecified",
                "ef_cid": factor.ef_cid,
            }
            for factor in {factor.ef_cid: factor for factor, _ in factor_roles(inventory)}.values()
            if factor.gas == "CO2e"
        ],
        "skipped": [
            {
                "row": skip.problem.row,
                "id": skip.id,
                "column": skip.problem.column,
                "reason": skip.problem.message,
                "fix": skip.problem.fix,
            }
            for skip in inventory.skipped
        ],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "scope": line.scope,
        "method": line.method,
        "rows": line.rows,
        "mass_kg": {gas: line.gases[gas] for gas in sorted(line.gases)},
        "biogenic_co2_kg": line.biogenic_co2,
        "co2e_kg": line.co2e,
        **({} if line.co2e_as_published is None else {"co2e_as_published_kg": line.co2e_as_published}),
        **_estimates(line),
    }


def _estimates(line: Line) -> dict[str, Any]:
    """How uncertain the figures of a line are, where something says so."""
    if line.co2e_estimate is None and not line.gas_estimates:
        return {}
    told: dict[str, Any] = {
        "mass_percent": {gas: line.gas_estimates[gas].percent for gas in sorted(line.gas_estimates)},
        "method": METHOD,
    }
    if line.co2e_estimate is not None:
        told |= {"co2e_percent": line.co2e_estimate.percent, "of": line.co2e_estimate.of}
    return {"estimated_uncertainty": told}


def factor_roles(inventory: Inventory) -> list[tuple[EmissionFactor, str]]:
    """Every factor that was used, once, and what for: `scope 2 location-based`; in order of `ef_cid`."""
    found: dict[tuple[str, str], EmissionFactor] = {}
    for part in inventory.parts:
        role = _role(part)
        for selection in part.selections:
            for rate in selection.rates:
                for factor, _ in rate.parts:
                    found[factor.ef_cid, role] = factor
    return [(factor, role) for (_, role), factor in sorted(found.items(), key=lambda item: item[0])]


def _role(part: Emissions) -> str:
    return f"scope {part.scope}" + (f" {part.method}" if part.method else "")


def formulas_used(inventory: Inventory) -> list[dict[str, str]]:
    """The formulas of an inventory, those of its agents last: id, version, text and hash."""
    return [
        {
            "formula_id": formula.name,
            "version": formula.version,
            "text": formula.text,
            "formula_hash": formula.formula_hash,
        }
        for formula in (MASS, CO2E, *_of_agents(inventory))
    ]


def roundings(result: Inventory | Report) -> list[dict[str, str | int]]:
    """Where figures were rounded, to how many places and how; sums add the rounded rows."""
    return [
        {"what": what, "unit": unit, "places": places, "mode": mode}
        for what, unit, places, mode in _rounded(result)
    ]


def _rounded(result: Inventory | Report) -> Iterator[tuple[str, str, int, str]]:
    for formula in (MASS, CO2E):
        yield f"{formula.name} of each row and gas", "kg", KG_PLACES, "half-even"
    for formula in _of_agents(result.inventory if isinstance(result, Report) else result):
        for rounding in formula.roundings:
            what = f"{formula.name} of each row: {rounding.what}"
            yield what, rounding.unit, rounding.places, rounding.mode
    if isinstance(result, Report):
        by, total = result.columns
        yield f"{total} of each {by}", result.unit, result.places, "half-even"


def _of_agents(inventory: Inventory) -> list[Formula]:
    """The formulas that agents computed quantities by, each once."""
    found = {
        (formula.name, formula.version): formula for part in inventory.parts for formula in part.formulas
    }
    return [found[key] for key in sorted(found)]
