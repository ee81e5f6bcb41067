"""The mesh of devices, and one table from logical axes to its axes.

All four mesh axes are always there, size 1 where unused, so there is one code path:

    data      replicas: each has all weights, and its own rows of the batch
    fsdp      rows of the batch too, but weights and optimizer state are split along it
    sequence  the time axis of the batch is split along it
    tensor    heads, the MLP's inner width and the vocabulary are split along it
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, ParamSpec, TypeVar

import jax
from jax.experimental.mesh_utils import create_device_mesh, create_hybrid_device_mesh
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

__all__ = [
    "MESH_AXES",
    "RULES",
    "alone",
    "axis_size",
    "batch_sharding",
    "constrain",
    "make_mesh",
    "mesh_sizes",
    "on_mesh",
    "partition",
    "platform",
    "shares",
]

P = ParamSpec("P")
R = TypeVar("R")

MESH_AXES = ("data", "fsdp", "sequence", "tensor")

RULES: Mapping[str, str | tuple[str, ...] | None] = MappingProxyType(
    {
        "batch": ("data", "fsdp"),
        "time": "sequence",
        "layers": None,
        "embed": "fsdp",
        "embed_activation": None,
        "rank": None,
        "heads": "tensor",
        "kv_heads": "tensor",
        "ffn": "tensor",
        "vocab": "tensor",
    }
)
"""Logical axis → mesh axis. Change sharding here and nowhere else."""


def mesh_sizes(shape: Mapping[str, int], count: int, *, slices: int = 1) -> dict[str, int]:
    """The size of every axis of a mesh, whether or not its devices are there.

    Args:
        shape: as for `make_mesh`.
        count: devices.
        slices: TPU slices that they are in.

    Raises:
        ValueError: an unknown axis, sizes whose product is not the number of devices, or a data
            axis that the slices do not divide.
    """
    sizes = dict.fromkeys(MESH_AXES, 1) | dict(shape)
    if set(sizes) != set(MESH_AXES):
        unknown = sorted(set(sizes) - set(MESH_AXES))
        raise ValueError(f"unknown mesh axes {unknown}; the axes are {', '.join(MESH_AXES)}")
    free = [axis for axis, size in sizes.items() if size == -1]
    fixed = math.prod(size for size in sizes.values() if size != -1)
    if len(free) == 1 and fixed > 0:
        sizes[free[0]] = count // fixed
    if any(s < 1 for s in sizes.values()) or math.prod(sizes.values()) != count:
        said = ", ".join(f"{axis}={size}" for axis, size in shape.items())
        raise ValueError(f"a mesh of {said} does not cover {count} devices exactly")
    if sizes["data"] % slices:
        raise ValueError(
            f"{slices} TPU slices need a data axis that is a multiple of {slices}, not "
            f"{sizes['data']}: it alone goes across the network between them"
        )
    return sizes


def make_mesh(
    shape: Mapping[str, int] | None = None, *, devices: Sequence[Any] | None = None
) -> Mesh:
    """A mesh over `devices` (all of them by default) with the axes of `MESH_AXES`.

    Several TPU slices are laid out along `data`, whose traffic is least: gradients, once a step.

    Args:
        shape: size of each axis; missing ones are 1, and one may be -1 for "the rest". None means
            everything along `fsdp`.
        devices: which, in order.

    Raises:
        ValueError: as `mesh_sizes`.
    """
    found = jax.devices() if devices is None else devices
    slices = len({getattr(d, "slice_index", 0) if d.platform == "tpu" else 0 for d in found})
    sizes = mesh_sizes({"fsdp": -1} if shape is None else shape, len(found), slices=slices)
    within = (sizes["data"] // slices, *(sizes[a] for a in MESH_AXES[1:]))
    if slices == 1:
        array = create_device_mesh(within, found, allow_split_physical_axes=True)
    else:
        between = (slices, *(1 for _ in MESH_AXES[1:]))
        array = create_hybrid_device_mesh(within, between, found, allow_split_physical_axes=True)
    return Mesh(array, MESH_AXES, axis_types=(AxisType.Auto,) * len(MESH_AXES))


def partition(
    axes: Sequence[str | None], shape: Sequence[int], sizes: Mapping[str, int]
) -> PartitionSpec:
    """Follow the table, but leave whole what the mesh does not divide.

    Args:
        axes: a logical axis for each dim, or None.
        shape: of the array.
        sizes: of the mesh axes.
    """
    parts: list[str | tuple[str, ...] | None] = []
    for axis, size in zip(axes, shape, strict=True):
        rule = None if axis is None else RULES[axis]
        names = (rule,) if isinstance(rule, str) else rule or ()
        ways = math.prod(sizes[n] for n in names)
        parts.append(rule if ways > 1 and size % ways == 0 else None)
    return PartitionSpec(*parts)


def constrain(x: Array, *axes: str | None) -> Array:
    """Tell the compiler where an activation lies; nothing happens outside `jax.set_mesh`."""
    if alone():
        return x
    sizes = jax.sharding.get_abstract_mesh().shape
    return jax.lax.with_sharding_constraint(x, partition(axes, x.shape, sizes))


def platform() -> Literal["cpu", "gpu", "tpu"]:
    """What is being compiled for: the active mesh's devices, else the default ones."""
    mesh = jax.sharding.get_abstract_mesh()
    device = None if mesh.empty else mesh.abstract_device
    kind = jax.default_backend() if device is None else device.device_kind.lower()
    for name in ("cpu", "tpu"):
        if kind.startswith(name):
            return name
    return "gpu"


def alone() -> bool:
    """Whether one device is compiled for: no active mesh, or one of a single device."""
    mesh = jax.sharding.get_abstract_mesh()
    return mesh.empty or mesh.size == 1


def axis_size(axis: str) -> int:
    """Devices along an axis of the active mesh; 1 outside `jax.set_mesh`."""
    mesh = jax.sharding.get_abstract_mesh()
    return 1 if mesh.empty else mesh.shape.get(axis, 1)


def shares(axis: str, size: int) -> int:
    """How many parts the active mesh makes of a dim of `size` with this logical axis."""
    mesh = jax.sharding.get_abstract_mesh()
    if mesh.empty:
        return 1
    rule = partition((axis,), (size,), mesh.shape)[0]
    names = (rule,) if isinstance(rule, str) else rule or ()
    return math.prod(mesh.shape[name] for name in names)


def on_mesh(mesh: Mesh, function: Callable[P, R]) -> Callable[P, R]:
    """The function, to be called with `mesh` as the active one.

    Model functions split attention, the loss and activations over the active mesh only; compiled
    without one they are still right, but the compiler has to guess, and kernels stay whole.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with jax.set_mesh(mesh):
            return function(*args, **kwargs)

    return run


def batch_sharding(mesh: Mesh) -> NamedSharding:
    """Of every `[b, t]` array of a batch: rows over `data` and `fsdp`, time over `sequence`."""
    return NamedSharding(mesh, PartitionSpec(RULES["batch"], RULES["time"]))
