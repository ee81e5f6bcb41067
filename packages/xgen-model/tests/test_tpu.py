"""Training compiles for TPUs, on machines that have none."""

import dataclasses
from importlib.util import find_spec

import jax
import jax.numpy as jnp
import pytest

from xgen_core import Batch, InputError, MissingExtraError
from xgen_model import ModelConfig, abstract_params, loss, make_mesh, row_part
from xgen_model.topology import compile_gradient, tpu_devices

CONFIG = ModelConfig(
    vocab_size=1024,
    n_tokens=1000,
    d_model=256,
    n_layers=2,
    n_heads=2,
    n_kv_heads=2,
    d_ff=512,
    context_length=8192,
    dtype="bfloat16",
    remat="full",
    scan_layers=True,
)
needs_libtpu = pytest.mark.skipif(
    find_spec("libtpu") is None, reason="needs libtpu: pip install 'xgen-model[tpu]'"
)


@pytest.mark.parametrize(("remat", "kernels"), [("full", 4), ("attention", 3)])
def test_what_is_kept_of_attention_is_not_computed_again(remat, kernels):
    config = dataclasses.replace(CONFIG, remat=remat, attention="splash")
    field = jax.ShapeDtypeStruct((1, 256), jnp.int32)

    def total(params, batch):
        return loss(config, params, batch).nll

    traced = jax.jit(jax.grad(total)).trace(abstract_params(config), Batch(*(field,) * 5))
    # forward, forward again unless kept, and two kernels of the gradient
    assert traced.lower(lowering_platforms=("tpu",)).as_text().count("@tpu_custom_call") == kernels


@needs_libtpu
@pytest.mark.parametrize(
    ("tokens", "shape"),
    [
        (2048, {"fsdp": 4}),
        (4096, {"fsdp": 4}),
        (8192, {"fsdp": 4}),
        (8192, {"sequence": 2, "tensor": 2}),
    ],
)
def test_the_gradient_compiles_for_a_tpu(tokens, shape):
    # the mesh says what is compiled for, so `auto` attention is the TPU's
    compiled = compile_gradient(CONFIG, make_mesh(shape, devices=tpu_devices()), 4, tokens)
    scores = CONFIG.n_heads * tokens**2 * 4
    assert compiled.memory_analysis().temp_size_in_bytes < scores
    assert "tpu_custom_call" in compiled.as_text()


@needs_libtpu
@pytest.mark.parametrize("shape", [{"fsdp": 64}, {"data": 2, "fsdp": 32}, {"fsdp": 8, "tensor": 8}])
def test_the_hosts_of_a_slice_share_the_rows(shape):
    mesh = make_mesh(shape, devices=tpu_devices("v4:4x4x4"))
    part, parts = row_part(mesh)
    assert (part, parts) == (0, min(16, shape["fsdp"] * shape.get("data", 1)))


@needs_libtpu
def test_several_slices_lie_along_data():
    from jax.experimental import topologies

    tpu_devices()  # sets what libtpu reads
    hosts = {"chip_config_name": "megacore", "chips_per_host_bounds": (2, 2, 1)}
    two = topologies.get_topology_desc("v4:2x2x2", platform="tpu", num_slices=2, **hosts).devices
    mesh = make_mesh({"data": 2, "fsdp": 4, "tensor": 2}, devices=two)
    slices = [{device.slice_index for device in half.flat} for half in mesh.devices]
    assert slices == [{0}, {1}]
    with pytest.raises(ValueError, match="2 TPU slices need a data axis that is a multiple of 2"):
        make_mesh({"fsdp": 16}, devices=two)


@needs_libtpu
def test_an_unknown_topology_is_one_clear_line():
    with pytest.raises(InputError, match="no topology 'v4:1x1'"):
        tpu_devices("v4:1x1")


@pytest.mark.skipif(find_spec("libtpu") is not None, reason="libtpu is installed")
def test_without_libtpu_the_error_says_what_to_install():
    with pytest.raises(MissingExtraError, match="xgen-model\\[tpu\\]"):
        tpu_devices()
