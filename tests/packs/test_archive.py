import stat
import struct
import zipfile
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greenlang.errors import PackError
from greenlang.packs import RULES, inspect_wheel, open_wheel, surroundings
from greenlang.packs import archive as archives
from greenlang.packs.inspection import Surroundings, package_of_wheel

INFORMATION = "acme_pack-0.1.0.dist-info"
ENTRY_POINTS = f"{INFORMATION}/entry_points.txt"
OWN = "[greenlang]\nacme = acme_pack\n"

around_here = cache(surroundings)


def inspected(path, **owners):
    wheel = open_wheel(path)
    around = around_here(apart_from="acme-pack")
    return {finding.rule for finding in inspect_wheel(wheel, Surroundings({**around.owners, **owners}, {}))}


def test_the_wheel_of_the_scaffold_passes(wheel):
    assert inspected(wheel) == set()
    assert package_of_wheel(open_wheel(wheel)) == "acme_pack"


@pytest.mark.parametrize(
    "name",
    [
        "../evil.py",
        "acme_pack/../../evil.py",
        "/etc/evil",
        "C:/evil",
        "acme_pack\\evil.py",
        "acme_pack//evil.py",
        "./evil.py",
        "acme_pack/evil.py ",
        "acme_pack/\x01.py",
    ],
)
def test_a_name_that_leads_away_is_refused(name, altered, rules_of):
    with pytest.raises(PackError) as refused:
        open_wheel(altered({name: "x"}))
    assert rules_of(refused.value) == {"archive.path"}


def test_a_name_that_stands_twice_is_refused(altered, rules_of):
    path = altered({"acme_pack/Agents.py": "x"})
    with pytest.raises(PackError, match="Agents") as refused:
        open_wheel(path)
    assert rules_of(refused.value) == {"archive.path"}


def test_a_file_in_a_file_is_refused(altered, rules_of):
    with pytest.raises(PackError, match="is a file, and this lies in it") as refused:
        open_wheel(altered({"acme_pack/agents.py/more.py": "x"}))
    assert rules_of(refused.value) == {"archive.path"}


def test_a_name_that_no_file_system_takes_is_told(altered, tmp_path):
    wheel = open_wheel(altered({f"acme_pack/{'a' * 300}.csv": "x"}))
    with pytest.raises(PackError, match="it cannot be unpacked: File name too long"):
        wheel.unpack(tmp_path / "unpacked")


def test_a_link_is_refused(altered, rules_of):
    path = altered({})
    with zipfile.ZipFile(path, "a") as archive:
        entry = zipfile.ZipInfo("acme_pack/link.csv")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(PackError) as refused:
        open_wheel(path)
    assert rules_of(refused.value) == {"archive.path"}


def test_a_bomb_is_refused_before_it_is_unpacked(altered, rules_of):
    path = altered({"acme_pack/data/zeros.csv": bytes(40 * 1024 * 1024)})
    with pytest.raises(PackError, match="zeros") as refused:
        open_wheel(path)
    assert rules_of(refused.value) == {"archive.size"}


def test_a_file_that_unpacks_to_more_than_it_says_is_refused(altered):
    path = altered({"acme_pack/data/more.csv": b"1" * 5000})
    content = bytearray(path.read_bytes())
    # The size stands in the local header and in the directory; make both say 50.
    for index in range(len(content) - 4):
        if content[index : index + 4] == struct.pack("<I", 5000):
            content[index : index + 4] = struct.pack("<I", 50)
    path.write_bytes(content)
    with pytest.raises(PackError, match=r"archive\.(readable|size)"):
        open_wheel(path)


def test_too_many_files_are_refused(altered, monkeypatch, rules_of):
    monkeypatch.setattr(archives, "MAX_FILES", 5)
    with pytest.raises(PackError, match="at most 5") as refused:
        open_wheel(altered({}))
    assert rules_of(refused.value) == {"archive.size"}


def test_too_much_is_refused(altered, monkeypatch, rules_of):
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(PackError) as refused:
        open_wheel(altered({}))
    assert rules_of(refused.value) == {"archive.size"}


@pytest.mark.parametrize("name", ["acme_pack-0.1.0.tar.gz", "acme.zip", "acme_pack.whl"])
def test_what_is_no_wheel_is_refused(name, altered, rules_of):
    with pytest.raises(PackError) as refused:
        open_wheel(altered({}, name=name))
    assert rules_of(refused.value) == {"archive.readable"}


def test_half_a_wheel_is_refused(altered, rules_of):
    path = altered({})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(PackError) as refused:
        open_wheel(path)
    assert rules_of(refused.value) == {"archive.readable"}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_wheel_is_refused_or_none_the_worse(wheel, tmp_path, data):
    content = bytearray(wheel.read_bytes())
    # Most of it is compressed; what is read with care stands in the directory at its end.
    for position in data.draw(st.lists(st.integers(-3000, -1), min_size=1, max_size=8)):
        content[position] = data.draw(st.integers(0, 255))
    path = tmp_path / wheel.name
    path.write_bytes(content)
    try:
        found = inspected(path)
    except PackError:
        return
    assert found <= set(RULES)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from([ENTRY_POINTS, f"{INFORMATION}/METADATA", f"{INFORMATION}/RECORD"]),
    text=st.text(st.sampled_from("\n\r\0\u0085 \t,:;=[]\"'#ab0é"), max_size=30),
    place=st.floats(0, 1),
)
def test_damaged_metadata_are_refused_or_none_the_worse(wheel, alter, tmp_path, name, text, place):
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(name).decode()
    at = int(place * len(content))
    path = alter(wheel, tmp_path / wheel.name, {name: content[:at] + text + content[at:]}, record=False)
    try:
        found = inspected(path)
    except PackError:
        return
    assert found <= set(RULES)


