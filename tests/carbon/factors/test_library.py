"""The factor library: found by what a row would get, compared edition by edition."""

from fractions import Fraction

import pytest

from greenlang.agents.files import FactorFile, PackFile
from greenlang.carbon import FactorLibrary, Sought, compare_editions, explain_choices, load_factors
from greenlang.carbon.factors import OWN
from greenlang.errors import FactorError, InputError

HEADER = "activity,gas,value,unit,region,source,dataset,edition,applies_from,applies_to,category\n"

HUB_2024 = (
    HEADER + "Motor Gasoline,CO2,8.80,kg/gal (US),US,EPA,hub,2024,2024-01-01,2024-12-31,mobile\n"
    "Naphtha,CO2,8.5,kg/gal (US),US,EPA,hub,2024,2024-01-01,2024-12-31,mobile\n"
)
HUB_2025 = (
    HEADER + "motor gasoline,CO2,8780,g/gal (US),US,EPA,hub,2025,2025-01-01,2025-12-31,mobile\n"
    "Diesel Fuel,CO2,10.21,kg/gal (US),US,EPA,hub,2025,2025-01-01,2025-12-31,mobile\n"
    "Diesel Fuel,CH4,1.01,g/gal (US),US,EPA,hub,2025,2025-01-01,2025-12-31,mobile\n"
)
UK = HEADER + "Petrol,CO2e,2.07,kg/L,GB,DESNZ,uk,2025,2025-01-01,2025-12-31,mobile\n"


@pytest.fixture
def library(tmp_path):
    def file(name, text, dataset, edition):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return FactorFile(
            path=tmp_path / name, pack="acme", dataset=dataset, edition=edition, licence="x", citation="y"
        )

    (tmp_path / "aliases.csv").write_text("alias,activity\ngas (car),Motor Gasoline\n", encoding="utf-8")
    files = [
        file("hub_2024.csv", HUB_2024, "hub", "2024"),
        file("hub_2025.csv", HUB_2025, "hub", "2025"),
        file("uk.csv", UK, "uk", "2025"),
    ]
    own = [load_factors("activity,gas,value,unit\nTaxi,CO2e,0.2,kg/km\n", file="own.csv")]
    return FactorLibrary(files, [PackFile(path=tmp_path / "aliases.csv", pack="acme")], own)


def values(found):
    return [listed.factor.value_text for listed in found]


def test_all_words_have_to_be_there_in_any_case(library):
    assert values(library.search(Sought(words=("DIESEL", "epa")))) == ["1.01", "10.21"]


def test_another_word_for_an_activity_finds_it(library):
    assert values(library.search(Sought(words=("(car)",), year=2024))) == ["8.80"]


def test_a_region_lists_what_a_row_there_could_get(library):
    assert {listed.factor.region for listed in library.search(Sought(region="US-WA"))} == {"US", ""}
    assert {listed.pack for listed in library.search(Sought(region="FR"))} == {OWN}


def test_a_year_lists_the_edition_that_a_row_would_get_and_marks_the_nearest(library):
    gasoline = Sought(words=("motor",), year=2025)
    assert [(values([one])[0], one.remark) for one in library.search(gasoline)] == [("8780", "")]
    (nearest,) = library.search(Sought(words=("motor",), year=2030))
    assert nearest.factor.edition == "2025"
    assert nearest.remark == "nearest to 2030-01-01/2030-12-31"


def test_gas_source_and_pack_narrow_a_search(library):
    assert values(library.search(Sought(gas="ch4"))) == ["1.01"]
    assert values(library.search(Sought(source="desnz"))) == ["2.07"]
    assert values(library.search(Sought(pack=OWN))) == ["0.2"]


@pytest.mark.parametrize(
    ("sought", "words"),
    [
        (Sought(words=("Deisel", "Fuel")), "Diesel Fuel"),
        (Sought(gas="CHR"), "CH4"),
        (Sought(region="USA"), "write US"),
        (Sought(words=("zzz", "qqq")), "fewer words"),
    ],
)
def test_what_is_not_found_is_told_with_what_is_near(library, sought, words):
    with pytest.raises(FactorError) as refused:
        library.search(sought)
    assert words in refused.value.fix


def test_editions_are_compared_in_one_unit_and_whatever_the_letter_case(library):
    before, after = (
        [listed.factor for listed in library.edition(edition)] for edition in ("2024", "hub=2025")
    )
    told = {
        (change.before or change.after).activity: (bool(change.before), bool(change.after), change.relative)
        for change in compare_editions(before, after)
    }
    assert told == {
        "Motor Gasoline": (True, True, Fraction("8.78") / Fraction("8.80") - 1),
        "Naphtha": (True, False, None),
        "Diesel Fuel": (False, True, None),
    }


def test_an_edition_is_the_same_as_itself(library):
    factors = [listed.factor for listed in library.edition("2024")]
    assert compare_editions(factors, factors) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [("2025", "several datasets have an edition '2025'"), ("1999", "there is no edition '1999'")],
)
def test_an_edition_that_is_not_one_is_told_with_those_there_are(library, text, words):
    with pytest.raises(FactorError, match=words) as refused:
        library.edition(text)
    assert "hub=2025" in refused.value.fix


def test_choices_are_told_for_every_pack_and_for_ones_own(library):
    (choice,) = explain_choices(library, "GAS (car)", unit="L", region="US-WA", period="2025")
    assert (choice.pack, choice.category) == ("acme", "mobile")
    assert [rate.gas for rate in choice.explanation.selection.rates] == ["CO2"]
    (own,) = explain_choices(library, "taxi", unit="km", region="GB", period="2025")
    assert own.pack == OWN


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"activity": "Motor Gasolin", "unit": "L"}, "motor gasoline"),
        ({"activity": "taxi", "unit": "bananas"}, "bananas"),
        ({"activity": "taxi", "unit": "km", "region": "ZZ"}, "ZZ"),
        ({"activity": "taxi", "unit": "km", "period": "soon"}, "soon"),
        ({"activity": "taxi", "unit": "km", "editions": ("hub",)}, "DATASET=EDITION"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(library, asked, words):
    with pytest.raises(InputError, match=words.replace("=", ".")):
        explain_choices(library, **asked)


def test_the_id_of_a_factor_does_not_depend_on_the_order_of_its_columns():
    one = load_factors("activity,gas,value,unit\nTaxi,CO2e,0.20,kg/km\n", file="a.csv")
    other = load_factors("unit,value,gas,activity\nkg/km,0.20,CO2e,Taxi\n", file="b.csv")
    assert one.factors[0].ef_cid == other.factors[0].ef_cid
