import json

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from greenlang.packs import bill_of_materials, open_pack


def test_the_bill_lists_what_a_pack_needs_and_ships(scaffold):
    with open_pack(str(scaffold)) as pack:
        text = bill_of_materials(pack)
        assert bill_of_materials(pack) == text
    bill = json.loads(text)
    assert bill["metadata"]["component"]["purl"] == "pkg:pypi/acme-pack@0.1.0"
    named = {component["name"]: component for component in bill["components"]}
    assert named.keys() == {"greenlang-runtime", "ghg-emission-factors-hub"}
    factors = named["ghg-emission-factors-hub"]
    assert factors["version"] == "2025"
    assert factors["licenses"] == [{"license": {"name": "US Government work"}}]
    assert factors["hashes"][0]["alg"] == "SHA-256"
    assert "table 1" in factors["properties"][0]["value"]


def test_the_bill_fits_the_schema_of_cyclonedx(scaffold, wheel):
    schema = JsonStrictValidator(SchemaVersion.V1_6)
    for place in (scaffold, wheel, "greenlang-electricity"):
        with open_pack(str(place)) as pack:
            bill = bill_of_materials(pack)
        assert schema.validate_str(bill) is None
        assert (json.loads(bill)["bomFormat"], json.loads(bill)["specVersion"]) == ("CycloneDX", "1.6")
    assert schema.validate_str(bill.replace('"data"', '"date"')) is not None
