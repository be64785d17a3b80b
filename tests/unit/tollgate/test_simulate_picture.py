"""The picture and the tables of a simulation."""

from io import StringIO
from xml.etree import ElementTree as ET

from rich.console import Console

from tollgate.what_if.difference import Amounts, Difference, LineKey, Unrated, UnratedKey
from tollgate.what_if.picture import MAX_CUSTOMERS, draw
from tollgate.what_if.tables import line_table, meter_table, sentences

UNIT = 10**12
SVG = "{http://www.w3.org/2000/svg}"


def difference(*lines: tuple[str, str, int, int]) -> Difference:
    found = Difference(1_793_491_200_000, 1_796_083_200_000)
    for customer, meter, before, after in lines:
        found.lines[LineKey(customer, meter, "USD")] = Amounts(before * UNIT, after * UNIT, 10, 10)
    return found


def texts(svg: str) -> list[str]:
    return [one.text or "" for one in ET.fromstring(svg).iter(f"{SVG}text")]


def bars(svg: str, color: str) -> list[int]:
    return [int(one.get("width", "")) for one in ET.fromstring(svg).iter(f"{SVG}rect") if one.get("fill") == color]


def test_the_picture_says_what_is_compared_and_the_totals() -> None:
    found = difference(("zoe", "sms", 1000, 1500), ("acme", "sms", 1000, 900), ("eve", "sms", 1, 1))
    found.versions.add(("b", 1))
    said = texts(draw(found, "b@2", "USD"))
    assert "b@2 (draft) instead of b@1" in said
    assert "Usage from 2026-11-01T00:00:00Z to 2026-12-01T00:00:00Z" in said
    assert "2,001.00 becomes 2,401.00 USD: +400.00 (+19.99 %)" in said
    assert "1 customer would pay more, 1 less, 1 the same" in said
    assert "+500.00 (+50.00 %)" in said
    assert "-100.00 (-10.00 %)" in said


def test_bars_are_as_long_as_what_they_show() -> None:
    svg = draw(difference(("zoe", "sms", 100, 200), ("zoe", "mms", 50, 0)), "b@2", "USD")
    assert bars(svg, "#9aa5b4") == [12, 235, 117]  # the legend, then sms and mms: 200 is 470 pixels
    assert bars(svg, "#1f5fbf") == [12, 470, 0]


def test_who_pays_more_and_who_pays_less_differ_in_color_and_side() -> None:
    svg = draw(difference(("zoe", "sms", 0, 40), ("acme", "sms", 30, 10)), "b@2", "USD")
    more = next(one for one in ET.fromstring(svg).iter(f"{SVG}rect") if one.get("fill") == "#c2540a")
    less = next(one for one in ET.fromstring(svg).iter(f"{SVG}rect") if one.get("fill") == "#0f766e")
    assert (int(more.get("width", "")), int(less.get("width", ""))) == (180, 90)
    assert int(less.get("x", "")) + int(less.get("width", "")) == int(more.get("x", ""))


def test_strangers_names_are_escaped_and_cut() -> None:
    said = texts(draw(difference(("a" * 100, "<&>", 1, 2)), "b@2", "USD"))
    assert "<&>" in said
    assert "a" * 25 + "…" in said


def test_what_does_not_fit_is_said() -> None:
    found = difference(*((f"c{number:02d}", "sms", 1, 2 + number) for number in range(MAX_CUSTOMERS + 3)))
    found.no_longer_rated[UnratedKey("fax", "UNKNOWN_METER", "USD")] = Unrated("b@2 has no meter 'fax'", 3, 9, UNIT)
    found.lines[LineKey("jo", "sms", "JPY")] = Amounts(5, 5)
    said = texts(draw(found, "b@2", "USD"))
    assert "3 further customers with smaller differences: see the table." in said
    assert "3 events could no longer be rated." in said
    assert "Not in the picture: what is charged in JPY." in said


def test_everything_is_inside_the_picture() -> None:
    found = difference(*((f"c{number:02d}", f"m{number:02d}", 9**9, 2 + number) for number in range(40)))
    tree = ET.fromstring(draw(found, "b@2", "USD"))
    width, height = int(tree.get("width", "")), int(tree.get("height", ""))
    for one in tree.iter(f"{SVG}text"):
        assert 0 <= int(one.get("x", "")) <= width
        assert 0 < int(one.get("y", "")) < height


def test_nothing_to_show_is_a_picture_as_well() -> None:
    assert "nobody pays more or less" in texts(draw(difference(), "b@2", "USD"))


def test_percentages_are_exact_and_half_to_even() -> None:
    assert [Amounts(800, after).percent for after in (801, 803, 800, 0, 1600)] == [
        "+0.12", "+0.38", "0.00", "-100.00", "+100.00"
    ]  # fmt: skip
    assert Amounts(0, 5).percent == ""


def printed(found: Difference) -> str:
    file = StringIO()
    console = Console(width=120, file=file)
    console.print(line_table(found.largest_first()))
    console.print(meter_table(found))
    return file.getvalue()


def test_the_tables_show_lines_meters_and_the_total() -> None:
    shown = [line.split() for line in printed(difference(("zoe", "sms", 2, 3), ("acme", "mms", 4, 9))).splitlines()]
    assert ["acme", "mms", "10", "4", "9", "+5", "USD", "+125.00"] in shown
    assert ["sms", "10", "2", "3", "+1", "USD", "+50.00"] in shown
    assert ["total", "USD", "6", "12", "+6", "USD", "+100.00"] in shown


def test_what_could_not_be_rated_is_a_sentence() -> None:
    found = difference(("zoe", "sms", 2, 3))
    found.no_longer_rated[UnratedKey("fax", "UNKNOWN_METER", "USD")] = Unrated("b@2 has no meter 'fax'", 3, 9, UNIT)
    found.rated_by_neither["TOO_OLD"] = 2
    assert list(sentences(found)) == [
        "1 customer would pay more, 0 less, 0 the same (USD).",
        "No longer rated: 3 events of fax (9 units, cost 1 USD), UNKNOWN_METER: b@2 has no meter 'fax'.",
        "Rated on neither side: TOO_OLD 2.",
    ]
