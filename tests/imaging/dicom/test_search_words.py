"""What is typed, and what it is held against."""

from datetime import date

import pytest

from imaging.dicom.search_words import MOST_WORDS, days_that_begin, list_id_tokens, list_tokens, read_words


def beginnings(typed: str) -> list[tuple[str, ...]]:
    return [word.beginnings for word in read_words(typed)]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Doe, Jane", [("doe",), ("jane",)]), ("DOE^JANE", [("doe",), ("jane",)]), ("  ", []), ("- ,", []),
        ("Müller-Straße", [("muller-strasse",)]), ("P-00120", [("p-00120",)]), ("(st.)", [("st",)]),
        ("a a", [("a",)]), ("nul\0byte", [("nul",), ("byte",)]),
    ],
)  # fmt: skip
def test_words_are_folded_and_divided_at_blanks_and_commas(typed: str, expected: list) -> None:
    assert beginnings(typed) == expected


@pytest.mark.parametrize(
    "typed",
    [
        "2024-03-31", "2024/03/31", "2024/3/31", "31.03.2024", "31.3.2024", "31/3/2024", "3/31/2024", "31-03-2024",
        "31 Mar 2024", "31. March 2024", "Mar 31, 2024", "march 31st 2024", "31 de marzo de 2024", "31.3.24",
    ],
)  # fmt: skip
def test_a_day_may_be_typed_in_any_spelling(typed: str) -> None:
    found = beginnings(typed)
    assert len(found) == 1
    assert found[0][0] == "2024-03-31"


def test_a_day_stands_for_every_day_it_could_mean() -> None:
    assert beginnings("1/3/2024") == [("2024-03-01", "2024-01-03")]
    assert beginnings("1.3.2024") == [("2024-03-01",)]
    assert beginnings("31.1.70") == [("2070-01-31", "1970-01-31")]
    assert beginnings("20240301") == [("20240301", "2024-03-01")]
    assert beginnings("3/2024") == beginnings("March 2024") == [("2024-03",)]
    assert beginnings("30/30/2024 doe") == [("30/30/2024",), ("doe",)]
    assert beginnings("doe 1 mar 2024 jane") == [("2024-03-01",), ("doe",), ("jane",)]


def test_what_is_typed_has_an_end() -> None:
    assert len(read_words(" ".join(f"w{n}" for n in range(100)))) == MOST_WORDS
    assert beginnings("x" * 300) == [("x" * 64,)]


@pytest.mark.parametrize(
    ("beginning", "first", "last"),
    [
        ("2024-03-31", date(2024, 3, 31), date(2024, 3, 31)), ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2024", date(2024, 1, 1), date(2024, 12, 31)), ("2024-0", date(2024, 1, 1), date(2024, 9, 30)),
        ("2024-1", date(2024, 10, 1), date(2024, 12, 31)), ("2024-", date(2024, 1, 1), date(2024, 12, 31)),
        ("2024-03-", date(2024, 3, 1), date(2024, 3, 31)), ("2", date(2000, 1, 1), date(2999, 12, 31)),
        ("0", date(1, 1, 1), date(999, 12, 31)),
    ],
)  # fmt: skip
def test_the_beginning_of_a_date_is_a_range_of_days(beginning: str, first: date, last: date) -> None:
    assert days_that_begin(beginning) == (first, last)


@pytest.mark.parametrize("beginning", ["", "x", "20240301", "2024-13", "2024-02-30", "20-1", "0000", "2024-03-31-"])
def test_what_begins_no_date_is_no_range(beginning: str) -> None:
    assert days_that_begin(beginning) is None


def test_tokens_are_whole_words_and_their_parts() -> None:
    assert list_tokens("Knie li/re (T1-TSE)")[:4] == ["knie", "li/re", "li", "re"]
    assert {"(t1-tse)", "t1", "tse"} <= set(list_tokens("Knie li/re (T1-TSE)"))
    assert list_id_tokens("P-00120") == ["p-00120", "p", "00120", "120"]
    assert "7" in list_id_tokens("PAT007")
