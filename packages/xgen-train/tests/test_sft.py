"""`xgen train sft` and `xgen train prompt`, through the commands."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from xgen_core import ChatTemplate, Example, Message, XgenError
from xgen_core.codec import decode
from xgen_core.files import write_json, write_jsonl
from xgen_core.lm import open as opening
from xgen_core.testing import ByteTokenizer
from xgen_data import TokenStore
from xgen_model import CheckpointStore, Lora, ModelConfig, create
from xgen_model.arrays import leaf_names
from xgen_train import TrainRecipe
from xgen_train.cli import train
from xgen_train.tuning import Tuning

CHAT = ChatTemplate(
    name="test",
    prefixes={"user": "Q", "assistant": "A"},
    suffixes={"user": "\n", "assistant": "<|endoftext|>"},
    generation_prompt="A",
)
MODEL = ModelConfig(
    vocab_size=257,
    n_tokens=257,
    d_model=16,
    n_layers=1,
    n_heads=2,
    n_kv_heads=2,
    d_ff=32,
    context_length=32,
)
SHORT = ["--length", "24", "--batch", "8", "--set", "optimizer.learning_rate=1e-2"]


def examples(word: str, count: int) -> list[Example]:
    """Whatever is asked, the answer is one word."""
    return [
        Example(
            id=f"{word}{i}",
            messages=(
                Message(role="user", content=f"{i:02d}?"),
                Message(role="assistant", content=word, trained=True),
            ),
        )
        for i in range(count)
    ]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with its tokenizer, a template, and two tasks with held-out examples."""
    place = tmp_path_factory.mktemp("sft")
    tokenizer = ByteTokenizer()
    tokenizer.save(place / "tokenizer")
    store = CheckpointStore.create(
        place / "base",
        MODEL,
        tokenizer=place / "tokenizer",
        tokenizer_fingerprint=tokenizer.fingerprint,
    )
    store.save(0, create(MODEL, 0))
    write_json(place / "chat.json", CHAT.to_json())
    for word in ("yes", "no"):
        write_jsonl(place / f"{word}.jsonl", [e.to_json() for e in examples(word, 40)])
        held_out = [e.to_json() for e in examples(word, 60)[40:]]
        write_jsonl(place / f"{word}-held.jsonl", held_out)
    return place


@pytest.fixture(autouse=True)
def _bytes_wherever_a_tokenizer_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    real = opening.load

    def load(group: str, name: str) -> object:
        # xgen-tokenizer is not a dependency: stand in for the entry points it provides
        return (lambda rest: ByteTokenizer()) if group == "xgen.tokenizers" else real(group, name)

    monkeypatch.setattr(opening, "load", load)


def tune(place: Path, command: str, output: str, *arguments: str) -> Result:
    base = ["--from", str(place / "base"), "--template", str(place / "chat.json")]
    return CliRunner().invoke(
        train, [command, *arguments, *base, "-o", str(place / output), *SHORT]
    )


def two(place: Path) -> list[str]:
    """Two tasks to train, with what is held out of them."""
    held_out = [f"--held-out={word}={place / word}-held.jsonl" for word in ("yes", "no")]
    return [*(f"{word}={place / word}.jsonl" for word in ("yes", "no")), *held_out]


