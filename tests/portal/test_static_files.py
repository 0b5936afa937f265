"""The one style sheet of every page."""

from pathlib import Path

from portal.static_files import joined

CSS = Path(__file__).resolve().parents[2] / "static" / "css"


def test_the_sheet_holds_what_it_imports_each_in_its_layer() -> None:
    sheet = joined(CSS / "app.css")

    assert "@import" not in sheet
    assert sheet.count("{") == sheet.count("}")
    for name in ("tokens", "base", "layout", "controls", "data", "feedback", "utilities", "modes"):
        assert f"@layer {name} {{\n{(CSS / f'{name}.css').read_text()}}}" in sheet


def test_the_order_of_layers_comes_first() -> None:
    """Whoever joins them otherwise changes which rule wins."""
    rules = [line for line in joined(CSS / "app.css").splitlines() if line.startswith("@layer")]

    assert rules[0].endswith(";")
