"""Compiling for TPUs on a machine that has none.

libtpu compiles for any topology it is told of: the program, its memory and its collectives are
those of the real one; only running it takes the TPU.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental.compilation_cache import compilation_cache
from jax.sharding import Mesh
from jaxtyping import Array, Float

from xgen_core.errors import InputError, MissingExtraError
from xgen_core.records import Batch
from xgen_model.config import ModelConfig
from xgen_model.cross_entropy import loss
from xgen_model.mesh import batch_sharding
from xgen_model.model import Params, abstract_params
from xgen_model.sharding import shardings

__all__ = ["compile_gradient", "tpu_devices", "uncached"]

_MEGACORE = ("v4", "v5", "v5p")
"""Kinds whose two cores a chip work as one device."""

_ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {
        # Without these two it asks a metadata server for minutes; only Google has one.
        "TPU_SKIP_MDS_QUERY": "1",
        "TPU_WORKER_HOSTNAMES": "localhost",
        # Without this one it is one process a machine that may compile.
        "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
        # Without this one it says that it does not know where it is.
        "TPU_ACCELERATOR_TYPE": "v4-8",
    }
)
"""What libtpu reads when it is loaded."""


def tpu_devices(topology: str = "v4:2x2x1") -> Sequence[Any]:
    """Devices to compile for, one a chip: `make_mesh(shape, devices=tpu_devices("v4:4x4x8"))`.

    Sets environment variables that libtpu reads, unless they are set.

    Args:
        topology: kind and chips along each dim, as libtpu names it: `v4:4x4x8`, `v5e:8x16`.

    Raises:
        MissingExtraError: libtpu is not installed.
        InputError: libtpu knows no such topology.
    """
    if find_spec("libtpu") is None:
        raise MissingExtraError("compiling for a TPU", "xgen-model[tpu]")
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from jax.experimental import topologies

    kind, _, chips = topology.partition(":")
    sizes = [int(size) for size in chips.split("x") if size.isdigit()]
    flat = len(sizes) == 2
    sizes += [1] * (3 - len(sizes))
    hosts = (2, 2, 1) if kind in _MEGACORE else (min(sizes[0], 2), min(sizes[1], 2), 1)
    options: dict[str, Any] = {
        "num_slices": 1,
        "chips_per_host_bounds": hosts,
        # Links close to rings along whole cubes, in two dims along a whole side of the pod only;
        # without rings the compiler has no all-gather over three dims, and sums zeros instead.
        "wrap": tuple(size % (16 if flat else 4) == 0 for size in sizes),
    }
    if kind in _MEGACORE:
        options["chip_config_name"] = "megacore"
    try:
        return topologies.get_topology_desc(topology, platform="tpu", **options).devices
    except Exception as error:  # libtpu raises several kinds, all about the name
        raise InputError(
            f"libtpu knows no topology {topology!r} ({error}); they look like v4:2x2x1 or v5e:4x4"
        ) from error


@contextlib.contextmanager
def uncached() -> Iterator[None]:
    """Compile without JAX's persistent cache.

    It writes programs for devices that are not there, and then cannot read them: each later
    compilation warns of that.
    """
    before = jax.config.values["jax_enable_compilation_cache"]
    try:
        jax.config.update("jax_enable_compilation_cache", False)
        compilation_cache.reset_cache()  # whether there is one is looked up once only
        yield
    finally:
        jax.config.update("jax_enable_compilation_cache", before)
        compilation_cache.reset_cache()


def compile_gradient(
    config: ModelConfig, mesh: Mesh, rows: int, tokens: int
) -> jax.stages.Compiled:
    """Compile mean loss and gradients of a batch `[rows, tokens]` for a mesh of any devices.

    Nothing is allocated.

    Args:
        config: of the model.
        mesh: from `make_mesh`.
        rows: of the whole batch.
        tokens: of each row.
    """
    where = shardings(config, mesh)
    params = jax.tree.map(
        lambda a, s: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=s),
        abstract_params(config),
        where,
    )
    field = jax.ShapeDtypeStruct((rows, tokens), jnp.int32, sharding=batch_sharding(mesh))

    def mean(params: Params, batch: Batch[Array]) -> Float[Array, ""]:
        sums = loss(config, params, batch)
        return sums.nll / sums.tokens

    with jax.set_mesh(mesh), uncached():
        gradient = jax.jit(jax.value_and_grad(mean), out_shardings=(None, where))
        return gradient.lower(params, Batch(*(field,) * 5)).compile()
