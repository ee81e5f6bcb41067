"""Checkpoints: whole or not there, bit for bit, and honest about damage."""

import errno
import json
import signal
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from xgen_core import FormatError, InputError
from xgen_model import CheckpointStore, abstract_params, make_mesh, shardings
from xgen_model.checkpoint import DamagedError


@pytest.fixture
def store(tmp_path, config, tokenizer):
    tokenizer.save(tmp_path / "bytes")
    return CheckpointStore.create(
        tmp_path / "ckpt",
        config,
        tokenizer=tmp_path / "bytes",
        tokenizer_fingerprint=tokenizer.fingerprint,
    )


def assert_same(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


def test_training_state_comes_back_bit_for_bit(store, params):
    optimizer = optax.adamw(optax.linear_schedule(1e-3, 0.0, 10), weight_decay=0.1)
    state = optimizer.init(params)
    _, state = jax.jit(optimizer.update)(params, state, params)
    state = (state, {"half": jnp.arange(3, dtype=jnp.bfloat16)})
    store.save(7, params, state, {"seed": 3, "tokens": 10**13})
    again = CheckpointStore(store.directory)
    like = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), state)
    found = again.restore(None, abstract_params(again.config), like)
    assert_same(found[0], params)
    assert_same(found[1], state)
    assert found[2] == {"seed": 3, "tokens": 10**13}


def test_parameters_restore_alone_and_onto_a_mesh(store, params):
    store.save(1, params)
    where = shardings(store.config, make_mesh(devices=jax.devices()[:1]))
    found = store.restore_params(shardings=where)
    assert_same(found, params)
    assert found["head"]["kernel"].sharding == where["head"]["kernel"]
    with pytest.raises(InputError, match="no optimizer state"):
        store.restore(1, params, {})


def test_steps_are_kept_and_dropped(tmp_path, config, params):
    store = CheckpointStore.create(tmp_path / "c", config, keep_last=2)
    assert store.latest() is None
    with pytest.raises(InputError, match="complete steps: none"):
        store.restore_params()
    for step in (9, 10, 11):
        store.save(step, params)
    assert store.steps() == [10, 11]
    assert store.latest() == 11
    assert not (tmp_path / "c" / "9").exists()
    with pytest.raises(InputError, match="no step 9; complete steps: 10, 11"):
        store.restore_params(9)
    with pytest.raises(InputError, match="exists already"):
        store.save(11, params)


def test_some_steps_are_kept_for_good(tmp_path, config, params):
    store = CheckpointStore.create(tmp_path / "c", config, keep_last=1, keep=(3,), keep_every=4)
    for step in range(2, 11):
        store.save(step, params)
    assert store.steps() == [3, 4, 8, 10]


def test_a_save_goes_on_while_the_arrays_are_donated(store, params):
    change = jax.jit(lambda tree: jax.tree.map(lambda a: a + 1, tree), donate_argnums=0)
    mine = jax.tree.map(jnp.copy, params)
    saving = store.begin_save(1, mine, {"count": np.int32(4)})
    mine = change(mine)
    later = store.begin_save(2, mine)  # waits for the first
    assert saving.done
    assert saving.bytes == sum(a.nbytes for a in jax.tree.leaves(params)) + 4
    later.wait()
    assert_same(store.restore_params(1), params)
    assert_same(store.restore_params(2), mine)


