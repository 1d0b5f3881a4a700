from pathlib import Path

import pytest

from greenlang.carbon.tables.formats import format_of_content, format_of_suffix
from greenlang.errors import InputError


@pytest.mark.parametrize(
    ("path", "start", "name"),
    [
        ("a.csv", b"id,unit\n", "csv"),
        ("a.dat", b"id,unit\n", "csv"),
        ("a", b'{"id":1}\n', "jsonl"),
        ("a.jsonl", b'\n{"id":1}\n', "jsonl"),
        ("A.NDJSON", b'{"id":1}', "jsonl"),
        ("a.parquet", b"PAR1", "parquet"),
        ("a.csv", b"PAR1\x15", "parquet"),
        ("a.parquet", b"id,unit\n", "parquet"),
        ("a.arrow", b"ARROW1\0\0", "arrow"),
        ("a.bin", b"\xff\xff\xff\xff\x10", "arrow"),
        ("a.feather", b"ARROW1\0\0", "arrow"),
    ],
)
def test_content_decides_then_the_suffix(path, start, name):
    assert format_of_content(Path(path), start).name == name


@pytest.mark.parametrize("path", ["a.xlsx", "a.xls", "a.json"])
def test_formats_that_are_not_read_are_told_with_what_to_write(path):
    with pytest.raises(InputError, match=r"not in a format.*; (export|write)"):
        format_of_content(Path(path), b"PK\x03\x04")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.csv", "csv"),
        ("a.jsonl", "jsonl"),
        ("a.PARQUET", "parquet"),
        ("a.pq", "parquet"),
        ("a.ipc", "arrow"),
    ],
)
def test_a_suffix_names_the_format_to_write(path, name):
    assert format_of_suffix(Path(path)).name == name


@pytest.mark.parametrize(
    ("path", "fix"), [("a.parqet", "a.parquet"), ("a", ".csv, .jsonl, .parquet, .arrow")]
)
def test_a_suffix_that_names_none_is_refused(path, fix):
    with pytest.raises(InputError) as refused:
        format_of_suffix(Path(path))
    assert fix in str(refused.value)
