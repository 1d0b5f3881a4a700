"""A pinned edition that nobody has is refused with the right name."""

import pytest

from greenlang.carbon import check_pinned
from greenlang.errors import FactorError

KNOWN = [
    ("ghg-emission-factors-hub", "2025"),
    ("uk-conversion-factors", "2024"),
    ("uk-conversion-factors", "2025"),
]


def test_editions_that_there_are_pass():
    check_pinned({"ghg-emission-factors-hub": "2025", "uk-conversion-factors": "2024"}, KNOWN)
    check_pinned({}, [])


@pytest.mark.parametrize(
    ("editions", "message"),
    [
        ({"ghg-emission-factor-hubb": "2025"}, "no such dataset; write 'ghg-emission-factors-hub'"),
        ({"nobody": "2025"}, "write 'ghg-emission-factors-hub' or 'uk-conversion-factors'"),
        (
            {"uk-conversion-factors": "2023"},
            "no edition '2023' of 'uk-conversion-factors'; write '2024' or '2025'",
        ),
    ],
)
def test_an_edition_that_nobody_has_is_refused_with_the_nearest(editions, message):
    with pytest.raises(FactorError, match=message):
        check_pinned(editions, KNOWN)
