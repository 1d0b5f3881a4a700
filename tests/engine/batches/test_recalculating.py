"""A batch under other choices, and what makes two batches differ."""

import os
from decimal import Decimal

import batch_runs
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greenlang.agents import Resource, default_registry
from greenlang.engine import make_policy
from greenlang.engine.batches import Batches, compare_batches, make_recalculation, row_tables
from greenlang.engine.batches.parts import read_heading
from greenlang.engine.tenancy import Unguarded
from greenlang.errors import AgentError, InputError

#: One factor of the user's own, which goes before that of the program.
OWN = "activity,gas,value,unit,category\ndiesel,CO2,2.70000,kg/L,own factors\n"


@pytest.fixture(scope="module")
def sorted_input(tmp_path_factory):
    """Rows whose last partitions alone hold diesel; nothing is wrong with them."""
    place = tmp_path_factory.mktemp("sorted")
    rows = (
        (
            f"R-{n}",
            "2025-03",
            f"Site {n % 5}",
            "natural gas" if n < 4096 else "diesel",
            "1.5",
            "MMBtu" if n < 4096 else "L",
        )
        for n in range(6_000)
    )
    return batch_runs.write_csv(place / "activities.csv", rows)


def recalculated(folder, **choices):
    batches = Batches(folder.path.parents[1])
    policy = make_policy(on_error="skip", **choices.pop("policy", {}))
    return make_recalculation(batches, folder, policy=policy, **choices)


def test_only_what_the_change_touches_is_computed_again(order, sorted_input, tmp_path):
    base = batch_runs.made(tmp_path / "batches", order(path=sorted_input, partition_rows=1024))
    batch_runs.hash_of(base)
    own = (Resource.of("own.csv", OWN),)
    again = recalculated(base, factor_files=own)
    batch_runs.hash_of(again)
    kept = [index for index in range(6) if again.part_path(index).samefile(base.part_path(index))]
    assert kept == [0, 1, 2, 3]
    whole = batch_runs.made(tmp_path / "whole", order(path=sorted_input, factor_files=own))
    assert batch_runs.hash_of(whole) == again.kept_state().result_hash


def test_what_is_computed_again_gives_what_a_new_batch_gives(order, tmp_path):
    base = batch_runs.made(tmp_path / "batches", order(partition_rows=1024))
    batch_runs.hash_of(base)
    for policy in ({"gwp_set": "AR6"}, {"as_at": "2030-01-01"}):
        again = recalculated(base, policy=policy)
        wanted = order(partition_rows=2048)
        new = batch_runs.made(
            tmp_path / "new", type(wanted)(wanted.input, wanted.plan, make_policy(on_error="skip", **policy))
        )
        assert batch_runs.hash_of(again) == batch_runs.hash_of(new)


def test_a_batch_that_is_not_done_cannot_be_computed_again(order, tmp_path):
    base = batch_runs.made(tmp_path / "batches", order())
    with pytest.raises(InputError, match="is not done"):
        recalculated(base)


def test_more_rows_of_two_inputs_than_may_be_in_memory_are_not_compared(order, sorted_input, tmp_path):
    folders = [batch_runs.made(tmp_path / "batches", one) for one in (order(), order(path=sorted_input))]
    for folder in folders:
        batch_runs.hash_of(folder)
    with pytest.raises(InputError, match="12,000 rows are too many to be compared here; 11,999 are not"):
        compare_batches(*folders, registry=default_registry(), most_rows=11_999)
    assert compare_batches(*folders, registry=default_registry(), most_rows=12_000).differences


class Paused(Unguarded):
    """A tenant that may run nothing now."""

    def admit(self, agents, tenant, *, fresh=True):
        raise AgentError(f"{len(tuple(agents))} agents are paused for tenant '{tenant}'")