def test_a_missing_wheel_is_told(tmp_path):
    with pytest.raises(PackError, match="there is no file"):
        open_wheel(tmp_path / "acme_pack-0.1.0-py3-none-any.whl")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"acme.pth": "import os"}, "archive.startup"),
        ({"acme_pack/acme.pth": "import os"}, "archive.startup"),
        ({"acme.start": "acme:run"}, "archive.startup"),
        ({"sitecustomize.py": ""}, "archive.startup"),
        ({"other_package/__init__.py": ""}, "archive.foreign"),
        ({"acme_pack-0.1.0.data/scripts/greenlang": "#!python"}, "archive.foreign"),
        ({"acme_pack-0.1.0.data/purelib/evil.py": ""}, "archive.foreign"),
        ({"click/evil.py": ""}, "archive.overlap"),
        ({"msgspec/__init__.py": ""}, "archive.overlap"),
        ({"acme_pack/model.pkl": b"\x80"}, "data.code"),
        ({"acme_pack/__pycache__/agents.cpython-311.pyc": b"\x80"}, "data.code"),
        ({f"{INFORMATION}/METADATA": "Name: other\nVersion: 0.1.0\n"}, "archive.metadata"),
        ({f"{INFORMATION}/METADATA": None}, "archive.metadata"),
        ({ENTRY_POINTS: f"{OWN}[pytest11]\na = acme_pack\n"}, "archive.metadata"),
        # Other parsers of such files take this for a second line of the value before.
        ({ENTRY_POINTS: f"{OWN} [pytest11]\n a = acme_pack\n"}, "archive.metadata"),
        ({ENTRY_POINTS: f"{OWN}[console_scripts]\nls = a:b\n"}, "archive.command"),
        ({ENTRY_POINTS: "[greenlang]\na = os\n"}, "manifest.release"),
        ({ENTRY_POINTS: f"{OWN}other = click\n"}, "manifest.release"),
        ({ENTRY_POINTS: None}, "manifest.release"),
    ],
)
def test_what_does_not_belong_in_a_pack_is_refused(changes, rule, altered):
    assert rule in inspected(altered(changes))


def test_entry_points_that_cannot_be_read_are_told(altered, rules_of):
    with pytest.raises(PackError, match="a line is no NAME = VALUE") as refused:
        inspected(altered({ENTRY_POINTS: f"{OWN}other\n"}))
    assert rules_of(refused.value) == {"archive.metadata"}


@pytest.mark.parametrize(
    ("needed", "told"),
    [
        ("click", None),
        ("no-such-thing>=2; extra == 'plots'", None),
        ("no-such-thing>=2; python_version < '3'", None),
        ("no-such-thing>=2", "no-such-thing>=2, which is not installed; if you trust it, run: pip install"),
        ("evil @ git+https://example.org/evil.git", "which is not installed"),
        ("click>=999", "it needs click>=999, and click 8"),
        ("click>>8", "which is no requirement"),
        ("click; os_name ~= 'posix'", "and nobody can say when"),
    ],
)
def test_what_pip_would_bring_besides_is_refused(wheel, altered, needed, told):
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"{INFORMATION}/METADATA").decode()
    path = altered({f"{INFORMATION}/METADATA": f"Requires-Dist: {needed}\n{metadata}"})
    findings = inspect_wheel(open_wheel(path), around_here(apart_from="acme-pack"))
    assert [(finding.rule, told in str(finding)) for finding in findings] == [("archive.needs", True)] * bool(
        told
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"acme_pack/agents.py": "changed"},
        {"acme_pack/added.py": "new"},
        {"acme_pack/py.typed": None},
        {f"{INFORMATION}/RECORD": None},
        {f"{INFORMATION}/RECORD": "a,b\n"},
    ],
)
def test_a_record_that_is_not_of_these_files_is_refused(changes, altered):
    assert inspected(altered(changes, record=False)) == {"archive.record"}


def test_a_package_that_somebody_has_is_refused(wheel):
    assert inspected(wheel, **{"acme_pack/agents.py": "other-dist"}) == {"archive.overlap"}
    assert inspected(wheel, **{"acme_pack.py": "other-dist"}) == {"archive.overlap"}


def test_the_package_of_an_editable_install_is_refused(altered):
    # The packs of this checkout are installed so; their metadata list none of their files.
    names = {ENTRY_POINTS: "[greenlang]\na = greenlang_water\n", "greenlang_water/__init__.py": ""}
    assert "archive.overlap" in inspected(altered(names))


@pytest.mark.parametrize("package", ["Click", "Greenlang"])
def test_a_package_that_is_anothers_on_some_file_systems_is_refused(altered, package):
    names = {ENTRY_POINTS: f"[greenlang]\na = {package}\n", f"{package}/__init__.py": ""}
    assert "archive.overlap" in inspected(altered(names))


def test_a_package_of_pythons_own_name_is_refused(altered):
    names = {ENTRY_POINTS: "[greenlang]\na = json\n", "json/__init__.py": ""}
    assert "archive.overlap" in inspected(altered(names))
