"""Activity data as people hand it in: a CSV file, read the way the command reads it."""

import csv
import io
from collections.abc import Callable

import pytest

from greenlang.agents import Resource
from greenlang.carbon import AccountingPolicy, ActivityData, InventoryInput, read_activity_data, read_csv

COLUMNS = ("id", "period", "site", "activity", "quantity", "unit", "region", "method", "tags")

#: What a row has where a test does not care.
USUAL = {"period": "2025-03", "activity": "natural gas", "quantity": "1500", "unit": "MMBtu", "region": "US"}


@pytest.fixture(scope="session")
def activity_data() -> Callable[..., ActivityData]:
    """Makes `ActivityData` of rows (dicts of what is unusual), factor files and an accounting policy."""

    def make(*rows: dict[str, str], factors: str = "", **policy: object) -> ActivityData:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for number, row in enumerate(rows, start=1):
            cells = {"id": f"A-{number}", **USUAL, **row}
            writer.writerow([cells.get(column, "") for column in COLUMNS])
        table = read_csv(io.BytesIO(text.getvalue().encode()), name="data.csv")
        files = (Resource.of("own.csv", factors),) if factors else ()
        return read_activity_data(InventoryInput(table, AccountingPolicy(**policy), files))

    return make
