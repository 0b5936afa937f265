"""When retention ends: calendar arithmetic against an oracle, leap days and minors."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.retention_rules import RetentionPolicy, add_years, retention_ends_on

TEN = RetentionPolicy(years=10, minor_years=7)
DAYS = st.dates(date(1940, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize(
    ("study", "received", "born", "ends"),
    [
        (date(2026, 3, 1), date(2026, 3, 1), date(1970, 5, 5), date(2036, 3, 1)),
        (date(2004, 1, 19), date(2026, 3, 1), date(1970, 5, 5), date(2036, 3, 1)),  # taken in late: from receipt
        (date(2024, 2, 29), date(2024, 2, 29), date(1970, 5, 5), date(2034, 3, 1)),  # never a day early
        (date(2026, 3, 1), date(2026, 3, 1), date(2020, 5, 5), date(2045, 5, 5)),  # six years old: 18 + 7
        (
            date(2026, 3, 1),
            date(2026, 3, 1),
            date(2008, 3, 2),
            date(2036, 3, 1),
        ),  # a day short of 18; 10 years is longer
        (date(2026, 3, 1), date(2026, 3, 1), None, date(2051, 3, 1)),  # unknown age: as if born that day
        (None, date(2026, 3, 1), date(1970, 5, 5), date(2036, 3, 1)),
        (date(2030, 1, 1), date(2026, 3, 1), date(1970, 5, 5), date(2040, 1, 1)),  # a date in the future keeps longer
    ],
)
def test_the_end_is(study: date | None, received: date, born: date | None, ends: date) -> None:
    assert retention_ends_on(TEN, study_date=study, received_on=received, birth_date=born) == ends


@given(st.none() | DAYS, DAYS, st.none() | DAYS)
def test_nothing_ends_early(study: date | None, received: date, born: date | None) -> None:
    ends = retention_ends_on(TEN, study_date=study, received_on=received, birth_date=born)

    assert ends >= received + timedelta(days=3652)
    if study:
        assert ends >= study + timedelta(days=3652)
    if born and study and born <= study < add_years(born, 18):
        assert ends >= add_years(born, 25)


@given(DAYS, st.integers(0, 100))
def test_years_added_fall_on_the_same_day_or_the_day_after(day: date, years: int) -> None:
    later = add_years(day, years)

    assert later.year == day.year + years
    assert (later.month, later.day) in ((day.month, day.day), (3, 1))
