"""Regions: known places, what is around them, and no silent default."""

import pytest

from greenlang.carbon.regions import country_of, region_path, regions
from greenlang.errors import FactorError


def test_path_goes_outwards_and_ends_with_the_world() -> None:
    assert region_path("NWPP") == ("NWPP", "US", "")
    assert region_path("US-WA") == ("US-WA", "US", "")
    assert region_path("GB") == ("GB", "")
    assert region_path("") == ("",)


def test_letter_case_and_spaces_around_do_not_count() -> None:
    assert region_path(" nwpp ") == region_path("NWPP")


def test_country_of_a_subregion_is_its_parent() -> None:
    assert country_of("PRMS") == "US"
    assert country_of("DE") == "DE"
    assert country_of("") == ""


def test_table_holds_all_countries_states_and_egrid_subregions() -> None:
    kinds = [region.kind for region in regions().values()]
    assert kinds.count("country") == 249
    assert kinds.count("state") == 52
    assert kinds.count("grid subregion") == 27
    assert all(not region.parent or region.parent in regions() for region in regions().values())


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("UK", "write GB"),
        ("USA", "write US"),
        ("WA", "write US-WA"),
        ("Germany", "write DE"),
        ("Georgia", "write GE or US-GA"),
        ("NWP", "NWPP"),
        ("Germny", "DE \\(Germany\\)"),
        ("ZZ", "write a code such as"),
    ],
)
def test_unknown_region_is_refused_with_what_to_write(text: str, fix: str) -> None:
    with pytest.raises(FactorError, match=fix) as caught:
        region_path(text)
    assert f"'{text}'" in str(caught.value)
