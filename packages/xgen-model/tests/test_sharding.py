"""Splitting over devices changes nothing but where things lie."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from jax.sharding import PartitionSpec

from xgen_model import batch_sharding, logical_axes, make_mesh, shardings
from xgen_model.mesh import MESH_AXES, RULES

SPLITS = Path(__file__).with_name("splits.py")


def test_every_parameter_has_logical_axes(config):
    axes = jax.tree.leaves(logical_axes(config), is_leaf=lambda x: isinstance(x, tuple))
    assert {a for names in axes for a in names} <= set(RULES)


def test_a_mesh_has_all_axes_and_must_cover_the_devices():
    mesh = make_mesh({"data": -1}, devices=jax.devices()[:1])
    assert mesh.axis_names == MESH_AXES
    assert batch_sharding(mesh).spec == PartitionSpec(("data", "fsdp"), "sequence")
    with pytest.raises(ValueError, match="does not cover"):
        make_mesh({"data": 3})
    with pytest.raises(ValueError, match="unknown mesh axes"):
        make_mesh({"model": 1})


def test_one_device_leaves_everything_whole(config):
    mesh = make_mesh(devices=jax.devices()[:1])
    assert all(s.is_fully_replicated for s in jax.tree.leaves(shardings(config, mesh)))


def test_no_device_makes_more_than_its_part(config):
    # XLA's own account of the program, for one device
    done = run_splits(8, "--memory")
    whole, made, temporary = map(int, done.stdout.split())
    assert made < whole / 6
    assert temporary < 2 * made


def test_split_loss_and_gradients_are_those_of_one_device():
    done = run_splits(8)
    assert len(done.stdout.splitlines()) == 7


@pytest.mark.parametrize("count", [2, 4])
def test_split_over_processes_they_are_the_same(count):
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{found.getsockname()[1]}"
    processes = [
        start_splits(4 // count, "--process", str(i), str(count), address) for i in range(count)
    ]
    try:
        outputs = [p.communicate(timeout=200) for p in processes]
    finally:
        for process in processes:
            process.kill()
    for process, (out, error) in zip(processes, outputs, strict=True):
        assert process.returncode == 0, error
        assert "interleaved\n" in out
        assert "fsdp=2 sequence=2\t" in out


def start_splits(devices, *arguments):
    environment = os.environ | {"JAX_NUM_CPU_DEVICES": str(devices), "JAX_PLATFORMS": "cpu"}
    # Less optimising: what is tested is the partitioning, and many programs are slow to compile.
    environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0"
    return subprocess.Popen(
        [sys.executable, str(SPLITS), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_splits(devices, *arguments):
    process = start_splits(devices, *arguments)
    try:
        out, error = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 0, error
    return subprocess.CompletedProcess(process.args, process.returncode, out, error)
