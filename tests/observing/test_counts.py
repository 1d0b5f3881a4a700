"""What is counted, how it is added up, and that what comes from outside cannot make it grow without end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang.observing import BUCKETS, NONE, OTHER, Counts, Slot, Snapshot, Watched, add_up


def requests(counted):
    return dict(counted.requests)


def test_a_request_counts_in_the_first_bucket_that_holds_it():
    counts = Counts()
    for seconds in (0.0, 0.01, 0.010001, 10.0, 11.0):
        counts.answered("ghg.inventory", "acme", 200, "execute", seconds)
    ((labels, series),) = counts.snapshot().requests
    assert labels == ("ghg.inventory", "acme", "200", "execute")
    assert series == [2, 1, 0, 0, 0, 0, 0, 0, 1, 1, pytest.approx(21.020001)]


def test_a_snapshot_does_not_change_with_what_is_counted_later():
    counts = Counts()
    counts.answered("a.b", "acme", 200, "execute", 0.1)
    before = counts.snapshot()
    counts.answered("a.b", "acme", 200, "execute", 0.1)
    assert sum(requests(before)["a.b", "acme", "200", "execute"][:-1]) == 1


def test_no_more_tenants_and_agents_are_told_apart_than_allowed():
    counts = Counts(most_names=3)
    for number in range(50):
        counts.answered(f"pack.agent{number}", f"tenant{number}", 200, "execute", 0.1)
    counted = requests(counts.snapshot())
    assert {agent for agent, *_ in counted} == {"pack.agent0", "pack.agent1", "pack.agent2", OTHER}
    assert sum(counted[OTHER, OTHER, "200", "execute"][:-1]) == 47


@given(
    st.lists(
        st.tuples(st.text(max_size=3), st.text(max_size=3), st.sampled_from([200, 404, 500]), st.booleans()),
        max_size=200,
    )
)
def test_every_request_counts_once_and_series_are_bounded(asked):
    counts = Counts(most_names=5, most_series=10)
    for agent, tenant, status, quick in asked:
        counts.answered(agent, tenant, status, "execute", 0.001 if quick else 100)
    counted = counts.snapshot().requests
    assert sum(sum(series[:-1]) for _, series in counted) == len(asked)
    assert len(counted) <= 10 + 3  # one more for each status


def test_a_calculation_counts_for_each_formula_with_its_places():
    from greenlang.carbon.formulas import CO2E, MASS
    from greenlang.ledger import FormulaUse

    used = tuple(FormulaUse(one.name, one.version, one.text, one.formula_hash) for one in (MASS, CO2E))
    counts = Counts()
    counts.calculated("ghg.inventory", used, "success")
    counts.calculated("ghg.inventory", used, "success")
    counts.calculated("ghg.inventory", (), "refused")
    counted = counts.snapshot()
    assert dict(counted.calculations) == {
        ("ghg.inventory", "ghg.mass", "success"): 2,
        ("ghg.inventory", "ghg.co2e", "success"): 2,
        ("ghg.inventory", NONE, "refused"): 1,
    }
    assert dict(counted.precisions) == {("ghg.inventory", "ghg.mass"): 12, ("ghg.inventory", "ghg.co2e"): 12}


def test_no_more_calculations_are_told_apart_than_allowed():
    counts = Counts(most_series=5)
    for number in range(20):
        counts.calculated(f"pack.agent{number}", (), "success")
    counted = dict(counts.snapshot().calculations)
    assert len(counted) == 6
    assert sum(counted.values()) == 20
    assert counted[OTHER, NONE, "success"] == 15


def test_sums_are_of_all_processes():
    series = [1.0] * (len(BUCKETS) + 2)
    one = Snapshot([(("a", "t", "200", "m"), series)], hits=[(("runtime", "process"), 3)], memory_bytes=10)
    other = Snapshot([(("a", "t", "200", "m"), series), (("b", "t", "200", "m"), series)], memory_bytes=5)
    summed = add_up([one, other])
    assert requests(summed)["a", "t", "200", "m"] == [2.0] * len(series)
    assert requests(summed)["b", "t", "200", "m"] == series
    assert (summed.memory_bytes, summed.workers) == (15, 2)
    assert series == [1.0] * len(series)  # what was added up is as it was


class TestSlots:
    def test_each_process_tells_the_sum(self, tmp_path):
        counted = [Counts(), Counts()]
        watched = [Watched(counts, Slot(tmp_path, number)) for number, counts in enumerate(counted)]
        for number, counts in enumerate(counted):
            for _ in range(number + 1):
                counts.answered("a.b", "acme", 200, "execute", 0.1)
            Slot(tmp_path, number).write(watched[number].own())
        for each in watched:
            assert sum(requests(each.all())["a.b", "acme", "200", "execute"][:-1]) == 3
            assert each.all().workers == 2

    def test_a_process_goes_on_from_the_counts_of_the_one_that_died(self, tmp_path):
        first = Counts()
        first.answered("a.b", "acme", 200, "execute", 0.1)
        before = Watched(first, Slot(tmp_path, 0))
        Slot(tmp_path, 0).write(before.own())
        second = Counts()
        second.answered("a.b", "acme", 200, "execute", 0.1)
        told = Watched(second, Slot(tmp_path, 0)).all()
        assert sum(requests(told)["a.b", "acme", "200", "execute"][:-1]) == 2
        assert told.workers == 1
        assert told.cpu_seconds >= before.own().cpu_seconds

    def test_what_one_process_told_the_others_tell_too_once_it_is_gone(self, tmp_path):
        counts = Counts()
        doomed, other = Watched(counts, Slot(tmp_path, 0)), Watched(Counts(), Slot(tmp_path, 1))
        for _ in range(7):
            counts.answered("a.b", "acme", 200, "execute", 0.1)
        told = requests(doomed.all())
        assert requests(other.all()) == told

    def test_a_file_that_is_broken_is_left_out_with_a_warning(self, tmp_path, caplog):
        (tmp_path / "1.counts").write_bytes(b"\xc1nonsense")
        told = Watched(Counts(), Slot(tmp_path, 0)).all()
        assert told.workers == 1
        assert "1.counts" in caplog.text

    def test_a_folder_that_is_gone_stops_nothing(self, tmp_path, caplog):
        slot = Slot(tmp_path / "gone", 0)
        slot.write(Snapshot())
        assert slot.read() is None
        assert "not shared" in caplog.text
