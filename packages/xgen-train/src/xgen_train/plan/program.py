"""The real training step, compiled for devices that need not be there."""

from __future__ import annotations

import contextlib
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from xgen_core import Batch, InputError, XgenError
from xgen_model import batch_sharding
from xgen_model.topology import tpu_devices, uncached
from xgen_train.objective import LanguageModelling
from xgen_train.plan.collectives import Collective, count_collectives
from xgen_train.plan.hlo import parse_program
from xgen_train.plan.memory import Memory, assigned_temporaries, read_memory
from xgen_train.plan.topology import Topology
from xgen_train.recipe import TrainRecipe
from xgen_train.state import abstract_state
from xgen_train.step import jit_step

__all__ = ["CompiledStep", "TooLargeError", "compile_program", "memory_refusal", "plan_devices"]


class TooLargeError(XgenError):
    """The step does not fit the memory of a chip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledStep:
    """What the compiler has made of a step.

    Attributes:
        hbm: memory of one device.
        collectives: by kind, of one step.
        unknown_loops: loops whose count the program does not tell; what they say counts once.
        compile_seconds: tracing, lowering and compiling.
    """

    hbm: Memory
    collectives: Mapping[str, Collective]
    unknown_loops: int
    compile_seconds: float


def plan_devices(topology: Topology) -> tuple[Sequence[Any], str]:
    """Devices to compile for, and in words what that is worth.

    Without libtpu, CPU devices stand for the chips; they must not have been counted yet.

    Raises:
        InputError: there is no such topology, or JAX runs already with fewer devices.
    """
    if topology.chip is not None and find_spec("libtpu") is not None:
        found = tpu_devices(topology.libtpu)
        return found, f"compiled ahead of time by libtpu {version('libtpu')}"
    # once a device has been asked for the number stands, and it may be enough
    with contextlib.suppress(RuntimeError):
        jax.config.update("jax_num_cpu_devices", topology.chips)
    found = jax.devices("cpu")
    if len(found) < topology.chips:
        raise InputError(
            f"{topology.name} needs {topology.chips} CPU devices, and JAX runs with {len(found)} "
            f"here: plan in a process of its own, or set JAX_NUM_CPU_DEVICES={topology.chips}"
        )
    basis = "compiled for CPU devices"
    if topology.chip is not None:
        basis = (
            f"estimated on {topology.chips} CPU devices, as libtpu is not installed "
            "(pip install 'xgen-train[plan]'): arguments are exact, temporaries, collectives and "
            "seconds are not the TPU's"
        )
    return found[: topology.chips], basis


def compile_program(
    recipe: TrainRecipe, mesh: Mesh, *, rows: int, sequence_length: int, total_steps: int
) -> CompiledStep:
    """Compile the step that `xgen train run` runs; nothing is allocated.

    Args:
        recipe: model, optimizer, guard and micro-batches.
        mesh: over the devices that are compiled for.
        rows: of the whole batch.
        sequence_length: tokens of a row.
        total_steps: where the learning rate's curve ends.

    Raises:
        TooLargeError: the compiler finds no place for it.
    """
    begun = time.perf_counter()
    objective = LanguageModelling(config=recipe.model, z_loss=recipe.z_loss)
    step = jit_step(objective, recipe, total_steps, mesh)
    field = jax.ShapeDtypeStruct((rows, sequence_length), jnp.int32, sharding=batch_sharding(mesh))
    tpu = mesh.devices.flat[0].platform == "tpu"
    with jax.set_mesh(mesh), uncached(), tempfile.TemporaryDirectory() as folder:
        lowered = step.lower(abstract_state(recipe, mesh), Batch(*(field,) * 5))
        options: dict[str, str | bool] = {"xla_dump_to": folder, "xla_dump_hlo_as_text": True}
        try:
            compiled = lowered.compile(compiler_options=options if tpu else None)
        except jax.errors.JaxRuntimeError as error:
            raise memory_refusal(error) from error
        seconds = time.perf_counter() - begun
        hbm = read_memory(compiled, assigned_temporaries(Path(folder)) if tpu else None)
    program = parse_program(compiled.as_text())
    return CompiledStep(
        hbm=hbm,
        collectives=count_collectives(program),
        unknown_loops=program.unknown_loops(),
        compile_seconds=seconds,
    )


def memory_refusal(error: jax.errors.JaxRuntimeError) -> TooLargeError:
    """In one line what a compiler says at length when memory does not suffice.

    Raises:
        JaxRuntimeError: the same, where it says something else.
    """
    text = str(error)
    if "RESOURCE_EXHAUSTED" not in text:
        raise error
    sizes = ""
    if found := re.search(r"Used ([\d.]+)(\w) of ([\d.]+)(\w) hbm", text):
        sizes = f": {found[1]} {found[2]}iB of {found[3]} {found[4]}iB"
    elif found := re.search(r"\(size=(\d+)\) would exceed memory \(size=(\d+)\)", text):
        sizes = f": one array has {int(found[1]) / 2**30:.1f} GiB of {int(found[2]) / 2**30:.1f}"
    return TooLargeError(
        f"the step does not fit into a chip's memory{sizes}; take fewer rows a chip "
        "(--batch-per-chip), more rematerialisation (--remat full), or more chips"
    )
