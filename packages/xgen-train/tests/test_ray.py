"""A run on a real Ray cluster: two nodes on this machine, one CPU each."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from xgen_core import InputError, XgenError
from xgen_core.codec import encode
from xgen_train import train
from xgen_train.ray_trainer import RayWorkers, train_on_ray
from xgen_train.tpu_slice import TpuSlice

pytestmark = pytest.mark.xdist_group("ray")  # one cluster at a time


@pytest.fixture(scope="module")
def cluster():
    script = Path(__file__).parents[3] / "tests" / "soak" / "cluster.py"
    process = subprocess.Popen(  # apart, because forking here would fork what other tests loaded
        [sys.executable, str(script)],
        env=os.environ | {"JAX_NUM_CPU_DEVICES": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield next(line.split()[1] for line in process.stdout if line.startswith("address "))
        process.stdin.close()


def figures(run):
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [(r["step"], r["data"]) for r in rows if "loss" in r], [
        r["loss"] for r in rows if "loss" in r
    ]


def run_command(cluster, recipe, output, *options):
    command = ["ray", recipe, "--workers", "2", "--address", cluster, "-o", output, *options]
    return subprocess.run(  # apart: Ray warns of its own deprecated settings
        [sys.executable, "-m", "xgen_train", *map(str, command)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_two_workers_train_as_one_process_does(cluster, short, tmp_path):
    recipe = tmp_path / "recipe.py"
    recipe.write_text(
        "import json\nfrom xgen_core.codec import decode\nfrom xgen_train import TrainRecipe\n"
        f"def short():\n    return decode(TrainRecipe, json.loads({json.dumps(encode(short))!r}))\n"
    )
    done = run_command(cluster, f"{recipe}:short", tmp_path / "ray", "--json")
    assert done.returncode == 0, done.stderr
    alone = train(short, tmp_path / "alone", tensorboard=False)
    windows, losses = figures(tmp_path / "ray")
    expected_windows, expected = figures(alone.run)
    assert windows == expected_windows
    assert losses == pytest.approx(expected, rel=2e-6)
    assert json.loads(done.stdout)["loss"] == losses[-1]

    options = ["--set", f"store={tmp_path}/absent", "--restarts", "0"]
    failed = run_command(cluster, f"{recipe}:short", tmp_path / "failed", *options)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith(f"xgen: error: {tmp_path}/absent")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense"])
def test_no_cluster_is_one_clear_line(address, short, tmp_path):
    with pytest.raises(XgenError, match=f"no Ray cluster at '{address}': .*; start one with"):
        train_on_ray(short, tmp_path / "run", address=address, workers=RayWorkers())


def test_a_slice_says_how_many_workers_there_are():
    with pytest.raises(InputError, match="has 8 hosts, a worker each"):
        RayWorkers(count=4, slice=TpuSlice.parse("v4-64"))
