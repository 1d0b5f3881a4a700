import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
FRAGMENTS = ROOT / "changelog"

FRAGMENT = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\.(?:figures|break|feature|fix)\.md")
DECISION = re.compile(r"[0-9]{4}-[a-z0-9-]+\.md")


def test_fragments_are_named_for_their_kind_and_end_in_a_full_stop():
    for path in FRAGMENTS.glob("*"):
        if path.name != "README.md":
            assert FRAGMENT.fullmatch(path.name), path.name
            assert path.read_text().rstrip().endswith("."), path.name


def test_decisions_are_numbered_without_gaps():
    pages = sorted(path.name for path in (ROOT / "docs" / "adr").glob("*.md") if path.name != "README.md")
    assert all(DECISION.fullmatch(page) for page in pages)
    assert [int(page[:4]) for page in pages] == list(range(1, len(pages) + 1))
