"""Measures rows and fails where one is more than 15 % worse than it was: `make bench-guard`.

Held are figures that come out much the same on another machine: ratios, shares, memory, counts; times and
rates are for the tables and the dashboard. A row is held to its target, to `baseline.json` and to what asv
kept of the commit before (`make bench`). What is missed and known to be is written down in `baseline.json`,
and may not get worse either. A row that fails is measured up to five times more when the others are done,
and its best figure counts.

python -m bench.guard [--quick] [--record] [--named WORD] [TABLE ...]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .before import BASELINE, earlier_commits, load_baseline, save_baseline, this_machine, tracked_costs
from .judging import Case, table_of
from .measuring import measured
from .speed_tables import TABLES

#: How often a row that fails is measured again.
SECOND_CHANCES = 5

#: How often a row is measured to be recorded.
RECORDED_OF = 3


def cases_of(given: argparse.Namespace) -> list[Case]:
    recorded = load_baseline(given.baseline)
    commit, costs = tracked_costs(earlier_commits())
    print(f"before: baseline.json{f' and commit {commit[:10]}' if commit else ''}", file=sys.stderr)
    cases = []
    for table in given.tables or TABLES:
        for row in TABLES[table].rows():
            if row.portable and (row.quick or not given.quick) and given.named in row.name:
                key = (table, row.name)
                parent = row.cost(costs[key]) if key in costs else None
                cases.append(Case(table, row, recorded.get(key), parent))
    return cases


def measure(cases: list[Case]) -> None:
    for case in cases:
        figure = measured(case.table, case.row.name)
        print(f"{case.table}: {case.row.name}: {case.row.shown(figure)}", file=sys.stderr, flush=True)
        case.figures.append(figure)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.guard", description="Fail where a ratio got worse.")
    parser.add_argument("tables", nargs="*", metavar="TABLE", help="only these tables")
    parser.add_argument("--quick", action="store_true", help="only rows that are cheap and steady")
    parser.add_argument("--record", action="store_true", help="write down what is measured")
    parser.add_argument("--named", metavar="WORD", default="", help="only rows with this in their names")
    parser.add_argument("--baseline", type=Path, default=BASELINE, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if unknown := set(given.tables) - set(TABLES):
        parser.error(f"no table {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}")
    cases = cases_of(given)
    if not cases:
        parser.error("there is no such row, or none whose figure is the same on every machine")
    if not given.record and not load_baseline(given.baseline):
        # Known misses are of one machine: without them the guard could not tell a new miss from an old one.
        print(f"nothing is written down for {this_machine()}, so no row is held; --record writes it")
        return 0
    measure(cases)
    if given.record:
        for _ in range(RECORDED_OF - 1):
            measure(cases)
        now = {(case.table, case.row.name): case.to_record() for case in cases}
        save_baseline(now, given.baseline)
        print(f"{len(now)} figures of {this_machine()} are recorded in {given.baseline.name}")
        return 0
    for _ in range(SECOND_CHANCES):
        measure([case for case in cases if not case.passes])
    print(table_of(cases))
    failed = [case for case in cases if not case.passes]
    print(f"{len(cases) - len(failed)} of {len(cases)} rows are as good as they have to be")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