def test_a_tenant_that_may_not_run_a_program_may_not_compute_it_again(order, tmp_path):
    base = batch_runs.made(tmp_path / "batches", order(), tenant="acme")
    batch_runs.hash_of(base)
    with pytest.raises(AgentError, match="are paused for tenant 'acme'"):
        recalculated(base, guard=Paused())
    assert [one.batch_id for one in Batches(tmp_path / "batches").of_tenant("acme")] == [base.batch_id]


def test_a_change_of_factors_is_told_as_one(order, sorted_input, tmp_path):
    base = batch_runs.made(tmp_path / "batches", order(path=sorted_input, partition_rows=1024))
    batch_runs.hash_of(base)
    again = recalculated(base, factor_files=(Resource.of("own.csv", OWN),))
    batch_runs.hash_of(again)
    (found,) = compare_batches(base, again, registry=default_registry()).differences
    expected = (6000 - 4096) * Decimal("1.5") * (Decimal("2.7") - Decimal("2.68787"))
    assert found.causes == {"activity": 0, "factors": expected, "gwp": 0, "added": 0, "removed": 0}
    assert found.after - found.before == expected
    # Of partitions that are alike only what stands before their figures is read.
    alike = base.part_path(0)
    blobs = read_heading(alike).blobs
    os.truncate(alike, alike.stat().st_size - sum(blob.size for blob in blobs))
    assert compare_batches(base, again, registry=default_registry()).differences == (found,)


def test_a_change_of_the_gwp_set_is_told_as_one(order, tmp_path):
    base = batch_runs.made(tmp_path / "batches", order(partition_rows=1024))
    batch_runs.hash_of(base)
    again = recalculated(base, policy={"gwp_set": "AR6"})
    batch_runs.hash_of(again)
    comparison = compare_batches(base, again, registry=default_registry())
    for one in comparison.differences:
        assert {cause: figure for cause, figure in one.causes.items() if figure}.keys() <= {"gwp"}
        assert one.before + one.causes["gwp"] == one.after
    assert any(one.rows["gwp"] for one in comparison.differences)


ROW = st.tuples(
    st.sampled_from([f"R-{n}" for n in range(8)]),
    st.just("2025-03"),
    st.sampled_from(["A", "B"]),
    st.sampled_from([("natural gas", "MMBtu"), ("diesel", "L"), ("steam", "GJ"), ("moonshine", "L")]),
    st.decimals(0, 1000, places=3).map(lambda value: f"{value:f}"),
).map(lambda row: (row[0], row[1], row[2], row[3][0], row[4], row[3][1]))
ROWS = st.lists(ROW, min_size=1, max_size=8, unique_by=lambda row: row[0])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=ROWS, after=ROWS, gwp=st.sampled_from(["AR4", "AR5", "AR6"]), own=st.booleans())
def test_causes_come_to_the_whole_difference(tmp_path_factory, before, after, gwp, own):
    place = tmp_path_factory.mktemp("difference")
    folders = []
    for number, rows in enumerate((before, after)):
        path = batch_runs.write_csv(place / f"{number}.csv", iter(rows))
        wanted = batch_runs.order_of(place, path)
        if number:
            files = (Resource.of("own.csv", OWN),) if own else ()
            policy = make_policy(on_error="skip", gwp_set=gwp)
            wanted = type(wanted)(wanted.input, wanted.plan, policy, files)
        folders.append(batch_runs.made(place / "batches", wanted))
        batch_runs.hash_of(folders[-1], 1)
    comparison = compare_batches(*folders, registry=default_registry())
    for one in comparison.differences:
        assert one.before + sum(one.causes.values()) == one.after
        for folder, total in zip(folders, (one.before, one.after), strict=True):
            table = pa.concat_tables(row_tables(folder))
            column = table[f"{one.series}_kg"].to_pylist() if f"{one.series}_kg" in table.column_names else []
            assert sum(figure for figure in column if figure is not None) == total
    if before == after and gwp == "AR5" and not own:
        assert not any(sum(one.rows.values()) for one in comparison.differences)
    for one in comparison.differences:
        assert one.rows["added"] <= len(after)
        assert one.rows["removed"] <= len(before)
