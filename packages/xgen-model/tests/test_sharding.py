"""Splitting over devices changes nothing but where things lie."""

import os
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


def test_split_loss_and_gradients_are_those_of_one_device():
    environment = os.environ | {"JAX_NUM_CPU_DEVICES": "8", "JAX_PLATFORMS": "cpu"}
    # Less optimising: what is tested is the partitioning, and eight programs are slow to compile.
    environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0"
    done = subprocess.run(
        [sys.executable, str(SPLITS)],
        env=environment,
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["fsdp", "mixed"]
