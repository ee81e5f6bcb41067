import io
import time

import pytest

from xgen_core.progress import Progress, clock, track


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def later(monkeypatch):
    """A clock that a test moves by hand."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def move(seconds):
        now[0] += seconds

    return move


def test_short_work_shows_nothing(later):
    stream = Terminal()
    with Progress("read", 3, stream=stream) as progress:
        for _ in range(3):
            later(0.5)
            progress.advance()
    assert stream.getvalue() == ""


def test_a_terminal_redraws_one_line_and_clears_it(later):
    stream = Terminal()
    with Progress("read", 100, unit="docs", stream=stream) as progress:
        for _ in range(5):
            later(1)
            progress.advance(10, note="loss 2.5")
    shown = stream.getvalue()
    assert "\n" not in shown
    assert "read 30/100 30% 10 docs/s 0:07 left  loss 2.5" in shown
    assert shown.endswith("\r\x1b[K")


def test_a_log_gets_a_line_every_ten_seconds(later):
    stream = io.StringIO()
    with Progress("read", stream=stream) as progress:
        for _ in range(30):
            later(1)
            progress.advance(5000)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0] == "read 15000 5,000 items/s"


def test_units_done_before_count_for_the_bar_only(later):
    stream = io.StringIO()
    with Progress("train", 1000, start=500, stream=stream) as progress:
        later(10)
        progress.advance(100)
    assert stream.getvalue() == "train 600/1000 60% 10 items/s 0:40 left\n"


def test_track_passes_items_on(capsys):
    assert list(track("abc", "read", 3)) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (75, "1:15"), (3675, "1:01:15"), (59.6, "1:00")]
)
def test_clock(seconds, text):
    assert clock(seconds) == text
