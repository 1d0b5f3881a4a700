"""What of the machine a process may use, by control groups made of files."""

import os

import pytest

from greenlang.engine import Machine, read_machine

THERE = len(os.sched_getaffinity(0))
MEMORY = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def groups(tmp_path):
    """Writes the files of a process in the control group `path`; gives the root to read them from."""

    def made(path, files):
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text(f"0::/{path}\n")
        for name, text in files.items():
            file = tmp_path / "sys/fs/cgroup" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{text}\n")
        return tmp_path

    return made


def test_a_container_has_what_its_group_allots(groups):
    root = groups("", {"cpu.max": "50000 100000", "memory.max": str(1024**3)})
    assert read_machine(root) == Machine(0.5, 1024**3)


def test_a_group_without_limits_has_the_whole_machine(groups):
    root = groups("", {"cpu.max": "max 100000", "memory.max": "max"})
    assert read_machine(root) == Machine(THERE, MEMORY)


def test_the_tightest_of_the_groups_around_it_counts(groups):
    root = groups(
        "pods/one",
        {
            "cpu.max": "75000 100000",
            "pods/cpu.max": "25000 100000",
            "pods/memory.max": str(2 * 1024**2),
            "pods/one/cpu.max": "max 100000",
            "pods/one/memory.max": str(3 * 1024**2),
        },
    )
    assert read_machine(root) == Machine(0.25, 2 * 1024**2)


def test_more_than_there_is_is_not_believed(groups):
    root = groups("", {"cpu.max": f"{(THERE + 3) * 100_000} 100000", "memory.max": str(MEMORY * 2)})
    assert read_machine(root) == Machine(THERE, MEMORY)


def test_a_machine_without_control_groups_of_version_2_is_used_whole(tmp_path):
    assert read_machine(tmp_path) == Machine(THERE, MEMORY)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("4:memory:/docker/one\n")
    assert read_machine(tmp_path) == Machine(THERE, MEMORY)


def test_a_fraction_of_a_processor_is_one():
    assert [Machine(share, 0).whole_processors for share in (0.25, 1.0, 1.9, 4.0)] == [1, 1, 1, 4]
