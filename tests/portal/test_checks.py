"""The system checks refuse combinations that would be unsafe where real patients are."""

import pytest

from portal import checks


@pytest.mark.parametrize(
    ("version", "patched"),
    [("1.10.1", False), ("1.12.7", False), ("1.12.10", False), ("1.12.11", True), ("1.13.0", True), ("mainline", True)],
)
def test_a_node_without_the_fixes_is_refused_outside_the_demo(
    version: str, patched: bool, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "list_node_versions", lambda: [version, version])

    settings.DEMO = False
    assert [error.id for error in checks.check_orthancs_are_patched(None)] == ([] if patched else ["collimate.E004"])

    settings.DEMO = True
    assert checks.check_orthancs_are_patched(None) == []


@pytest.mark.parametrize(("origin", "safe"), [("http://127.0.0.1:8000", True), ("https://pacs.example", False)])
def test_the_demo_runs_only_on_this_machine(origin: str, safe: bool, settings: object) -> None:
    settings.DEMO, settings.ORIGIN = True, origin

    assert (checks.check_demo_is_local(None) == []) is safe


@pytest.mark.parametrize(
    ("origin", "safe"),
    [("http://localhost:8000", True), ("https://pacs.example", True), ("http://pacs.example", False)],
)
def test_only_this_machine_is_spoken_to_in_the_clear(origin: str, safe: bool, settings: object) -> None:
    settings.ORIGIN, settings.OVER_TLS = origin, origin.startswith("https")

    assert (checks.check_origin_is_encrypted(None) == []) is safe


def test_debug_pages_are_refused_outside_the_demo(settings: object) -> None:
    settings.DEBUG, settings.DEMO = True, False

    assert checks.check_debug_is_off(None)
