"""Which sealed states of the database stay, and which one a wished moment is restored from."""

from datetime import UTC, datetime, timedelta

import pytest

from infra.local.backup_depot import Base
from infra.local.backup_repository import Snapshot
from infra.local.backup_retention import list_forgettable
from infra.local.restore import NothingToRestore, choose_snapshot

START = datetime(2026, 6, 1, 3, tzinfo=UTC)  # a Monday
LIFE = "20260601T030000.000000Z"
ROUNDS = 3


def base(day: int, life: str = LIFE) -> Base:
    return Base(life, f"{day * 100:024X}", START + timedelta(days=day))


def snapshot(day: int, number: int, life: str = LIFE) -> Snapshot:
    """The last round before the next base has both, as the program seals it."""
    bases = (base(day, life),) if number < ROUNDS else (base(day, life), base(day + 1, life))
    hours = timedelta(days=day, hours=24 * number / ROUNDS)
    return Snapshot(f"{life[:8]}-{day}-{number}", bases, f"{day * 100 + number * 33:024X}", START + hours)


def history(days: int, life: str = LIFE) -> list[Snapshot]:
    return [snapshot(day, number, life) for day in range(days) for number in range(1, ROUNDS + 1)]


def kept(rows: list[Snapshot]) -> list[Snapshot]:
    gone = set(list_forgettable(rows))
    return [row for row in rows if row.id not in gone]


def test_any_moment_of_the_last_seven_days_stays_restorable() -> None:
    rows = history(60)
    end = rows[-1].until

    for hours in range(7 * 24):
        moment = end - timedelta(hours=hours)
        found, from_base = choose_snapshot(kept(rows), moment)
        assert found.until >= moment >= from_base.at > moment - timedelta(days=1, seconds=1)


def test_a_state_of_each_of_the_last_four_weeks_stays_and_no_more() -> None:
    rows = kept(history(60))

    weeks = {base.at.isocalendar().week for row in rows for base in row.bases}
    newest = max(weeks)
    assert {newest - back for back in range(4)} <= weeks
    assert len(rows) <= 8 + 3


def test_one_snapshot_a_base_is_enough() -> None:
    rows = history(3)

    assert [row.id for row in kept(rows)] == [rows[ROUNDS - 1].id, rows[2 * ROUNDS - 1].id, rows[-1].id]


def test_a_clock_that_jumps_ten_years_ahead_makes_nothing_old() -> None:
    rows = history(6)
    jumped = Base(LIFE, f"{700:024X}", START + timedelta(days=3650))
    rows.append(Snapshot("jumped", (jumped,), f"{701:024X}", jumped.at))

    assert {base.at for row in kept(rows) for base in row.bases} >= {base(day).at for day in range(6)}


def test_a_clock_that_jumped_back_does_not_hide_the_newest_state() -> None:
    late = Base(LIFE, f"{900:024X}", START - timedelta(days=400))
    rows = [*history(3), Snapshot("late", (late,), f"{901:024X}", late.at)]

    assert choose_snapshot(rows, None) == (rows[-1], late)
    assert "late" not in list_forgettable(rows)


def test_a_restored_database_is_newer_than_the_one_it_came_from() -> None:
    second_life = "20260620T030000.000000Z"
    rows = [*history(9), snapshot(1, 1, second_life)]

    assert choose_snapshot(rows, None)[0].id == "20260620-1-1"


def test_a_moment_before_the_first_base_is_refused() -> None:
    with pytest.raises(NothingToRestore):
        choose_snapshot(history(2), START - timedelta(seconds=1))


def test_names_of_bases_are_read_as_they_were_written() -> None:
    one = Base(LIFE, "000000010000000000000002", START + timedelta(microseconds=5))

    assert Base.parse(one.name) == one
