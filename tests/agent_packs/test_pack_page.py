"""The page of first-party packs says what is in them."""

import re
from collections import Counter
from pathlib import Path

from greenlang.agents import parse_manifest
from greenlang.carbon import load_factors

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "first-party-packs.md"


def line_of(path: Path) -> str:
    """A pack's line of the table, from its pack.yaml and its factor files."""
    manifest = parse_manifest(path.read_text("utf-8"))
    counts: Counter[str] = Counter()
    for declared in manifest.factor_sets:
        text = (path.parent / declared.path).read_text("utf-8")
        counts[f"{declared.dataset} {declared.edition}"] += len(load_factors(text, file=declared.path))
    agents = ", ".join(f"`{declared.name}`" for declared in manifest.agents)
    factors = "; ".join(f"{name}: {count:,}" for name, count in sorted(counts.items()))
    return f"| `{manifest.name}` | {agents} | {factors} |"


def test_the_table_has_every_pack_with_its_agents_and_the_number_of_its_factors():
    packs = sorted(ROOT.glob("agent_packs/*/src/*/pack.yaml"))
    table = re.findall(r"^\| `greenlang-.*\|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert table == [line_of(path) for path in packs]
