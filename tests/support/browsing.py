"""What browser tests of the console have in common: data to show, pictures to look at, axe to ask."""

import json
import random
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe

#: Where screenshots go, to be looked at.
SHOTS = Path(__file__).parents[2] / "build" / "console"

#: Names that mean no good to a page or a spreadsheet.
HOSTILE = ["<img src=x onerror=\"document.title='owned'\">", "=HYPERLINK(1)", "\"'><script>alert(1)</script>"]

SITES = ["Tacoma plant", "Boise mill", "Spokane depot", "Portland office", *HOSTILE]

PROGRAM = (
    "ghg.intake >> (fuels.stationary | electricity.location_based | electricity.market_based)"
    " >> ghg.inventory"
)

WIDTHS = {"phone": 360, "desk": 1280}


def activities(count, seed=7):
    """Rows of activity data, some of them at sites of hostile names, and one that nobody has a factor for."""
    draw = random.Random(seed)  # noqa: S311  the same rows each time, nothing more
    kinds = [("natural gas", "MMBtu"), ("electricity", "MWh"), ("Distillate Fuel Oil No. 2", "gal")]
    rows = []
    for number in range(count):
        activity, unit = draw.choice(kinds)
        month = draw.randint(1, 12)
        rows.append(
            {
                "id": f"A-{number:04}",
                "period": f"2025-{month:02}",
                "site": draw.choice(SITES),
                "activity": activity,
                "quantity": str(draw.randint(100, 9000) / 10),
                "unit": unit,
                "region": "US",
            }
        )
    return [*rows, {**rows[0], "id": "A-none", "activity": "unobtainium"}]


def as_csv(rows):
    def cell(text):
        return '"{}"'.format(text.replace('"', '""'))

    lines = [",".join(rows[0])] + [",".join(map(cell, row.values())) for row in rows]
    return "\n".join(lines) + "\n"


def shoot(page, name, scheme="light"):
    """Write a picture of the whole page for people to look at."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=SHOTS / f"{name}-{page.viewport_size['width']}-{scheme}.png", full_page=True)


def serious(page):
    """What axe finds wrong that matters."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {json.dumps([node['target'] for node in one['nodes']][:3])}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
