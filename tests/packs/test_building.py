import hashlib
import os
import shutil
import tarfile
import zipfile

import pytest

from greenlang.errors import InputError, PackError
from greenlang.packs import build_pack


def digests(paths):
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


def test_the_same_sources_give_the_same_bytes_elsewhere_and_later(scaffold, tmp_path, monkeypatch):
    one, other = tmp_path / "one", tmp_path / "a" / "longer" / "way" / "other"
    for place, umask in ((one, 0o022), (other, 0o077)):
        before = os.umask(umask)
        try:
            shutil.copytree(scaffold, place, copy_function=shutil.copyfile)
            for path in place.rglob("*"):
                os.utime(path, (umask * 10**7, umask * 10**7))
            build_pack(place, place / "dist", isolated=False)
        finally:
            os.umask(before)
    names = ["acme_pack-0.1.0-py3-none-any.whl", "acme_pack-0.1.0.tar.gz"]
    assert digests(one / "dist" / name for name in names) == digests(other / "dist" / name for name in names)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(1_750_000_000))
    wheel, sources = build_pack(one, one / "dist", isolated=False)
    with zipfile.ZipFile(wheel) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2025, 6, 15, 15, 6, 40)}
    with tarfile.open(sources) as archive:
        assert {member.mtime for member in archive} == {1_750_000_000}
        assert {(member.uid, member.uname, member.mode) for member in archive} == {(0, "", 0o644)}


def test_a_time_that_is_none_is_refused(project, monkeypatch, tmp_path):
    for time in ("yesterday", "-1", "4354819200", "9" * 5000):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", time)
        with pytest.raises(InputError, match=f"SOURCE_DATE_EPOCH is '{time}'"):
            build_pack(project, tmp_path / "dist", isolated=False)


def test_a_project_that_cannot_be_built_is_told(project, tmp_path):
    path = project / "pyproject.toml"
    path.write_text(path.read_text().replace('version = "0.1.0"', 'version = "one"'))
    with pytest.raises(PackError, match="it cannot be built"):
        build_pack(project, tmp_path / "dist", isolated=False)
