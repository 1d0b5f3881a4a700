from datetime import date

import pytest

from greenlang.carbon.periods import Period, parse_period
from greenlang.errors import InputError


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("2025-Q1", date(2025, 1, 1), date(2025, 3, 31)),
        ("2025-Q4", date(2025, 10, 1), date(2025, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2025-03-31", date(2025, 3, 31), date(2025, 3, 31)),
        ("2025-01-15/2025-02-14", date(2025, 1, 15), date(2025, 2, 14)),
        ("2024/2025-03", date(2024, 1, 1), date(2025, 3, 31)),
    ],
)
def test_a_period_covers_whole_days(text, start, end):
    period = parse_period(text)
    assert period == Period(start, end)
    assert period.days == (end - start).days + 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "March",
        "2025-13",
        "2025-02-30",
        "2025-Q5",
        "03/2025",
        "2025-03-01/2025-02-01",
        "2025/",
        "/2025",
        "0000",
    ],
)
def test_what_is_no_period_is_refused_with_a_mend(text):
    with pytest.raises(InputError) as refused:
        parse_period(text)
    assert "write" in refused.value.fix
