import dataclasses
import json
import math
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner

from xgen_core import ChatTemplate, InputError, Message, Preference, RecipeError, Run
from xgen_core.files import write_jsonl
from xgen_core.report import Section
from xgen_core.testing import ByteTokenizer
from xgen_model import CheckpointStore, Lora, ModelConfig, create, row_losses
from xgen_train import DpoRecipe, OptimizerRecipe, PreferenceOptimisation, train_dpo
from xgen_train.cli import train
from xgen_train.epochs import Epochs
from xgen_train.preference.feed import pair_batch
from xgen_train.preference.objective import preference_loss
from xgen_train.preference.pairs import Pairs, encode_pairs
from xgen_train.preference.reference import Reference

LN2, LN3 = math.log(2), math.log(3)
BYTES = ByteTokenizer(bos=True)
CHAT = ChatTemplate(
    name="test",
    prefixes={"user": "Q: ", "assistant": "A:"},
    suffixes={"user": "\n", "assistant": "<|endoftext|>"},
    generation_prompt="A:",
)
MODEL = ModelConfig(
    vocab_size=257,
    n_tokens=257,
    d_model=16,
    n_layers=1,
    n_heads=2,
    n_kv_heads=2,
    d_ff=32,
    context_length=64,
)


def planted(count: int = 10) -> list[Preference]:
    """Answers in capitals are preferred to the same in small letters."""
    words = ("yes", "never", "of course", "maybe not", "a b c")
    return [
        Preference(
            id=f"p{i}",
            prompt=(Message(role="user", content=f"question {i}?"),),
            chosen=words[i % 5].upper(),
            rejected=words[i % 5],
        )
        for i in range(count)
    ]


def encoded(count: int = 10, **settings: float) -> Pairs:
    return encode_pairs(planted(count), CHAT, BYTES, max_tokens=64, **settings)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = CheckpointStore.create(tmp_path_factory.mktemp("start") / "model", MODEL)
    store.save(0, create(MODEL, 0))
    return store.directory


@pytest.fixture
def recipe(start: Path, tmp_path: Path) -> DpoRecipe:
    write_jsonl(tmp_path / "pairs.jsonl", (p.to_json() for p in planted()))
    write_jsonl(tmp_path / "chat.json", [CHAT.to_json()])
    return DpoRecipe(
        model=MODEL,
        start=str(start),
        pairs=str(tmp_path / "pairs.jsonl"),
        template=str(tmp_path / "chat.json"),
        sequence_length=64,
        batch_pairs=4,
        epochs=4,
        optimizer=OptimizerRecipe(learning_rate=5e-3, warmup_steps=0, schedule="constant"),
        checkpoint_every=4,
        evaluate_every=5,
    )


def metrics(run: Path, key: str = "margin") -> list[dict]:
    return [row for row in Run.open(run).metrics.rows() if key in row]


def test_loss_and_gradient_are_those_worked_out_by_hand() -> None:
    # β 0.5, and margins for which e^(-β m) is 1, 1/3 and 3:
    #   loss = ln(1 + e^(-β m)) = ln 2, ln 4/3, ln 4
    #   d loss / d margin = -β / (1 + e^(β m)) = -1/4, -1/8, -3/8
    # and the margin is (π - ref)(chosen) - (π - ref)(rejected)
    chosen = jnp.asarray([-7.0, -3.0, -5.0 - 2 * LN3])
    rejected = jnp.asarray([-9.0, -4.0 - 2 * LN3, -6.0])
    reference = (jnp.asarray([-8.0, -3.5, -5.5]), jnp.asarray([-10.0, -4.5, -6.5]))

    def losses(chosen: jax.Array, rejected: jax.Array) -> jax.Array:
        margin = (chosen - reference[0]) - (rejected - reference[1])
        return preference_loss(margin, loss="dpo", beta=0.5)

    np.testing.assert_allclose(
        losses(chosen, rejected), [LN2, math.log(4 / 3), math.log(4)], rtol=1e-6
    )
    both = jax.grad(lambda c, r: losses(c, r).sum(), argnums=(0, 1))(chosen, rejected)
    np.testing.assert_allclose(both[0], [-1 / 4, -1 / 8, -3 / 8], rtol=1e-6)
    np.testing.assert_allclose(both[1], [1 / 4, 1 / 8, 3 / 8], rtol=1e-6)


