import dataclasses
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner

from xgen_core import ChatTemplate, Example, InputError, Message, RecipeError, Run
from xgen_core.files import write_json, write_jsonl
from xgen_core.report import Section
from xgen_core.testing import ByteTokenizer
from xgen_data import Encoded
from xgen_model import CheckpointStore, Lora, ModelConfig, create, token_logprobs
from xgen_train import GrpoRecipe, GuardRecipe, OptimizerRecipe, train_grpo
from xgen_train.cli import train
from xgen_train.reinforcement.objective import GroupRelative, Rollouts, clipped_loss, divergence
from xgen_train.reinforcement.prompts import encode_prompts
from xgen_train.reinforcement.rollout import advantages
from xgen_train.reinforcement.sampler import draw_groups, group_seed
from xgen_train.rows import stack_rows

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
    d_model=32,
    n_layers=1,
    n_heads=2,
    n_kv_heads=2,
    d_ff=64,
    context_length=64,
)


def letters(example: Example, answers: Sequence[str]) -> list[float]:
    """A reward that can be checked: the share of letters. By chance it is 52 of 257."""
    return [sum(c.isascii() and c.isalpha() for c in a) / max(len(a), 1) for a in answers]


def constant(example: Example, answers: Sequence[str]) -> list[float]:
    return [0.1] * len(answers)


def broken(example: Example, answers: Sequence[str]) -> list[float]:
    raise KeyError("label")


def nan(example: Example, answers: Sequence[str]) -> list[float]:
    return [*[1.0] * (len(answers) - 1), float("nan")]


def short(example: Example, answers: Sequence[str]) -> list[float]:
    return [1.0]


def prompts(count: int = 6) -> list[Example]:
    return [
        Example(
            id=f"p{i}",
            messages=(
                Message(role="user", content=f"what is {i}?"),
                Message(role="assistant", content=f"{i}", trained=True),
            ),
            task="odd" if i % 2 else "even",
        )
        for i in range(count)
    ]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("inputs")
    write_json(place / "chat.json", CHAT.to_json())
    write_jsonl(place / "prompts.jsonl", [p.to_json() for p in prompts()])
    CheckpointStore.create(place / "start", MODEL).save(0, create(MODEL, 0))
    return place


@pytest.fixture
def recipe(inputs: Path) -> GrpoRecipe:
    return GrpoRecipe(
        model=MODEL,
        start=str(inputs / "start"),
        prompts=str(inputs / "prompts.jsonl"),
        reward=f"{__file__}:letters",
        template=str(inputs / "chat.json"),
        steps=16,
        batch_prompts=4,
        group=8,
        max_tokens=8,
        sequence_length=64,
        kl=0.05,
        optimizer=OptimizerRecipe(learning_rate=6e-3, warmup_steps=0, schedule="constant"),
        guard=GuardRecipe(sigmas=0),
        checkpoint_every=6,
    )


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def metrics(run: Path) -> list[dict]:
    return Run.open(run).metrics.rows()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_reward_that_can_be_checked_rises(recipe: GrpoRecipe, shared: Path, seed: int) -> None:
    result = train_grpo(dataclasses.replace(recipe, seed=seed), shared / str(seed), tokenizer=BYTES)
    rows = metrics(result.run)
    first = np.mean([row["reward"] for row in rows[:2]])
    last = np.mean([row["reward"] for row in rows[-2:]])
    assert first < 0.32
    assert last > first + 0.15
    assert rows[0]["kl"] == pytest.approx(0, abs=1e-5)
    assert rows[-1]["kl"] > 0.02
    # one update a batch: what was drawn costs the trainer what it cost the engine
    assert max(row["clipped"] for row in rows) == 0
    assert set(rows[0]["sources"]) == {"odd", "even"}
    assert [Section.from_json(s).title for s in Run.open(result.run).sections()] == ["Rewards"]


def test_a_run_taken_up_again_draws_the_same_answers(
    recipe: GrpoRecipe, shared: Path, tmp_path: Path
) -> None:
    whole = train_grpo(recipe, shared / "0", tokenizer=BYTES).run  # it is there already
    again = tmp_path / "again"
    shutil.copytree(whole, again)
    shutil.rmtree(again / "checkpoints" / "16")
    train_grpo(recipe, again, tokenizer=BYTES)
    for name in ("metrics.jsonl", "samples.jsonl"):
        assert (again / name).read_bytes() == (whole / name).read_bytes()
    assert len((whole / "samples.jsonl").read_text().splitlines()) == 16


