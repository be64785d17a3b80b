"""The view: exactly one terminal, nothing wrapped, and the right figures in it."""

import pytest
from rich.console import Console

from tests.unit.tollgate.demo.some_figures import NOW, some_figures
from tollgate.demo.figures import Figures
from tollgate.demo.view import money_text, size_text, view


def lines(figures: Figures, width: int, height: int, *, keys: bool = True) -> list[str]:
    console = Console(width=width, height=height, color_system=None, force_terminal=True)
    with console.capture() as capture:
        console.print(view(figures, NOW, width, height, keys=keys))
    return capture.get().rstrip("\n").split("\n")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (120, 40)])
@pytest.mark.parametrize("figures", [Figures(begun=NOW), some_figures(), some_figures(2)])
def test_it_fits_the_terminal_and_keeps_its_height(figures: Figures, width: int, height: int) -> None:
    shown = lines(figures, width, height)
    assert max(map(len, shown)) == width
    assert len(shown) == min(height, 35)


def test_every_part_begins_where_it_should_at_80_columns() -> None:
    shown = lines(some_figures(), 80, 24)
    assert shown[0].startswith("Tollgate  66:40")
    assert [line[2:9].strip() for line in shown[2:6]] == ["sent", "billed", "lag", "latency"]
    assert "who owes most, USD" in shown[7]
    assert shown[-5].startswith("checkpoint 12345:")
    assert shown[-1].startswith("+ - load   k kill a TaskManager   r kill Redis   q end")


def test_it_shows_what_was_found() -> None:
    text = "\n".join(lines(some_figures(), 120, 40))
    for expected in ("RESTARTING", "1,234,567.1235", "CONFLICTING_DUPLICATE", "329.6 MiB", "12 restarts", "19,600/s"):
        assert expected in text


def test_a_dead_task_manager_looks_different() -> None:
    assert "● ○ ●" in "\n".join(lines(some_figures(), 80, 24))


def test_a_redis_that_is_away_is_said_so() -> None:
    figures = some_figures()
    figures.redis_answers = False
    assert "Redis is away: billing goes on" in "\n".join(lines(figures, 80, 24))


def test_a_kafka_that_is_away_is_said_so() -> None:
    figures = some_figures()
    figures.kafka_answers = False
    assert "Kafka is away: as last seen" in "\n".join(lines(figures, 80, 24))


def test_without_a_keyboard_no_keys_are_offered() -> None:
    assert lines(some_figures(), 80, 24, keys=False)[-1].startswith("Ctrl-C ends")


def test_money_is_cut_for_the_picture() -> None:
    assert money_text("1234.567891") == "1,234.5679"
    assert money_text("") == "0.0000"


def test_sizes_have_units() -> None:
    assert (size_text(2048), size_text(3 * 2**20)) == ("2 KiB", "3.0 MiB")
