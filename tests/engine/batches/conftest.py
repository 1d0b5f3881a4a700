import batch_runs
import pytest

ROWS = 6_000


@pytest.fixture(scope="session")
def activities(tmp_path_factory):
    """A file of activity data in CSV, with everything that goes wrong."""
    return batch_runs.write_csv(tmp_path_factory.mktemp("input") / "activities.csv", batch_runs.rows(ROWS))


@pytest.fixture
def order(activities, tmp_path):
    """Makes orders over that file."""
    return lambda **choices: batch_runs.order_of(tmp_path, choices.pop("path", activities), **choices)
