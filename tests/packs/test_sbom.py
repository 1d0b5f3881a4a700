import json

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


def test_the_bill_of_a_wheel_is_cyclonedx(wheel):
    with open_pack(str(wheel)) as pack:
        bill = json.loads(bill_of_materials(pack))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
