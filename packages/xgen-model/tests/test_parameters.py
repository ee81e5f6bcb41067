"""Arrays on disk in parts: layer by layer, and onto any number of devices."""

import os
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from xgen_core import FormatError
from xgen_model.arrays import leaf_names, read_arrays, stream_arrays, write_arrays
from xgen_model.stored_array import StoredArray, blocks, whole

PARTS = Path(__file__).with_name("parts.py")


@pytest.fixture(scope="module")
def tree():
    random = np.random.default_rng(0)
    return {
        "layers": {
            "wide": random.normal(size=(4, 512, 640)).astype(np.float32),  # 5.2 MB
            "norm": random.normal(size=(4, 8)).astype(np.float32),
        },
        "embedding": random.normal(size=(37, 3)).astype(np.float32),
    }


def files(directory):
    return {
        p.relative_to(directory).as_posix(): p.read_bytes()
        for p in directory.rglob("*")
        if p.is_file() and len(p.relative_to(directory).parts) == 2 and "meta" not in p.parent.name
    }


def orbax():
    import orbax.checkpoint as ocp

    return ocp.Checkpointer(ocp.PyTreeCheckpointHandler(use_ocdbt=False, use_compression=False))


def test_orbax_writes_what_we_read_and_reads_what_we_write(tree, tmp_path):
    import orbax.checkpoint as ocp

    more = {**tree, "half": jnp.arange(5, dtype=jnp.bfloat16), "count": np.int32(7)}
    names, leaves, _ = leaf_names(more)
    arguments = {n: ocp.SaveArgs(shard_axes=(0,) * (n == "layers.wide")) for n in names}
    items = dict(zip(names, leaves, strict=True))
    write_arrays(tmp_path / "ours", more)
    with orbax() as checkpointer:
        checkpointer.save(tmp_path / "theirs", args=ocp.args.PyTreeSave(items, arguments))
        theirs = checkpointer.restore(tmp_path / "ours")
    assert files(tmp_path / "ours") == files(tmp_path / "theirs")
    for found in (theirs, read_arrays(tmp_path / "theirs", items)):
        for name, leaf in items.items():
            assert found[name].dtype == leaf.dtype
            assert np.array_equal(np.asarray(found[name]), np.asarray(leaf))


def test_a_stream_writes_what_a_save_writes(tree, tmp_path):
    names, leaves, _ = leaf_names(tree)
    arrays = dict(zip(names, leaves, strict=True))
    largest = 0

    def read(name, index):
        nonlocal largest
        part = arrays[name][index]
        largest = max(largest, part.nbytes)
        return part

    write_arrays(tmp_path / "save", tree)
    stream_arrays(tmp_path / "stream", {n: a.shape for n, a in arrays.items()}, read)
    assert files(tmp_path / "stream") == files(tmp_path / "save")
    assert "layers.wide/3.0.0" in files(tmp_path / "stream")
    assert "layers.norm/1.0" not in files(tmp_path / "stream")  # small: one file
    assert largest == 512 * 640 * 4  # one layer at a time
    found = read_arrays(tmp_path / "stream", tree)
    assert np.array_equal(found["layers"]["wide"], tree["layers"]["wide"])


def test_one_layer_is_read_without_the_others(tree, tmp_path):
    write_arrays(tmp_path / "a", tree)
    for layer in (0, 1, 3):
        (tmp_path / "a/layers.wide" / f"{layer}.0.0").unlink()
    array = StoredArray(tmp_path / "a/layers.wide")
    part = array.read((slice(2, 3), slice(5, 9), slice(600, 640)))
    assert np.array_equal(part, tree["layers"]["wide"][2:3, 5:9, 600:])
    with pytest.raises(FormatError, match=r"1\.0\.0: missing"):
        array.read((slice(1, 3), slice(0, 1), slice(0, 1)))
    (tmp_path / "a/layers.wide/2.0.0").write_bytes(b"12")
    with pytest.raises(FormatError, match=r"2\.0\.0: damaged: 2 bytes, expected 1310720"):
        array.read((slice(2, 3), slice(0, 1), slice(0, 1)))


def test_descriptions_that_are_not_ours_are_refused(tree, tmp_path):
    write_arrays(tmp_path / "a", {"embedding": tree["embedding"]})
    path = tmp_path / "a/embedding/.zarray"
    path.write_text(path.read_text().replace('"compressor":null', '"compressor":{"id":"zstd"}'))
    with pytest.raises(FormatError, match="expected an uncompressed array"):
        StoredArray(path.parent)
    path.write_text("{}")
    with pytest.raises(FormatError, match="not the description of an array"):
        StoredArray(path.parent)


def test_blocks_cover_an_index_once():
    index = (slice(3, 20), slice(2, 6))
    found = list(blocks(index, 4, limit=4 * 4 * 5))
    assert [s.stop - s.start for s, _ in found] == [5, 5, 5, 2]
    assert (found[0][0].start, found[-1][0].stop) == (3, 20)
    assert len(list(blocks(whole((3, 1000)), 4, limit=10))) == 3  # never less than a row


def test_each_device_reads_its_own_part(tmp_path):
    environment = os.environ | {"JAX_NUM_CPU_DEVICES": "8", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, str(PARTS), str(tmp_path)],
        env=environment,
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["parts", "saved"]