def test_variants_by_hand() -> None:
    margin = jnp.asarray([0.0, 2 * LN3])
    smooth = preference_loss(margin, loss="dpo", beta=0.5, label_smoothing=0.25)
    expected = [LN2, 0.75 * math.log(4 / 3) + 0.25 * math.log(4)]
    np.testing.assert_allclose(smooth, expected, rtol=1e-6)
    # the squared distance from 1 / (2 β) = 2
    ipo = preference_loss(jnp.asarray([0.0, 2.0, 5.0]), loss="ipo", beta=0.25)
    np.testing.assert_allclose(ipo, [4.0, 0.0, 9.0], rtol=1e-6)


def test_the_gradient_of_a_batch_is_the_sides_gradients_weighted_by_hand() -> None:
    pairs = encoded(3)
    params = create(MODEL, 1)
    reference = Reference(
        np.asarray([-30.0, -40.0, -90.0], np.float32), np.asarray([-25.0, -60.0, -70.0], np.float32)
    )
    batch = pair_batch(MODEL, pairs.trained, reference, rows=4, width=64)  # one row is a filler
    objective = PreferenceOptimisation(config=MODEL, loss="dpo", beta=0.1)

    def loss(params: dict) -> jax.Array:
        return objective.sums(params, batch).total / objective.weight(batch)

    @jax.jit
    def sides(params: dict) -> jax.Array:
        found = [row_losses(MODEL, params, b).nll for b in (batch.chosen, batch.rejected)]
        return -jnp.stack(found, axis=1)[:3]

    logprobs = np.asarray(sides(params), np.float64)
    margin = np.diff(np.stack(reference, 1) - logprobs)[:, 0]
    factor = np.float32(-0.1 / (1 + np.exp(0.1 * margin)) / 3)
    weights = jnp.asarray(np.stack([factor, -factor], 1))
    by_hand = jax.jit(jax.grad(lambda p: jnp.sum(weights * sides(p))))(params)
    value, gradient = jax.jit(jax.value_and_grad(loss))(params)
    assert float(value) == pytest.approx(np.log1p(np.exp(-0.1 * margin)).mean(), rel=1e-5)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-6), gradient, by_hand
    )
    # and the loss moves as the gradient says
    step = 1e-2 / float(jnp.sqrt(sum(jnp.sum(g**2) for g in jax.tree.leaves(gradient))))
    lower = float(jax.jit(loss)(jax.tree.map(lambda p, g: p - step * g, params, gradient)))
    higher = float(jax.jit(loss)(jax.tree.map(lambda p, g: p + step * g, params, gradient)))
    slope = sum(float(jnp.sum(g**2)) for g in jax.tree.leaves(gradient))
    assert (higher - lower) / (2 * step) == pytest.approx(slope, rel=2e-2)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def finished(shared: Path, recipe: DpoRecipe) -> tuple[Path, DpoRecipe]:
    """A run to its end; the second time it is there already."""
    kept = {
        "pairs": shutil.copy(recipe.pairs, shared),
        "template": shutil.copy(recipe.template, shared),
    }
    recipe = dataclasses.replace(recipe, **kept)
    return train_dpo(recipe, shared / "run", tokenizer=BYTES).run, recipe