def test_adapters_learn_while_the_base_is_the_reference(
    recipe: GrpoRecipe, inputs: Path, tmp_path: Path
) -> None:
    adapted = dataclasses.replace(MODEL, lora=Lora(rank=4, alpha=16, targets=("value", "down")))
    recipe = dataclasses.replace(
        recipe,
        model=adapted,
        trained=("lora",),
        steps=3,
        micro_batches=2,
        optimizer=dataclasses.replace(recipe.optimizer, learning_rate=5e-2),
    )
    result = train_grpo(recipe, tmp_path / "run", tokenizer=BYTES)
    rows = metrics(result.run)
    assert rows[0]["kl"] == pytest.approx(0, abs=1e-5)
    assert rows[-1]["kl"] > 1e-3
    base = CheckpointStore(inputs / "start").restore_params()
    moved = CheckpointStore(result.checkpoint).restore_params()
    np.testing.assert_array_equal(base["embedding"], moved["embedding"])
    assert np.abs(moved["layers"]["mlp"]["down"]["lora_b"]).max() > 0


def test_equal_rewards_teach_nothing_and_are_counted(recipe: GrpoRecipe, tmp_path: Path) -> None:
    recipe = dataclasses.replace(recipe, reward=f"{__file__}:constant", steps=1, kl=0.0)
    run = train_grpo(recipe, tmp_path / "run", tokenizer=BYTES).run
    row = metrics(run)[0]
    assert row["equal"] == 1
    assert row["reward_std"] == row["loss"] == row["gradient_norm"] == 0


def test_advantages_by_hand() -> None:
    found, spread = advantages(np.asarray([[1.0, 0.0, 0.0, 1.0], [0.1] * 4, [2.0, 2.0, 2.0, 6.0]]))
    np.testing.assert_allclose(found[0], [1, -1, -1, 1])
    np.testing.assert_array_equal(found[1], 0)
    root = 3**0.5
    np.testing.assert_allclose(found[2], [-1 / root, -1 / root, -1 / root, root], rtol=1e-6)
    np.testing.assert_allclose(spread, [0.5, 0, root], rtol=1e-6)


def test_clipping_and_divergence_by_hand() -> None:
    ratio = np.asarray([1.0, 1.5, 1.5, 0.5, 0.5])
    advantage = jnp.asarray([2.0, 2.0, -2.0, 2.0, -2.0])

    def loss(logprob: jax.Array) -> jax.Array:
        return clipped_loss(logprob, jnp.zeros(5), advantage, 0.2)

    logprob = jnp.log(jnp.asarray(ratio))
    np.testing.assert_allclose(loss(logprob), [-2, -2.4, 3, -1, 1.6], rtol=1e-6)
    # where clipping holds, nothing pulls: d loss / d log π is -r·A elsewhere
    gradient = jax.grad(lambda x: loss(x).sum())(logprob)
    np.testing.assert_allclose(gradient, [-2, 0, 3, -1, 0], rtol=1e-6)
    # ref / π = 2 and 1/2: 2 - ln 2 - 1 and 1/2 + ln 2 - 1
    kl = divergence(jnp.zeros(3), jnp.log(jnp.asarray([1.0, 2.0, 0.5])))
    np.testing.assert_allclose(kl, [0, 1 - np.log(2), np.log(2) - 0.5], rtol=1e-5, atol=1e-7)


def test_every_token_of_a_batch_counts_alike() -> None:
    lengths, t = (2, 6), 16
    ids = np.random.default_rng(0).integers(0, 256, 12)
    texts = [
        Encoded(ids[: 3 + n].astype(np.uint32), np.arange(3 + n).astype(np.uint32) > 2)
        for n in lengths
    ]
    text = stack_rows(MODEL, [Encoded(i, m.astype(np.uint8)) for i, m in texts], t)
    params = create(MODEL, 0)
    logprob = np.asarray(jax.jit(lambda p: token_logprobs(MODEL, p, text).logprob)(params))
    advantage = np.asarray([1.0, -0.5], np.float32)
    shift = np.where(text.loss_mask == 1, 0.05, np.nan)  # outside answers nothing is known
    ones = np.ones(2, np.float32)
    batch = Rollouts(text, logprob - shift, logprob + shift, advantage, ones, ones, ones)
    objective = GroupRelative(config=MODEL, clip=0.2, kl=0.3)
    found = jax.jit(objective.sums)(params, batch)
    per_token = [-np.exp(0.05) * a + 0.3 * (np.expm1(0.05) - 0.05) for a in advantage]
    expected = (2 * per_token[0] + 6 * per_token[1]) / 8
    assert float(found.total / objective.weight(batch)) == pytest.approx(expected, rel=1e-4)
    values = objective.values({n: np.asarray(x) for n, x in found.rows.items()})
    assert values["loss"] == pytest.approx(expected, rel=1e-4)
    assert values["counted"] == 8
    assert values["length"] == 4
    gradient = jax.jit(jax.grad(lambda p: objective.sums(p, batch).total))(params)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_an_answer_depends_on_its_prompt_and_seed_alone() -> None:
    params = create(MODEL, 3)
    questions = [[256, 1, 2, 3], [256, 9]]
    how = {"group": 9, "max_tokens": 6, "eos_id": 256, "rows": 16}  # two do not fit at one time
    both = draw_groups(MODEL, params, questions, [5, 70], **how)
    alone = draw_groups(MODEL, params, questions[1:], [70], **how)
    assert [d.ids for d in both[1]] == [d.ids for d in alone[0]]
    assert len({tuple(d.ids) for group in both for d in group}) == 18
    assert all(len(d.ids) == len(d.logprobs) for group in both for d in group)
    seeds = {group_seed(*key) for key in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))}
    assert len(seeds) == 4


