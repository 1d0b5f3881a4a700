"""Tags: what agents look for, and what is nearly that."""

import pytest

from greenlang.carbon import build_inventory
from greenlang.carbon.rows import tag_columns
from greenlang.errors import DataError

FACTORS = "activity,gas,value,unit,region\nnatural gas,CO2,53.06,kg/mmBtu,US\n"


def inventory(activity_data, emissions_of, tags: str, **policy: str):
    data = activity_data({}, {"tags": tags}, **policy)
    tag_columns(data, "vehicle", "model_year", "distance")
    return build_inventory(emissions_of(data, FACTORS))


@pytest.mark.parametrize(
    ("tags", "meant"),
    [
        ("model-year=2015", "model_year"),
        ("Vehicel=Light-Duty Trucks", "vehicle"),
        ("distnce=17 mi", "distance"),
    ],
)
def test_a_key_that_is_nearly_one_looked_for_is_refused_with_it(activity_data, emissions_of, tags, meant):
    with pytest.raises(DataError, match=rf"row 3, column 'tags': there is no tag .* did you mean {meant}\?"):
        inventory(activity_data, emissions_of, tags)


@pytest.mark.parametrize("tags", ["", "model_year=2015; distance=3 mi", "cost_centre=7; MODEL_YEAR=2015"])
def test_keys_looked_for_and_keys_of_the_users_own_pass(activity_data, emissions_of, tags):
    assert inventory(activity_data, emissions_of, tags).data.usable.all()


def test_a_row_with_a_misspelt_key_is_skipped_where_that_is_asked(activity_data, emissions_of):
    made = inventory(activity_data, emissions_of, "model-year=2015", on_error="skip")
    assert [skip.problem.row for skip in made.skipped] == [3]
    assert made.data.usable.tolist() == [True, False]
