"""The ledger of finished steps: what it gives back, what it says, and what damage it bears."""

import asyncio
import itertools
import resource
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import greenlang as gl
from greenlang.agents import agent
from greenlang.engine import FileLedger, default_ledger_path
from greenlang.engine.step_ledger import HEADER
from greenlang.errors import GcelError, InputError

RAN: list[object] = []
CHANCE = itertools.count()


@agent(name="l.note", version="1.0.0")
def note(x: object) -> object:
    RAN.append(x)
    return x


@agent(name="l.later", version="1.0.0")
async def later(x: object) -> object:
    await asyncio.sleep(0)
    RAN.append(x)
    return x


@agent(name="l.block", version="1.0.0", blocking=True)
def block(x: object) -> object:
    RAN.append(x)
    return x


@agent(name="l.chance", version="1.0.0", effects=["random"])
def chance(x: object) -> int:
    RAN.append(x)
    return next(CHANCE)


@agent(name="l.refuse", version="1.0.0")
def refuse(x: int) -> int:
    RAN.append(x)
    if x == 2:
        raise OSError("no two")
    return x


@agent(name="l.lock", version="1.0.0")
def lock(x: object) -> object:
    RAN.append(x)
    return iter([x])


REGISTRY = gl.Registry([note, later, block, chance, refuse, lock])


@pytest.fixture(autouse=True)
def nothing_ran():
    RAN.clear()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept.steps"


def run(path, program, value, *, finish=True):
    """The result, what ran, and what the ledger says."""
    RAN.clear()
    with FileLedger(path) as ledger:
        result = gl.compile(program, registry=REGISTRY).run(value, ledger=ledger)
        if finish:
            ledger.finish()
    return result, list(RAN), list(ledger.reuse.lines())


@pytest.mark.parametrize(
    "program",
    [
        "identity * l.note",
        "identity * (l.later >> l.note) & sum",
        "(identity * l.block) | (identity * l.chance)",
        "identity * (l.note ? l.chance : l.later) >> l.note",
        "identity * (l.note >> retry(2) >> l.chance)",
    ],
)
def test_a_second_run_gives_the_same_and_runs_nothing(path, program):
    value = [Decimal("1.50"), 2, 2, 2]
    first, ran, _ = run(path, program, value)
    assert ran
    again, ran, said = run(path, program, value)
    assert (repr(again), ran) == (repr(first), [])
    assert said[0].endswith(" 0 ran")


def test_the_asynchronous_faces_take_a_ledger_too(path):
    plan = gl.compile("identity * l.later", registry=REGISTRY)

    async def both(ledger):
        given = await plan.arun([1, 2], ledger=ledger)
        return given, [result.value async for result in plan.astream([1, 2], ledger=ledger)][-1]

    with FileLedger(path) as ledger:
        assert asyncio.run(both(ledger)) == ([1, 2], [1, 2])
    with FileLedger(path) as ledger:
        RAN.clear()
        assert list(plan.stream([1, 2], ledger=ledger))[-1].value == [1, 2]
    assert RAN == []


def test_equal_steps_on_equal_inputs_keep_what_each_gave(path):
    first, _, _ = run(path, "l.chance | l.chance | (identity >> l.chance)", 1)
    assert len(set(first)) == 3
    assert run(path, "l.chance | l.chance | (identity >> l.chance)", 1)[0] == first


def test_what_fails_and_what_cannot_be_kept_is_run_again_and_told(path):
    program = "identity * (l.refuse >> catch(9)) | l.lock & first"
    run(path, program, [1, 2])
    _, ran, said = run(path, program, [1, 2])
    assert ran == [2, [1, 2]]
    assert said == [
        "steps: 1 reused, 2 ran",
        "  map > l.refuse ran: it failed: OSError: no two",
        "  l.lock ran: what it gave could not be kept: a list_iterator has no form that can be read back",
    ]


def test_what_comes_after_a_change_runs_again(path):
    run(path, "l.note >> l.chance", 1)
    _, ran, said = run(path, "l.note >> l.note >> l.chance", 1)
    assert ran == [1, 1]
    assert "  l.chance ran: steps before it, or inside it, changed" in said


def test_a_run_that_succeeded_leaves_only_what_it_used(path):
    program = "identity * l.note"
    run(path, program, list(range(100)))
    large = path.stat().st_size
    run(path, program, [1, 2])
    assert path.stat().st_size < large / 10
    assert run(path, program, [1, 2])[1] == []
    assert path.stat().st_mode & 0o777 == 0o600


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_cut_and_any_damage_costs_no_more_than_the_records_that_it_hit(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("ledger") / "kept.steps"
    value = list(range(5))
    expected, _, _ = run(path, "identity * l.note", value, finish=False)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(len(HEADER), len(content)))]
    else:
        content[data.draw(st.integers(len(HEADER), len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    result, ran, _ = run(path, "identity * l.note", value, finish=False)
    assert result == expected
    # After a cut-off or damaged record new ones are whole again.
    assert run(path, "identity * l.note", value)[:2] == (expected, [])
    whole = content.count(b"output")
    assert len(ran) >= 5 - whole


def test_a_ledger_is_open_for_one_run_at_a_time(path):
    with FileLedger(path), pytest.raises(InputError, match=r"another run keeps its steps in .*; wait for it"):
        FileLedger(path)
    FileLedger(path).__exit__()


def test_another_file_is_not_taken_for_a_ledger(path):
    path.write_text("id,period\n")
    with pytest.raises(InputError, match="is no ledger of steps; name another file with --steps"):
        FileLedger(path)
    assert path.read_text() == "id,period\n"
    with pytest.raises(InputError, match="the steps cannot be kept in"):
        FileLedger(path / "below")


@contextmanager
def files_of_at_most(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_run_does_not_fail_for_want_of_its_ledger(path):
    plan = gl.compile("identity * l.note", registry=REGISTRY)
    with FileLedger(path) as ledger:
        with files_of_at_most(1_000):
            assert plan.run(list(range(50)), ledger=ledger) == list(range(50))
        assert "cannot be written" in ledger.broken
        ledger.finish()
    result, ran, _ = run(path, "identity * l.note", list(range(50)))
    assert result == list(range(50))
    assert 0 < len(ran) < 50


def test_code_that_cannot_be_told_is_not_resumed(path):
    def made(add):
        @agent(name="l.made", version="1.0.0")
        def function(x: int) -> int:
            return x + add

        return gl.compile(function)

    with (
        FileLedger(path) as ledger,
        pytest.raises(GcelError, match=r"cannot be resumed, because the code of l\.made cannot be told"),
    ):
        made(1).run(1, ledger=ledger)


def test_each_program_and_input_has_a_file_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    one, other = (default_ledger_path(Path("p.gcel"), Path(name)) for name in ("a.csv", "b.csv"))
    assert one != other
    assert one.parent == tmp_path / "greenlang" / "steps"
