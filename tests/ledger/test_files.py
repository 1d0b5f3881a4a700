from __future__ import annotations

import csv
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from greenlang.errors import InputError
from greenlang.ledger.files import atomic_text_writer, atomic_writer


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def write_and_raise(target: Path, error: type[BaseException]) -> None:
    with atomic_writer(target) as file:
        file.write(b"x" * 1_000_000)
        raise error


def write_text_and_raise(target: Path) -> None:
    with atomic_text_writer(target) as file:
        file.write("half")
        raise ValueError


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    with atomic_writer(target) as file:
        file.write(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    assert names_in(tmp_path) == ["out.json"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, OSError])
def test_after_an_error_the_old_content_stays_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    target = tmp_path / "out.json"
    target.write_bytes(b"old")
    with pytest.raises(error):
        write_and_raise(target, error)
    assert target.read_bytes() == b"old"
    assert names_in(tmp_path) == ["out.json"]


def test_a_new_file_has_the_mode_of_the_umask_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_bytes(b"")
    old.chmod(0o640)
    previous = os.umask(0o027)
    try:
        for target in (new, old):
            with atomic_writer(target):
                pass
    finally:
        os.umask(previous)
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


def test_a_link_goes_on_pointing_where_it_did(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with atomic_writer(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_text_is_utf8_and_rows_of_csv_end_as_csv_says(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    with atomic_text_writer(target) as file:
        csv.writer(file).writerow(["é", "1"])
    assert target.read_bytes() == "é,1\r\n".encode()


def test_text_is_atomic_too(tmp_path: Path) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the block's own error passes through
        write_text_and_raise(tmp_path / "out.csv")
    assert names_in(tmp_path) == []


def test_a_missing_folder_is_told_with_what_mends_it(tmp_path: Path) -> None:
    expected = pytest.raises(InputError, match="No such file or directory; make the folder first")
    with expected, atomic_writer(tmp_path / "nowhere" / "out.json"):
        pass


def test_a_folder_is_not_written_over(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"), atomic_writer(tmp_path):
        pass


def test_a_full_disk_is_told_as_the_users_to_mend() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    expected = pytest.raises(InputError, match="'/dev/full' cannot be written: No space left")
    with expected, atomic_writer("/dev/full") as file:
        file.write(b"x" * 1_000_000)


def test_standard_output_is_written_to_directly(tmp_path: Path) -> None:
    program = (
        "from greenlang.ledger.files import atomic_writer\n"
        "with atomic_writer('/dev/stdout') as file: file.write(b'bundle')\n"
    )
    piped = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert piped.stdout == b"bundle"
    redirected = tmp_path / "redirected"
    with redirected.open("wb") as file:
        subprocess.run([sys.executable, "-c", program], stdout=file, check=True)
    assert redirected.read_bytes() == b"bundle"