def rows(run: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def changed(before: Path, after: Path) -> set[str]:
    """Names of parameters that are not what they were; those that are new count too."""
    found = {}
    for path in (before, after):
        params = CheckpointStore(path).restore_params()
        names, leaves, _ = leaf_names(params)
        found[path] = dict(zip(names, map(np.asarray, leaves), strict=True))
    old, new = found.values()
    return {n for n, x in new.items() if n not in old or not np.array_equal(old[n], x)}


def test_tuning_learns_answers_task_by_task_and_the_same_command_changes_nothing(
    place: Path,
) -> None:
    done = tune(place, "sft", "full", *two(place), "--epochs", "6")
    assert done.exit_code == 0, done.output
    run = place / "full"
    steps = [row for row in rows(run) if "gradient_norm" in row]
    assert set(steps[0]["sources"]) == {"yes", "no"}
    held_out = [row["heldout"] for row in rows(run) if "heldout" in row]
    for task in ("yes", "no"):
        assert held_out[-1][task]["loss"] < held_out[0][task]["loss"]
        assert "bits_per_byte" not in held_out[-1][task]
    recipe = json.loads((run / "run.json").read_text())["recipe"]
    assert recipe["start"] == str(place / "base")
    assert recipe["trained"] == ["all"]
    section = json.loads((run / "sections" / "15-tuning.json").read_text())
    assert section["title"] == "Before and after"
    assert len(section["blocks"][-1]["items"]) == 3
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    again = tune(place, "sft", "full", *two(place), "--epochs", "6")
    assert again.exit_code == 0, again.output
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before


def test_an_interrupted_tuning_ends_the_same_and_measures_a_task_that_it_never_sees(
    place: Path, tmp_path: Path
) -> None:
    write_jsonl(place / "maybe.jsonl", [e.to_json() for e in examples("maybe", 10)])
    arguments = [*two(place), f"--held-out=maybe={place / 'maybe.jsonl'}", "--epochs", "4"]
    arguments += ["--samples", "0", "--set", "keep_last=9"]
    done = tune(place, "sft", "whole", *arguments)
    assert done.exit_code == 0, done.output
    whole = place / "whole"
    assert {"yes", "no", "maybe"} == set(rows(whole)[-1]["heldout"])
    steps = CheckpointStore(whole / "checkpoints").steps()
    assert len(steps) > 2
    shutil.copytree(whole, place / "cut")
    for step in steps[1:]:  # as if the process had died after the first epoch
        shutil.rmtree(place / "cut" / "checkpoints" / str(step))
    with (place / "cut" / "metrics.jsonl").open("a") as log:
        log.write('{"step": 99, "lo')
    # the store that the recipe names is where it was
    data = ["--cache", str(whole / "data")]
    again = tune(place, "sft", "cut", *arguments, *data)
    assert again.exit_code == 0, again.output
    assert (place / "cut" / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()


def test_the_loss_is_on_answers_and_no_example_is_cut(place: Path) -> None:
    done = tune(place, "sft", "rows", str(place / "yes.jsonl"), "--epochs", "0.4", "--samples", "0")
    assert done.exit_code == 0, done.output
    line = TokenStore.open(place / "rows" / "data" / "store").line("train", "yes")
    ids = np.asarray(line.read(0, line.tokens))
    mask = np.asarray(line.read_mask(0, line.tokens))
    assert ids[mask > 0].tolist() == [*b"yes", 256] * 40  # the end of an answer too
    for start in range(0, line.tokens - 1, 24):  # a row holds whole examples
        row = ids[start : start + 24]
        assert row[0] in (ord("Q"), 256)
        assert row[-1] == 256


_LORA = {"query.lora_a", "query.lora_b", "mlp.up.lora_a", "mlp.up.lora_b"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--lora", "rank=2,targets=query+up"], _LORA),
        (["--train", "qkv"], {"query.kernel", "key.kernel", "value.kernel"}),
    ],
)
def test_a_part_is_trained_and_the_rest_stays_bit_for_bit(
    place: Path, arguments: list[str], expected: set[str]
) -> None:
    output = arguments[1].partition("=")[0]
    done = tune(place, "sft", output, *two(place)[:2], "--samples", "0", *arguments)
    assert done.exit_code == 0, done.output
    moved = changed(place / "base", place / output / "checkpoints")
    assert {n.removeprefix("layers.").removeprefix("attention.") for n in moved} == expected
    if "--lora" in arguments:
        params = CheckpointStore(place / output / "checkpoints").restore_params()
        learnt = params["layers"]["attention"]["query"]["lora_b"]
        assert np.abs(np.asarray(learnt)).max() > 0  # it begins as zeros


def test_each_task_has_a_soft_prompt_of_its_own_over_one_frozen_model(place: Path) -> None:
    done = tune(place, "prompt", "prompts", *two(place), "--tokens", "3", "--epochs", "6")
    assert done.exit_code == 0, done.output
    run = place / "prompts"
    assert changed(place / "base", run / "checkpoints") == {"soft_prompt"}
    held_out = [row["heldout"] for row in rows(run) if "heldout" in row]
    for task in ("yes", "no"):
        assert held_out[-1][task]["loss"] < held_out[0][task]["loss"]
        assert (run / "prompts" / task / "adapter_config.json").is_file()
    store = TokenStore.open(run / "data" / "store")
    for task, first in (("no", 257), ("yes", 260)):
        line = store.line("train", task)
        ids = np.asarray(line.read(0, line.tokens))
        assert set(ids[ids > 256].tolist()) == {first, first + 1, first + 2}


def test_show_prints_the_resolved_recipe_and_trains_nothing(place: Path) -> None:
    done = tune(place, "sft", "shown", str(place / "yes.jsonl"), "--show", "--epochs", "2")
    assert done.exit_code == 0, done.output
    recipe = decode(TrainRecipe, json.loads(done.stdout))
    assert recipe.optimizer.warmup_steps == 2
    assert recipe.stages[0].sequence_length == 24
    assert not (place / "shown" / "checkpoints").exists()


def test_what_is_longer_than_a_row_is_left_out_and_counted(place: Path) -> None:
    long = Example(
        id="long",
        messages=(
            Message(role="user", content="x" * 60),
            Message(role="assistant", content="y", trained=True),
        ),
    )
    write_jsonl(place / "mixed.jsonl", [e.to_json() for e in (*examples("yes", 8), long)])
    done = tune(place, "sft", "mixed", str(place / "mixed.jsonl"), "--show")
    assert done.exit_code == 0, done.output
    assert "left out 1: longer than 24 tokens (mixed)" in done.stderr


@pytest.mark.parametrize(
    ("lines", "arguments", "message"),
    [
        (['{"surprise": 1}'], [], "form"),
        (
            ['{"id": "a", "messages": [{"role": "user", "content": "hi"}]}'],
            [],
            "no answer to learn",
        ),
        (['{"id": "a"'], [], "JSON"),
        ([examples("yes", 1)[0].to_json()], ["--lora", "rang=2"], "rang"),
        ([examples("yes", 1)[0].to_json()], ["--train", "layers.nose"], "layers.nose"),
        ([examples("yes", 1)[0].to_json()], ["--weight", "other=1"], "other"),
        ([examples("yes", 1)[0].to_json()], ["--set", "epoch=1"], "epoch"),
    ],
)
def test_a_mistake_is_one_clear_line(
    place: Path, tmp_path: Path, lines: list[object], arguments: list[str], message: str
) -> None:
    text = "".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines)
    (tmp_path / "set.jsonl").write_text(text)
    options = [
        *("sft", str(tmp_path / "set.jsonl"), "--from", str(place / "base"), *arguments),
        *("--template", str(place / "chat.json"), "-o", str(tmp_path / "run"), "--length", "24"),
    ]
    done = CliRunner().invoke(train, options)
    assert isinstance(done.exception, XgenError), done.output
    assert message in str(done.exception)
    assert "\n" not in str(done.exception)
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_directory_is_measured_on_what_it_holds_out_and_nothing_is_named_twice(
    place: Path, tmp_path: Path
) -> None:
    directory = tmp_path / "yes"
    directory.mkdir()
    write_jsonl(directory / "train.jsonl", [e.to_json() for e in examples("yes", 8)])
    write_jsonl(directory / "validation.jsonl", [e.to_json() for e in examples("yes", 12)[8:]])
    done = tune(place, "sft", "held", str(place / "no.jsonl"), f"--held-out={directory}", "--show")
    assert done.exit_code == 0, done.output
    file = place / "held" / "data" / "examples" / "validation" / "yes.jsonl"
    assert len(file.read_text().splitlines()) == 4
    for option in ("--held-out=a={0}", "--weight=no=1", "--task-prompt=no=x"):
        twice = [option.format(place / "yes.jsonl")] * 2
        done = tune(place, "sft", "twice", str(place / "no.jsonl"), *twice)
        assert "twice" in str(done.exception)


