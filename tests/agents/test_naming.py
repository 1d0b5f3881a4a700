import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from greenlang.agents.naming import in_order, newest_matching
from greenlang.errors import AgentError

VERSIONS = ["1.2.0", "1.10.0", "1.9.3", "2.0.0rc1", "0.9.0"]


@pytest.mark.parametrize(
    ("requested", "chosen"),
    [
        (None, "1.10.0"),
        ("", "1.10.0"),
        ("1", "1.10.0"),
        ("1.2", "1.2.0"),
        ("1.9.3", "1.9.3"),
        ("1.1", None),
        (">=1.0,<1.10", "1.9.3"),
        ("~=1.2", "1.10.0"),
        ("==1.9.*", "1.9.3"),
        (">=2", None),
        (">=2.0.0rc1", "2.0.0rc1"),
        ("2.0.0rc1", "2.0.0rc1"),
        ("3", None),
    ],
)
def test_requests_choose_as_pip_does(requested, chosen):
    assert newest_matching(VERSIONS, requested) == chosen


def test_a_pre_release_is_taken_where_nothing_else_is():
    assert newest_matching(["1.0.0rc1", "1.0.0rc2"], None) == "1.0.0rc2"


@pytest.mark.parametrize("requested", ["latest", "1.x", ">>1", "1.2-beta!"])
def test_what_is_no_range_is_refused(requested):
    with pytest.raises(AgentError, match="is not a version or a range of versions; write "):
        newest_matching(VERSIONS, requested)


def test_versions_are_ordered_by_number():
    assert in_order(VERSIONS) == ["0.9.0", "1.2.0", "1.9.3", "1.10.0", "2.0.0rc1"]


@given(
    st.lists(
        st.tuples(*[st.integers(0, 30)] * 3, st.sampled_from(["", "a1", "b2", "rc1", "rc10"])), max_size=8
    )
)
def test_the_order_is_that_of_pep_440(parts):
    versions = [f"{major}.{minor}.{patch}{stage}" for major, minor, patch, stage in parts]
    assert in_order(versions) == sorted(versions, key=Version)