def test_loss_begins_at_ln_2_and_the_planted_margin_grows(
    finished: tuple[Path, DpoRecipe], start: Path
) -> None:
    run, _ = finished
    rows = metrics(run)
    assert [row["step"] for row in rows] == list(range(1, 11))  # 4 epochs of 10 pairs by 4
    first, last = rows[0], rows[-1]
    assert first["loss"] == pytest.approx(LN2, abs=1e-5)
    assert first["margin"] == pytest.approx(0, abs=1e-5)
    assert first["kl"] == pytest.approx(0, abs=1e-5)
    assert last["loss"] < 0.3
    assert last["margin"] > 1
    assert last["accuracy"] == 1
    # the reference's figures are still those of the weights that the run started from
    kept = np.load(run / "reference.npz")
    assert kept["chosen"].shape == (10,)
    for width, side in enumerate(("chosen", "rejected")):
        batch = pair_batch(
            MODEL, encoded().trained, Reference(*np.zeros((2, 10))), rows=10, width=64
        )
        now = row_losses(MODEL, CheckpointStore(start).restore_params(0), batch[width]).nll
        np.testing.assert_allclose(-np.asarray(now), kept[side], rtol=1e-5)
    titles = [Section.from_json(value).title for value in Run.open(run).sections()]
    assert titles == ["Preferences"]


def test_a_run_taken_up_again_ends_the_same(
    finished: tuple[Path, DpoRecipe], tmp_path: Path
) -> None:
    run, recipe = finished
    again = tmp_path / "again"
    shutil.copytree(run, again)
    shutil.rmtree(again / "checkpoints" / "10")
    before = (again / "reference.npz").read_bytes()
    train_dpo(recipe, again, tokenizer=BYTES)
    assert (again / "metrics.jsonl").read_bytes() == (run / "metrics.jsonl").read_bytes()
    assert (again / "reference.npz").read_bytes() == before
    whole, resumed = (CheckpointStore(d / "checkpoints").restore_params(10) for d in (run, again))
    jax.tree.map(np.testing.assert_array_equal, whole, resumed)


def test_what_was_learnt_travels_with_tokenizer_and_template(
    finished: tuple[Path, DpoRecipe],
) -> None:
    tokenizer = finished[0] / "checkpoints" / "tokenizer"
    assert ByteTokenizer.open(tokenizer).fingerprint == BYTES.fingerprint
    assert json.loads((tokenizer / "template.json").read_text())["template"]["name"] == "test"


def test_only_adapters_move_and_held_out_pairs_are_measured(
    recipe: DpoRecipe, start: Path, tmp_path: Path
) -> None:
    adapted = dataclasses.replace(MODEL, lora=Lora(rank=2, alpha=8))
    recipe = dataclasses.replace(
        recipe,
        model=adapted,
        trained=("lora",),
        hold_out=0.4,
        micro_batches=2,
        epochs=3,
        optimizer=dataclasses.replace(recipe.optimizer, learning_rate=5e-2),
    )
    result = train_dpo(recipe, tmp_path / "run", tokenizer=BYTES)
    rows = metrics(result.run)
    assert rows[0]["loss"] == pytest.approx(LN2, abs=1e-5)
    assert rows[-1]["margin"] > 0.01
    assert sum(row["counted"] for row in rows) == 3 * result.pairs  # each pair once an epoch
    moved = CheckpointStore(result.checkpoint).restore_params()
    base = CheckpointStore(start).restore_params()
    before, after = (tree["layers"]["mlp"] for tree in (base, moved))
    jax.tree.map(np.testing.assert_array_equal, before, after)
    query = moved["layers"]["attention"]["query"]
    np.testing.assert_array_equal(query["kernel"], base["layers"]["attention"]["query"]["kernel"])
    assert np.abs(query["lora_b"]).max() > 0
    held_out = metrics(result.run, "heldout")[-1]["heldout"]["pairs"]
    assert held_out["counted"] == 10 - result.pairs > 0
    assert held_out["margin"] > 0.01


def test_every_pair_is_read_once_an_epoch_in_another_order() -> None:
    epochs = Epochs(11, 4, seed=3)
    read = np.concatenate([epochs.batch(step, 2) for step in range(epochs.steps(2))])
    first, second = read[:11].tolist(), read[11:].tolist()
    assert sorted(first) == sorted(second) == list(range(11))
    assert first != second
    assert Epochs(11, 4, seed=4).batch(0).tolist() != first[:4]


