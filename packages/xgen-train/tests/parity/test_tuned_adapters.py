"""What training leaves, LoRA and soft prompts, loads in PEFT with the same logits.

Needs torch, transformers and peft: `make parity`.
"""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner

import xgen_core.lm.open as opening
from xgen_core import ChatTemplate, Example, Message
from xgen_core.files import write_json, write_jsonl
from xgen_core.testing import ByteTokenizer
from xgen_model import CheckpointStore, ModelConfig, create, forward, logits, open_source
from xgen_model.cli import model
from xgen_train.cli import train

torch = pytest.importorskip("torch", reason="parity needs torch: make parity")
transformers = pytest.importorskip("transformers", reason="parity needs transformers: make parity")
peft = pytest.importorskip("peft", reason="parity needs peft: make parity")

# What other libraries deprecate among themselves is not under test.
pytestmark = pytest.mark.filterwarnings("ignore")

TOLERANCE = 1e-4
IDS = np.arange(65, 85)[None]
CHAT = ChatTemplate(
    name="test",
    prefixes={"user": "Q", "assistant": "A"},
    suffixes={"user": "\n", "assistant": "<|endoftext|>"},
    generation_prompt="A",
)
MODEL = ModelConfig(
    vocab_size=257,
    n_tokens=257,
    d_model=32,
    n_layers=2,
    n_heads=4,
    n_kv_heads=2,
    d_ff=48,
    context_length=64,
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model, its base in Hugging Face's form, and two tasks."""
    real = opening.load

    def load(group: str, name: str) -> object:
        return (lambda rest: ByteTokenizer()) if group == "xgen.tokenizers" else real(group, name)

    monkeypatch.setattr(opening, "load", load)
    ByteTokenizer().save(tmp_path / "tokenizer")
    fingerprint = ByteTokenizer().fingerprint
    store = CheckpointStore.create(
        tmp_path / "start",
        MODEL,
        tokenizer=tmp_path / "tokenizer",
        tokenizer_fingerprint=fingerprint,
    )
    store.save(0, jax.tree.map(lambda x: 3 * x, create(MODEL, 0)))
    write_json(tmp_path / "chat.json", CHAT.to_json())
    for word in ("yes", "no"):
        pairs = [
            Example(
                id=f"{i}",
                messages=(
                    Message(role="user", content=f"{i}?"),
                    Message(role="assistant", content=word, trained=True),
                ),
            )
            for i in range(30)
        ]
        write_jsonl(tmp_path / f"{word}.jsonl", [e.to_json() for e in pairs])
    run(model, "export", tmp_path / "start", "-o", tmp_path / "base", "--no-tokenizer")
    return tmp_path


def run(group: object, *arguments: object) -> None:
    done = CliRunner().invoke(group, [str(a) for a in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output


def tune(place: Path, command: str, *arguments: str) -> Path:
    options = ["--from", place / "start", "--template", place / "chat.json", "-o", place / "run"]
    steps = ["--length", "32", "--batch", "8", "--epochs", "4", "--samples", "0"]
    rate = ["--set", "optimizer.learning_rate=0.05"]
    files = [place / "yes.jsonl", place / "no.jsonl"]
    run(train, command, *files, *options, *steps, *rate, *arguments)
    return place / "run"


def ours(directory: Path, virtual: tuple[int, ...] = ()) -> np.ndarray:
    source = open_source(directory)
    ids = np.concatenate([np.asarray(virtual, int)[None], IDS], axis=1)
    positions = jnp.arange(ids.shape[1])[None]
    params = source.load()
    hidden = forward(
        source.config, params, jnp.asarray(ids, jnp.int32), positions, jnp.ones_like(positions)
    )
    return np.asarray(logits(source.config, params, hidden))[0, len(virtual) :]


def theirs(place: Path, adapter: Path | None = None) -> np.ndarray:
    base = transformers.AutoModelForCausalLM.from_pretrained(place / "base")
    found = base if adapter is None else peft.PeftModel.from_pretrained(base, adapter)
    with torch.no_grad():
        return found.eval()(torch.from_numpy(IDS)).logits[0, -IDS.shape[1] :].float().numpy()


def test_trained_lora_loads_in_peft(place: Path) -> None:
    tuned = tune(place, "sft", "--lora", "rank=4,alpha=8,targets=query+value+down")
    run(model, "export", tuned, "-o", place / "adapter", "--adapter")
    expected = ours(tuned)
    assert np.abs(theirs(place, place / "adapter") - expected).max() < TOLERANCE
    assert np.abs(theirs(place) - expected).max() > 0.05  # it has learnt something


def test_trained_soft_prompts_load_in_peft_task_by_task(place: Path) -> None:
    tuned = tune(place, "prompt", "--tokens", "4")
    for number, task in enumerate(("no", "yes")):
        first = MODEL.vocab_size + 4 * number
        expected = ours(tuned, tuple(range(first, first + 4)))
        found = theirs(place, tuned / "prompts" / task)
        assert np.abs(found - expected).max() < TOLERANCE
        assert np.abs(theirs(place) - expected).max() > 0.05