def test_a_disk_that_fills_while_saving_leaves_nothing(store, params):
    store.save(1, params)
    script = (
        "import resource, sys\n"
        "from xgen_model import CheckpointStore\n"
        "store = CheckpointStore(sys.argv[1])\n"
        "params = store.restore_params(1)\n"
        "saving = store.begin_save(2, params)\n"
        "saving.wait()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n"
        "saving = store.begin_save(3, params)\n"
        "try:\n"
        "    saving.wait()\n"
        "except OSError as error:\n"
        "    print(saving.failed, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(store.directory)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == f"True [Errno 27] File too large: '{store.directory}/3'\n", done.stderr
    assert store.steps() == [1, 2]
    assert not [p for p in store.directory.iterdir() if p.name.startswith(".partial-")]


def test_a_damaged_step_is_set_aside_and_never_removed(store, params):
    for step in (1, 2, 3):
        store.save(step, params, {})
    (store.directory / "3" / "manifest.json").unlink()
    (store.directory / "2" / "meta.json").write_text("{")
    assert (store.steps(), store.numbered()) == ([1, 2], [1, 2, 3])
    for step in (3, 2):
        with pytest.raises(DamagedError, match=r"no such file|meta\.json: damaged: 1 bytes"):
            store.check(step)
        assert store.set_aside(step).name == f"damaged-{step}"
    store.save(3, params, {})
    store.check(3)
    assert store.set_aside(3).name == "damaged-3-2"
    store.save(4, params)
    store.remove([1, 4])
    kept = {p.name for p in store.directory.iterdir()} - {"config.json", "tokenizer"}
    assert kept == {"damaged-2", "damaged-3", "damaged-3-2"}


def test_identity_follows_the_weights_alone(store, params):
    store.save(1, params, meta={"a": 1})
    store.save(2, params, meta={"a": 2})
    store.save(3, {**params, "embedding": params["embedding"].at[0, 0].add(1e-3)})
    assert store.identity(1) == store.identity(2)
    assert store.identity(3) != store.identity(2)


@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_damage_is_named(store, params, harm):
    store.save(1, params)
    victim = max((store.directory / "1" / "params").rglob("*"), key=lambda p: p.stat().st_size)
    data = bytearray(victim.read_bytes())
    if harm == "flip":
        data[len(data) // 2] ^= 1
        victim.write_bytes(data)
    elif harm == "cut":
        victim.write_bytes(data[:-1])
    else:
        victim.unlink()
    with pytest.raises(FormatError, match=str(victim)):
        store.restore_params()


def test_other_shapes_are_refused(store, params):
    store.save(1, params, {"count": jnp.zeros(3)})
    with pytest.raises(FormatError, match=r"count is float32\[3\], expected float32\[4\]"):
        store.restore(1, params, {"count": jnp.zeros(4)})
    with pytest.raises(FormatError, match="holds other arrays"):
        store.restore(1, params, {"counts": jnp.zeros(3)})


def test_a_directory_belongs_to_one_model(store, config, tmp_path):
    from dataclasses import replace

    same = CheckpointStore.create(
        store.directory, config, tokenizer_fingerprint=store.tokenizer_fingerprint
    )
    assert same.config == config
    with pytest.raises(InputError, match="another model"):
        CheckpointStore.create(store.directory, replace(config, n_layers=3))
    with pytest.raises(InputError, match="not a checkpoint"):
        CheckpointStore(tmp_path)
    header = json.loads((store.directory / "config.json").read_text())
    (store.directory / "config.json").write_text(json.dumps(header | {"version": 2}))
    with pytest.raises(FormatError, match="version 2"):
        CheckpointStore(store.directory)


def test_a_kill_leaves_no_half_step(store, params):
    store.save(1, params)
    # Killed on the last file of the next step, when all arrays are written.
    script = (
        "import os, signal, sys, xgen_model.saving as saving\n"
        "from xgen_model import CheckpointStore\n"
        "store = CheckpointStore(sys.argv[1])\n"
        "params = store.restore_params(1)\n"
        "saving.write_manifest = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "store.save(2, params)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(store.directory)],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert any(p.name.startswith(".partial-") for p in store.directory.iterdir())
    assert store.steps() == [1]
    store.save(2, params)
    assert store.steps() == [1, 2]
    assert {p.name for p in store.directory.iterdir()} == {"1", "2", "config.json", "tokenizer"}


def test_a_step_that_does_not_fit_is_refused_before_it_is_written(store, params):
    huge = {"moments": np.broadcast_to(np.float32(0), (10**14,))}  # 400 TB by its own account
    before = sorted(store.directory.iterdir())
    with pytest.raises(OSError, match="a checkpoint takes 400,000,") as caught:
        store.save(1, params, huge)
    assert caught.value.errno == errno.ENOSPC
    assert sorted(store.directory.iterdir()) == before
    store.save(1, params)
    assert store.steps() == [1]
