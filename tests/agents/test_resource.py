import hashlib

import pytest

from greenlang.agents.resource import MAX_BYTES, Resource
from greenlang.errors import InputError


def test_a_resource_is_its_text_and_digest(tmp_path):
    (tmp_path / "factors.csv").write_bytes(b"fuel,value\ncoal,1.5\n")
    resource = Resource.read("factors.csv", folder=tmp_path)
    assert resource == Resource("factors.csv", "fuel,value\ncoal,1.5\n", resource.sha256)
    assert resource.sha256 == hashlib.sha256(b"fuel,value\ncoal,1.5\n").hexdigest()


def test_line_ends_and_byte_order_marks_change_nothing(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"x\ny\n")
    (tmp_path / "b.csv").write_bytes(b"\xef\xbb\xbfx\r\ny\r\n")
    assert Resource.read("a.csv", folder=tmp_path).sha256 == Resource.read("b.csv", folder=tmp_path).sha256


def test_a_changed_text_is_noticed():
    with pytest.raises(InputError, match="does not have the digest"):
        Resource("a.csv", "changed", Resource.of("a.csv", "text").sha256)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("missing.csv", "there is no file 'missing.csv'; write its path relative to the program's file"),
        ("folder", "'folder' cannot be read: Is a directory"),
        ("binary", r"is not text in UTF-8 \(byte 0\)"),
        ("large", "is larger than 16 MiB"),
        ("/etc/hostname", "is an absolute path"),
        ("nul\0", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_a_resource_is_told_by_name(tmp_path, name, told):
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff\x00")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(InputError, match=told):
        Resource.read(name, folder=tmp_path)
