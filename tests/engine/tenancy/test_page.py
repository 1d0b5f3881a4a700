"""The page of operations says what holds: its tables are those of the code."""

import re
from pathlib import Path

from greenlang.engine.tenancy import TIERS, TRANSITIONS, quotas_of
from greenlang.stores.tables import AgentState

PAGE = (Path(__file__).parents[3] / "docs" / "operations.md").read_text("utf-8")

UNITS = {"": 1, "GiB": 1024**3}


def table(heading):
    """The rows of the first table under a heading, as lists of texts."""
    text = PAGE[PAGE.index(f"### {heading}\n") :]
    rows = re.findall(r"^\|(.+)\|$", text[: text.index("\n\n", text.index("|---"))], re.MULTILINE)
    return [[cell.strip().strip("`") for cell in row.split("|")] for row in rows if "---" not in row]


def test_the_tiers_are_those_that_tenants_get():
    head, *rows = table("Tiers and quotas")
    assert head[1:] == list(TIERS)
    for name, *cells in rows:
        for tier, cell in zip(head[1:], cells, strict=True):
            amount, _, unit = cell.partition(" ")
            assert int(amount.replace(",", "")) * UNITS[unit] == getattr(quotas_of("a", tier, 0), name), name
    assert {row[0] for row in rows} == set(quotas_of("a", "free", 0).__struct_fields__) - {
        "tenant",
        "changed_at",
        "revision",
    }


def test_the_lifecycle_is_the_table_that_agents_move_by():
    _, *rows = table("Agents of a tenant")
    told = {name: set(re.findall(r"\w+", cell)) for name, cell in rows}
    for state in AgentState:
        wanted = {str(one) for one in TRANSITIONS[state]}
        may_fail = {"failed"} if state not in (AgentState.FAILED, AgentState.RETIRED) else set()
        assert told.get(str(state), set()) | may_fail == wanted, state
