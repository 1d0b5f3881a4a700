"""Inventories of rows with the agents of the first-party packs."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from greenlang.carbon import Emissions, Inventory, build_inventory
from greenlang_electricity.agents import location_based, market_based
from greenlang_fuels.agents import mobile, stationary

AGENTS = (stationary, mobile, location_based, market_based)


@pytest.fixture(scope="session")
def inventory_of(activity_data) -> Callable[..., Inventory]:
    """Makes the inventory of rows as the example program does."""

    def make(*rows: dict[str, str], factors: str = "", **policy: object) -> Inventory:
        data = activity_data(*rows, factors=factors, **policy)
        return build_inventory([agent.spec.function(data) for agent in AGENTS])

    return make


@pytest.fixture(scope="session")
def kilograms() -> Callable[..., dict[str, tuple[Decimal | None, Decimal | None]]]:
    """Gives mass and CO2e by gas of one row under one method."""

    def of(inventory: Inventory, method: str = "", row: int = 0) -> dict:
        found = {}
        for gas in _gases(inventory.parts, method):
            for position in (gas.rows == row).nonzero()[0].tolist():
                name = gas.gas + (" biogenic" if gas.biogenic and gas.gas == "CO2" else "")
                assert name not in found
                mass = None if gas.mass is None else gas.mass[position]
                found[name] = mass, None if gas.co2e is None else gas.co2e[position]
        return found

    return of


def _gases(parts: tuple[Emissions, ...], method: str) -> list:
    return [gas for part in parts if part.method == method for gas in part.gases]
