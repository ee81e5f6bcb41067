"""One stage of a recipe on a topology: what it takes, before anything is paid for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jax.sharding import Mesh

from xgen_core import InputError
from xgen_model import ModelConfig, make_mesh, mesh_sizes, parameter_count
from xgen_model.mesh import MESH_AXES
from xgen_model.remat import POLICIES
from xgen_train.plan.bill import Bill, bill
from xgen_train.plan.collectives import Collective
from xgen_train.plan.flops import Flops, count_flops
from xgen_train.plan.memory import Memory
from xgen_train.plan.program import compile_program, plan_devices
from xgen_train.plan.roofline import Roofline, bound
from xgen_train.plan.topology import Topology, parse_topology
from xgen_train.recipe import MeshShape, TrainRecipe
from xgen_train.rows import check_division

__all__ = ["Plan", "PlanRequest", "Planner", "parse_mesh"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What is asked; None takes what the recipe says.

    Attributes:
        topology: see `parse_topology`.
        sequence_length: None is that of the first stage.
        batch_per_chip: rows of the whole batch for each chip; None follows `batch_tokens`.
        remat: a policy of `xgen_model.remat`, or `none`.
        mesh: sizes of axes; None is `fsdp` over all chips.
        mfu_percent: for the bill. 43.5 is what others have measured for 7B on v4 at 2,048.
        price: dollars for a chip-hour.
    """

    topology: str
    sequence_length: int | None = None
    batch_per_chip: float | None = None
    remat: str | None = None
    mesh: Mapping[str, int] | None = None
    mfu_percent: float = 43.5
    price: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was found; all of it predicted, none of it measured.

    Attributes:
        kind: always `predicted`.
        basis: what the figures come from, in words.
        topology, chips, mesh: the devices.
        sequence_length, batch_per_chip, remat: what was planned.
        tokens_per_step: of the whole batch.
        parameters: of the model.
        flops_per_token: see `Flops`.
        hbm: memory of one chip.
        hbm_capacity_bytes: of one chip, where that is known.
        fits: whether the one is at most the other.
        collectives: of one step on one chip, by kind.
        unknown_loops: see `CompiledStep`.
        compile_seconds: see `CompiledStep`.
        roofline, bill: where the chip's peaks are known.
    """

    kind: Literal["predicted"] = "predicted"
    basis: str
    topology: str
    chips: int
    mesh: Mapping[str, int]
    sequence_length: int
    batch_per_chip: float
    remat: str
    tokens_per_step: int
    parameters: int
    flops_per_token: Flops
    hbm: Memory
    hbm_capacity_bytes: int | None
    fits: bool | None
    collectives: Mapping[str, Collective]
    unknown_loops: int
    compile_seconds: float
    roofline: Roofline | None
    bill: Bill | None


def parse_mesh(text: str) -> dict[str, int]:
    """`fsdp=64,tensor=2` as sizes by axis.

    Raises:
        InputError: an axis that does not exist, or no whole number behind it.
    """
    sizes: dict[str, int] = {}
    for part in text.split(","):
        axis, _, size = part.strip().partition("=")
        if axis not in MESH_AXES or not size.lstrip("-").isdigit():
            raise InputError(
                f"--mesh takes AXIS=SIZE,... with axes {', '.join(MESH_AXES)}, got {text!r}"
            )
        sizes[axis] = int(size)
    return sizes


class Planner:
    """Plans for one recipe on one topology; the devices are made once.

    Args:
        recipe: what would be run.
        topology: for how it is named see `parse_topology`.

    Raises:
        InputError: there is no such topology.
    """

    def __init__(self, recipe: TrainRecipe, topology: str) -> None:
        self.recipe = recipe
        self.topology: Topology = parse_topology(topology)
        self._devices: Sequence[Any] | None = None
        self.basis = ""

    def plan(self, request: PlanRequest) -> Plan:
        """Check, compile, count.

        Raises:
            InputError: mesh, batch or policy do not fit; said before anything is compiled.
            TooLargeError: the compiler finds no place for the step.
        """
        chips, chip = self.topology.chips, self.topology.chip
        length = request.sequence_length or self.recipe.stages[0].sequence_length
        sizes = self._sizes(request.mesh or {"fsdp": chips})
        model = self._model(request.remat, length)
        rows = self._rows(request, length, sizes)
        # what does not depend on the program is checked before the program is made
        flops = count_flops(model, length)
        cost = None
        if chip is not None:
            phases = [
                (s.sequence_length, s.steps * self.recipe.batch_tokens) for s in self.recipe.stages
            ]
            cost = bill(
                model,
                chip,
                phases,
                sequence_length=length,
                chips=chips,
                mfu_percent=request.mfu_percent,
                price=request.price,
            )
        recipe = dataclasses.replace(self.recipe, model=model, mesh=MeshShape(**sizes))
        found = compile_program(
            recipe,
            self._mesh(sizes),
            rows=rows,
            sequence_length=length,
            total_steps=self.recipe.total_steps,
        )
        tokens = rows * length
        roofline = None
        if chip is not None:
            roofline = bound(
                model,
                chip,
                flops,
                found.collectives,
                tokens=tokens / chips,
                chips=chips,
                tensor=sizes["tensor"],
            )
        capacity = None if chip is None else chip.hbm_bytes
        return Plan(
            basis=self.basis,
            topology=self.topology.name,
            chips=chips,
            mesh=sizes,
            sequence_length=length,
            batch_per_chip=rows / chips,
            remat=model.remat,
            tokens_per_step=tokens,
            parameters=parameter_count(model),
            flops_per_token=flops,
            hbm=found.hbm,
            hbm_capacity_bytes=capacity,
            fits=None if capacity is None else found.hbm.total <= capacity,
            collectives=found.collectives,
            unknown_loops=found.unknown_loops,
            compile_seconds=found.compile_seconds,
            roofline=roofline,
            bill=cost,
        )

    def _model(self, remat: str | None, length: int) -> ModelConfig:
        model = self.recipe.model
        if remat is not None and remat != "none" and remat not in POLICIES:
            raise InputError(f"--remat is none, {', '.join(POLICIES)}; got {remat!r}")
        if not 0 < length <= model.context_length:
            raise InputError(
                f"--seq-len {length} does not fit the model's context_length {model.context_length}"
            )
        return dataclasses.replace(model, remat=model.remat if remat is None else remat)

    def _sizes(self, mesh: Mapping[str, int]) -> dict[str, int]:
        try:
            return mesh_sizes(mesh, self.topology.chips)
        except ValueError as error:
            raise InputError(str(error)) from error

    def _rows(self, request: PlanRequest, length: int, sizes: Mapping[str, int]) -> int:
        chips = self.topology.chips
        exact = self.recipe.batch_tokens / length
        if request.batch_per_chip is not None:
            exact = request.batch_per_chip * chips
        rows, parts = round(exact), self.recipe.micro_batches
        if rows < 1 or rows != exact or rows % parts:
            raise InputError(
                f"{exact:g} rows of {length} tokens are no batch of {parts} micro-batches: change "
                "--batch-per-chip, --seq-len or micro_batches"
            )
        check_division(sizes, rows // parts, length)
        return rows

    def _mesh(self, sizes: Mapping[str, int]) -> Mesh:
        if self._devices is None:
            self._devices, self.basis = plan_devices(self.topology)
        return make_mesh(sizes, devices=self._devices)