def test_prompts_end_where_the_answer_begins() -> None:
    found = encode_prompts(prompts(2), CHAT, BYTES, max_tokens=40)
    assert BYTES.decode(list(found.kept[1].ids)) == "<|endoftext|>Q: what is 1?\nA:"
    assert found.kept[1].example.messages[-1].content == "1"  # the reward sees it


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", r"reward .*:broken, prompt 'p\d': KeyError: 'label'"),
        ("nan", r"prompt 'p\d': gave nan for answer 8"),
        ("short", r"prompt 'p\d': gave 1 numbers for 8 answers"),
    ],
)
def test_a_failing_reward_names_the_prompt(
    name: str, message: str, recipe: GrpoRecipe, tmp_path: Path
) -> None:
    recipe = dataclasses.replace(recipe, reward=f"{__file__}:{name}")
    with pytest.raises(InputError, match=message):
        train_grpo(recipe, tmp_path / "run", tokenizer=BYTES)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"reward": f"{__file__}:letter"}, RecipeError, "did you mean 'letters'"),
        ({"reward": "absent.py:f"}, RecipeError, "absent.py: no such reward file"),
        ({"prompts": "absent.jsonl"}, InputError, "absent.jsonl: no such file"),
        ({"max_tokens": 60}, InputError, "no prompt is left to answer .6 dropped: longer than 4"),
        ({"template": ""}, InputError, "no chat template"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_written(
    change: dict, kind: type, message: str, recipe: GrpoRecipe, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=message):
        train_grpo(dataclasses.replace(recipe, **change), tmp_path / "run", tokenizer=BYTES)
    assert not (tmp_path / "run").exists()


def test_a_prompt_that_asks_nothing_is_refused(recipe: GrpoRecipe, tmp_path: Path) -> None:
    only = {"id": "x", "messages": [{"role": "assistant", "content": "a"}]}
    (tmp_path / "bad.jsonl").write_text(json.dumps(only) + "\n")
    recipe = dataclasses.replace(recipe, prompts=str(tmp_path / "bad.jsonl"))
    with pytest.raises(InputError, match=r"bad.jsonl:1: example 'x' asks nothing"):
        train_grpo(recipe, tmp_path / "run", tokenizer=BYTES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"group": 1}, "at least 2 answers"),
        ({"max_tokens": 64}, "does not hold"),
        ({"clip": 0.0}, "clip lies in"),
        ({"micro_batches": 3}, "do not divide"),
        ({"start": ""}, "the reference"),
    ],
)
def test_recipes_that_make_no_sense(change: dict, message: str, recipe: GrpoRecipe) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(recipe, **change)


def test_the_command_takes_a_file_or_a_recipe(recipe: GrpoRecipe, tmp_path: Path) -> None:
    arguments = ["grpo", recipe.prompts, "--output", str(tmp_path / "run"), "--show"]
    asked = ["--from", recipe.start, "--reward", recipe.reward, "--set", "group=4"]
    shown = CliRunner().invoke(train, [*arguments, *asked])
    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.stdout)
    assert (found["group"], found["kl"], found["max_tokens"]) == (4, 0.04, 32)
    assert CliRunner().invoke(train, arguments).exit_code == 2  # no model, no reward
    python = tmp_path / "mine.py"
    python.write_text(
        "from xgen_train.reinforcement.trainer import grpo_recipe\n"
        f"def mine(): return grpo_recipe({recipe.prompts!r}, {recipe.start!r}, 'r.py:f', steps=7)\n"
    )
    arguments[1] = f"{python}:mine"
    shown = CliRunner().invoke(train, arguments)
    assert json.loads(shown.stdout)["steps"] == 7
    assert CliRunner().invoke(train, [*arguments, *asked[:2]]).exit_code == 2
