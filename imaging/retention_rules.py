"""When retention ends. Pure: dates in, a date out; state law, not HIPAA, sets the years (compliance.md A12)."""

from dataclasses import dataclass
from datetime import date

AGE_OF_MAJORITY = 18


@dataclass(frozen=True)
class RetentionPolicy:
    """A practice's years: `years` after the study, for a minor also `minor_years` after coming of age."""

    years: int
    minor_years: int

    @property
    def rule(self) -> str:
        """The rule in words, for the tombstone."""
        return f"{self.years} years; minors until {self.minor_years} years after majority"


def retention_ends_on(
    policy: RetentionPolicy, *, study_date: date | None, received_on: date, birth_date: date | None
) -> date:
    """The first day on which the study may be purged.

    Counted from the later of the study's date and its receipt, because the law counts from the last contact and
    we know no later one. A patient who was a minor at the study, or whose age is unknown, keeps it longer.
    """
    began = max(study_date or received_on, received_on)
    ends = add_years(began, policy.years)
    if birth_date is None or birth_date > began:
        # Unknown or impossible: as if born that day.
        return max(ends, add_years(began, AGE_OF_MAJORITY + policy.minor_years))
    majority = add_years(birth_date, AGE_OF_MAJORITY)
    if (study_date or began) < majority:
        ends = max(ends, add_years(majority, policy.minor_years))
    return ends


def add_years(day: date, years: int) -> date:
    """The same day `years` later; 29 February becomes 1 March where there is none: never a day early."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
