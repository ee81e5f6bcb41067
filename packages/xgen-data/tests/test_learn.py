import json
import random

from click.testing import CliRunner

from xgen_core import Document
from xgen_data.cli import data
from xgen_data.steps import Classifier, Drop, Perplexity

GOOD = ["the", "history", "of", "a", "city", "and", "its", "river"]
BAD = ["buy", "cheap", "click", "here", "now", "free", "offer", "the"]


def write(path, words, count):
    source = random.Random(path.name)
    rows = [{"text": " ".join(source.choices(words, k=60))} for _ in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"jsonl:{path}"


def test_models_from_the_command_filter_documents(tmp_path):
    good = write(tmp_path / "good.jsonl", GOOD, 120)
    bad = write(
        tmp_path / "bad.jsonl",
        BAD,
        120,
    )
    runner = CliRunner()
    arguments = ["learn", "classifier", "--positive", good, "--negative", bad, "--calibrate", bad]
    result = runner.invoke(data, [*arguments, "-o", str(tmp_path / "c.npz"), "--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["accuracy"] > 0.95
    assert figures["positive"] + figures["negative"] + figures["held_out"] == 240
    documents = [
        Document(id=str(i), text=text, source="s")
        for i, text in enumerate(("the river and the city " * 9, "click here buy free offer " * 9))
    ]
    kept, dropped = Classifier(model=tmp_path / "c.npz", threshold=0.5).apply(documents)
    assert isinstance(kept, Document)
    assert isinstance(dropped, Drop)

    arguments = ["learn", "perplexity", good, "--calibrate", good, "-o", str(tmp_path / "p.npz")]
    result = runner.invoke(data, arguments)
    assert result.exit_code == 0, result.output
    assert "documents   120" in result.output
    near, far = Perplexity(model=tmp_path / "p.npz").apply(documents)
    assert near.metadata["perplexity.value"] < far.metadata["perplexity.value"]
