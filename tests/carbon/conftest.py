"""Emissions and inventories of rows under the factors of a file."""

from collections.abc import Callable

import pytest

from greenlang.agents import Resource
from greenlang.carbon import ActivityData, Emissions, Inventory, build_inventory
from greenlang.carbon.agents import emissions as emissions_agent


@pytest.fixture(scope="session")
def emissions_of() -> Callable[..., list[Emissions]]:
    """Computes data with the factors of a file, given as its text."""

    def compute(data: ActivityData, factors: str, scope: int = 1) -> list[Emissions]:
        resource = Resource.of("program.csv", factors)
        return emissions_agent.spec.function(data, factors=resource, scope=scope)

    return compute


@pytest.fixture(scope="session")
def inventory_of(activity_data, emissions_of) -> Callable[..., Inventory]:
    """Makes the inventory of rows with the factors of a file."""

    def make(*rows: dict[str, str], factors: str, **policy: object) -> Inventory:
        return build_inventory(emissions_of(activity_data(*rows, **policy), factors))

    return make