def test_overlong_and_equal_pairs_are_dropped_by_name() -> None:
    pairs = planted(4)
    pairs[1] = dataclasses.replace(pairs[1], chosen="so long " * 20)
    pairs[2] = dataclasses.replace(pairs[2], rejected=pairs[2].chosen)
    found = encode_pairs(pairs, CHAT, BYTES, max_tokens=64)
    assert len(found.trained) == 2
    assert found.dropped == {
        "a side is longer than 64 tokens": 1,
        "chosen and rejected are the same": 1,
    }


def test_the_answer_alone_is_in_the_loss_its_end_too() -> None:
    pair = encoded(1).trained[0].chosen
    assert BYTES.decode(pair.ids[pair.mask == 1].tolist()) == "YES<|endoftext|>"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "a document"}', r"pairs.jsonl:2: .*text"),
        ("not json", r"pairs.jsonl:2: this line is not JSON"),
        ('{"id": "x", "prompt": [], "chosen": "a", "rejected": "b"}', "'x' has no prompt"),
        (
            '{"id": "x", "prompt": [{"role": "user", "content": "q"}], "chosen": " ", '
            '"rejected": "b"}',
            "pairs.jsonl:2: pair 'x': the chosen answer is empty",
        ),
        (
            '{"id": "x", "prompt": [{"role": "tool", "content": "q"}], "chosen": "a", '
            '"rejected": "b"}',
            "'x': template 'test' has no form for role 'tool'",
        ),
    ],
)
def test_bad_pairs_are_refused_in_a_line(
    line: str, message: str, recipe: DpoRecipe, tmp_path: Path
) -> None:
    good = Path(recipe.pairs).read_text().splitlines()[0]
    Path(recipe.pairs).write_text(f"{good}\n{line}\n")
    with pytest.raises(InputError, match=message):
        train_dpo(recipe, tmp_path / "run", tokenizer=BYTES)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "tokenizer", "message"),
    [
        ({"template": ""}, BYTES, "no chat template"),
        ({}, None, "has no tokenizer/"),
        ({"pairs": "absent.jsonl"}, BYTES, "absent.jsonl: no such file"),
        ({"sequence_length": 8}, BYTES, "no pair is left to train on .10 dropped: a side"),
        ({"model": dataclasses.replace(MODEL, d_ff=64)}, BYTES, "a checkpoint of another model"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_written(
    change: dict, tokenizer: ByteTokenizer | None, message: str, recipe: DpoRecipe, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        train_dpo(dataclasses.replace(recipe, **change), tmp_path / "run", tokenizer=tokenizer)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": ""}, "the reference"),
        ({"beta": 0.0}, "beta must be positive"),
        ({"micro_batches": 3}, "do not divide"),
        ({"sequence_length": 65}, "context_length"),
        ({"loss": "ipo", "label_smoothing": 0.1}, "not to ipo"),
    ],
)
def test_recipes_that_make_no_sense(change: dict, message: str, recipe: DpoRecipe) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(recipe, **change)


def test_the_command_resolves_a_recipe(recipe: DpoRecipe, tmp_path: Path) -> None:
    arguments = ["dpo", recipe.pairs, "--from", recipe.start, "--output", str(tmp_path / "run")]
    arguments += [
        "--lora",
        "rank=4,targets=query+up",
        "--set",
        "batch_pairs=2",
        "--epochs",
        "2",
        "--show",
    ]
    shown = CliRunner().invoke(train, arguments)
    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.stdout)
    assert found["model"]["lora"]["rank"] == 4
    assert found["model"]["lora"]["targets"] == ["query", "up"]
    assert found["trained"] == ["lora"]
    assert (found["batch_pairs"], found["epochs"], found["beta"]) == (2, 2, 0.1)
    assert found["sequence_length"] == 64  # the model's context
    wrong = CliRunner().invoke(train, [*arguments, "--set", "beta=-1"])
    assert isinstance(wrong.exception, RecipeError)
    assert "beta must be positive" in str(wrong.exception)
    wrong = CliRunner().invoke(train, [*arguments, "--lora", "rank=0"])
    assert str(wrong.exception).startswith("--lora rank=0: ")
