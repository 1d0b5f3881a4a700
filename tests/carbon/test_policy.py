"""Accounting choices as they are typed."""

import pytest

from greenlang.carbon import parse_editions
from greenlang.errors import InputError


def test_editions_are_read_by_dataset():
    assert parse_editions([]) == {}
    assert parse_editions(["hub = 2025", "uk=2024=v1"]) == {"hub": "2025", "uk": "2024=v1"}


@pytest.mark.parametrize("text", ["", "hub", "=2025", "hub=", " = "])
def test_what_names_no_edition_is_told(text):
    with pytest.raises(InputError, match=f"editions: '{text}' is not DATASET=EDITION"):
        parse_editions(["uk=2024", text])


def test_a_dataset_has_one_edition():
    with pytest.raises(InputError, match="'hub' is to have two editions"):
        parse_editions(["hub=2024", "hub=2025"])
