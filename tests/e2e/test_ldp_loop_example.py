"""`docs/examples/ldp.sh`: pre-training, harvest, tuning and test of a made-up language."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
X = "xal_Cyrl"


def make_world(out: Path, seed: int) -> Path:
    command = [sys.executable, EXAMPLES / "ldp" / "world.py", out, "--scale", "smoke"]
    subprocess.run([*command, "--seed", str(seed)], check=True)
    return out


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_world(tmp_path_factory.mktemp("world"), 0)


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def pages(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in lines(path)]


def test_nothing_that_is_tested_stands_in_any_other_file(world: Path) -> None:
    tested = {*lines(world / f"test/{X}.txt"), *lines(world / "test/eng_Latn.txt")}
    assert len(tested) == 16
    seen = {
        text.partition(": ")[2] or text
        for kind in ("monolingual", "parallel")
        for page in pages(world / f"text/{kind}.jsonl")
        for text in page.splitlines()
    }
    for file in ("unlabelled.txt", "truth.txt", "bank/eng_Latn.txt"):
        seen |= set(lines(world / file))
    assert len(seen) > 5000
    assert not tested & seen


def test_there_is_text_in_x_and_no_translation_of_it(world: Path) -> None:
    unlabelled = {word for line in lines(world / "unlabelled.txt") for word in line.split()}
    sister = {word for line in lines(world / "bank/zba_Cyrl.txt") for word in line.split()}
    texts = {kind: pages(world / f"text/{kind}.jsonl") for kind in ("monolingual", "parallel")}
    words = {kind: {w for page in found for w in page.split()} for kind, found in texts.items()}
    own = unlabelled - words["parallel"]
    assert len(own & words["monolingual"]) > 50
    assert len(unlabelled & words["parallel"]) > 50
    assert sister & words["parallel"]
    assert not list((world / "bank").glob(f"{X}*"))


def test_a_seed_makes_one_world_and_another_seed_another(world: Path, tmp_path: Path) -> None:
    again, other = make_world(tmp_path / "again", 0), make_world(tmp_path / "other", 1)
    files = [path.relative_to(world) for path in world.rglob("*.*")]
    assert len(files) == 11
    assert all((world / file).read_bytes() == (again / file).read_bytes() for file in files)
    assert not any((world / file).read_bytes() == (other / file).read_bytes() for file in files)


def test_the_loop_goes_round(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [EXAMPLES / "ldp.sh", tmp_path, "smoke"],
        env=os.environ | {"PATH": path, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    examples = [json.loads(line) for line in lines(tmp_path / "pairs/examples.jsonl")]
    unlabelled = set(lines(tmp_path / "world/unlabelled.txt"))
    for example in examples:
        user, assistant = (message["content"] for message in example["messages"])
        natural = assistant if user.startswith("English: ") else user.splitlines()[0][len(X) + 2 :]
        assert natural in unlabelled
        assert example["metadata"]["ldp.synthetic_side"] == "eng_Latn"
    for run, system in (("before", "ldp"), ("after", "zero-shot")):
        for direction in (f"{X}-eng_Latn", f"eng_Latn-{X}"):
            assert len(lines(tmp_path / run / f"translations/{direction}--{system}.txt")) == 8
    assert done.stdout.count("by paired bootstrap") == 2
    assert (tmp_path / "report.html").stat().st_size > 10_000
