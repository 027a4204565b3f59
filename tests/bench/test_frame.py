"""Tables and numbers of measurements, and the page they are written to."""

from pathlib import Path

import pytest

from bench import __main__ as bench
from bench.frame import Table, median, milliseconds, percentile, ratio


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_percentiles_are_values_that_were_measured(share: float, expected: int) -> None:
    assert percentile(range(100, 0, -1), share) == expected


def test_nothing_measured_is_no_number() -> None:
    assert str(percentile([], 0.5)) == str(median([])) == "nan"
    assert ratio(1, 0) == "–"


def test_milliseconds_have_decimals_while_they_matter() -> None:
    assert [milliseconds(seconds) for seconds in (0.00123, 0.0999, 1.5)] == ["1.23", "99.90", "1,500"]


def test_a_table_reads_as_plain_text_and_as_markdown() -> None:
    table = Table("Title", ["what", "a second"], [["create", "1,000"], ["get", "5"]], notes="A note.")
    assert table.markdown() == (
        "**Title**\n\n"
        "| what   | a second |\n"
        "| ------ | -------: |\n"
        "| create |    1,000 |\n"
        "| get    |        5 |\n"
        "\nA note.\n"
    )


def test_a_run_replaces_its_own_part_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- bench one -->\nold\n<!-- end -->\nb\n<!-- bench two -->\nkept\n<!-- end -->\n")
    bench.write(page, "one", "new \\1\n")
    assert page.read_text() == (
        "a\n<!-- bench one -->\nnew \\1\n<!-- end -->\nb\n<!-- bench two -->\nkept\n<!-- end -->\n"
    )


def test_a_page_without_a_place_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    with pytest.raises(SystemExit, match="no place for one"):
        bench.write(page, "one", "new\n")


def test_the_page_in_the_repository_has_a_place_for_every_measurement() -> None:
    page = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text()
    for name in bench.MEASUREMENTS:
        assert f"<!-- bench {name} -->" in page
