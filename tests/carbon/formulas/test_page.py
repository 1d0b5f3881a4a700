"""The page on formulas is true: what it shows is what there is."""

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "formulas.md"


def test_every_example_of_the_page_gives_what_it_shows():
    found = doctest.testfile(str(PAGE), module_relative=False)
    assert found.attempted > 15
    assert not found.failed