def test_tasks_that_would_share_a_directory_are_refused(place: Path, tmp_path: Path) -> None:
    found = [
        dataclasses.replace(e, task=t)
        for e, t in zip(examples("yes", 2), ("a b", "a-b"), strict=True)
    ]
    write_jsonl(tmp_path / "set.jsonl", [e.to_json() for e in found])
    done = tune(place, "sft", "shared", str(tmp_path / "set.jsonl"), "--by-task")
    assert "tasks 'a b' and 'a-b' would share the directory a-b" in str(done.exception)


def test_adapters_are_trained_whatever_else_is(place: Path) -> None:
    tuning = Tuning(start="x", trained=("qkv",), lora=Lora(rank=2))
    assert tuning.selection == ("qkv", "lora")
    assert Tuning(start="x").selection == ("all",)


def test_two_sets_of_one_name_and_a_missing_template_are_refused(
    place: Path, tmp_path: Path
) -> None:
    twice = tune(place, "sft", "twice", str(place / "yes.jsonl"), f"yes={place / 'no.jsonl'}")
    assert "two sets are named 'yes'" in str(twice.exception)
    bare = CliRunner().invoke(
        train,
        ["sft", str(place / "yes.jsonl"), "--from", str(place / "base"), "-o", str(tmp_path / "r")],
    )
    assert "no chat template" in str(bare.exception)
