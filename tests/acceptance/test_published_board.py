"""The published registry's AlpacaEval column beside the board of its authors."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from xgen_eval.published import find_table

BOARD = {
    "GPT-4": "gpt4",
    "Wizardlm-13b": "wizardlm-13b",
    "Guanaco-65b": "guanaco-65b",
    "Vicuna-13b": "vicuna-13b",
    "OAsst-rlhf-llama-33b": "oasst-rlhf-llama-33b",
    "Vicuna-7b": "vicuna-7b",
    "text-davinci-003": "text_davinci_003",
    "Falcon-40b-instruct": "falcon-40b-instruct",
    "Alpaca-farm-ppo-human": "alpaca-farm-ppo-human",
    "Alpaca-7b": "alpaca-7b",
    "text_davinci-001": "text_davinci_001",
}


def test_rows_equal_the_board_and_binomial_errors_are_close_to_its_own(data: Path) -> None:
    path = data / "eval/alpaca_eval/data_AlpacaEval_alpaca_eval_gpt4_leaderboard.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        board = {row[""]: row for row in csv.DictReader(lines)}
    table = find_table("alpaca_eval")
    for model, name in BOARD.items():
        (entry,) = table.of(model)
        assert entry.value == pytest.approx(float(board[name]["win_rate"]), abs=0.051)
        error = float(board[name]["standard_error"])
        if error:  # the baseline against itself has none
            assert error <= entry.stderr * 1.002
            assert error > 0.9 * entry.stderr


def test_the_doubted_rows_are_what_the_notes_say(data: Path) -> None:
    path = data / "eval/alpaca_eval/data_AlpacaEval_alpaca_eval_gpt4_leaderboard.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        board = {row.pop(""): row for row in csv.DictReader(lines)}
    falcons = [board[f"falcon-{size}b-instruct"] for size in (40, 7)]
    lengths = [row.pop("avg_length") for row in falcons]
    assert falcons[0] == falcons[1]
    assert lengths[0] != lengths[1]
    assert float(board["claude"]["win_rate"]) == pytest.approx(91.55, abs=0.01)
