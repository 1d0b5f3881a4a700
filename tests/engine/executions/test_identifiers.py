"""Identifiers are random, and no two processes give out the same."""

import os
import re

from greenlang.engine.executions import new_id, random_hex


def test_identifiers_differ_and_sort_by_time():
    made = [new_id("exec", at * 1000) for at in range(2000)]
    assert len(set(made)) == 2000
    assert made == sorted(made)
    assert all(re.fullmatch(r"exec_[0-9a-f]{32}", one) for one in made)


def test_random_bytes_are_as_many_as_were_asked_for():
    taken = [random_hex(size) for size in (1, 10, 16, 5000) for _ in range(50)]
    assert {len(text) for text in taken} == {2, 20, 32, 10_000}
    assert len({text for text in taken if len(text) > 2}) == 150


def test_a_forked_process_gives_out_bytes_of_its_own():
    random_hex(1)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, random_hex(16).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 64).decode() != random_hex(16)
    os.close(reading)
    os.close(writing)
