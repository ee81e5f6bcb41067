"""Plans of TPUs, on machines that have none."""

import dataclasses
import json
from importlib.util import find_spec

import jax
import pytest
from click.testing import CliRunner

import xgen_train.plan.program as program
from xgen_model import PRESETS
from xgen_train.cli import train
from xgen_train.plan.planner import Planner, PlanRequest
from xgen_train.plan.program import TooLargeError, memory_refusal
from xgen_train.plan.sweep import parse_sweep, sweep
from xgen_train.plan.text import describe, table
from xgen_train.recipes.quickstart import smoke

needs_libtpu = pytest.mark.skipif(
    find_spec("libtpu") is None, reason="needs libtpu: pip install 'xgen-train[plan]'"
)


def recipe():
    model = dataclasses.replace(
        PRESETS["tiny"],
        d_model=256,
        n_layers=2,
        n_heads=2,
        n_kv_heads=2,
        d_ff=512,
        dtype="bfloat16",
        remat="full",
        scan_layers=True,
        loss_chunk=64,
    )
    return dataclasses.replace(smoke(), model=model)


@needs_libtpu
def test_the_real_step_is_planned_for_a_slice():
    planner = Planner(recipe(), "v4-8")
    plan = planner.plan(
        PlanRequest(topology="v4-8", sequence_length=256, batch_per_chip=1, price=1.449)
    )
    state = 3 * 4 * plan.parameters / 4
    assert state < plan.hbm.arguments_bytes < 1.05 * state
    # the new state lies where the old one lay
    assert plan.hbm.outputs_bytes - plan.hbm.aliased_bytes < 2**16
    assert plan.fits
    assert plan.unknown_loops == 0
    # every layer's matrices are gathered twice, in bf16, the head's blocks twice, the ids once
    layers = 2 * (4 * 256 * 256 + 3 * 256 * 512) * 2
    head = 2048 * 256 * 2
    assert 2 * (layers + head) <= plan.collectives["all-gather"].bytes <= 4 * (layers + head)
    assert plan.roofline is not None
    assert 0 < plan.roofline.mfu_percent < 100
    text = describe(plan)
    assert text.startswith("PREDICTED, not measured: compiled ahead of time by libtpu")
    assert "fits" in text
    assert "$" in text


@needs_libtpu
def test_a_sweep_marks_what_does_not_fit_and_puts_it_last():
    planner = Planner(recipe(), "v4-8")
    request = PlanRequest(topology="v4-8", sequence_length=256, batch_per_chip=1)
    found = sweep(planner, parse_sweep(["mesh=fsdp=3/fsdp=4"], request))
    assert [outcome.plan is not None for outcome in found] == [True, False]
    assert "does not cover 4 devices" in found[-1].refusal
    assert "no: a mesh of fsdp=3" in table(found)


def test_without_libtpu_cpu_devices_stand_for_the_chips_and_the_plan_says_so(monkeypatch):
    monkeypatch.setattr(program, "find_spec", lambda name: None)
    result = CliRunner().invoke(
        train,
        [
            *("plan", "xgen_train.recipes.quickstart:smoke", "--topology", "v6e-1"),
            *("--seq-len", "32", "--batch-per-chip", "8", "--json"),
        ],
    )
    assert result.exit_code == 0, result.exception
    plan = json.loads(result.stdout)
    assert "estimated on 1 CPU devices, as libtpu is not installed" in plan["basis"]
    assert "pip install 'xgen-train[plan]'" in plan["basis"]
    assert plan["hbm"]["arguments_bytes"] > 12 * plan["parameters"]
    assert plan["bill"]["days"] > 0


@pytest.mark.parametrize(
    ("said", "sizes"),
    [
        (
            "RESOURCE_EXHAUSTED: XLA:TPU compile permanent error. Ran out of memory in memory "
            "space hbm. Used 174.24G of 30.75G hbm. Exceeded hbm capacity by 143.49G.",
            "174.24 GiB of 30.75 GiB",
        ),
        (
            "RESOURCE_EXHAUSTED: Allocation (size=31457280000) would exceed memory "
            "(size=17179869184) :: #allocation273",
            "one array has 29.3 GiB of 16.0",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(said, sizes):
    refusal = memory_refusal(jax.errors.JaxRuntimeError(said))
    assert isinstance(refusal, TooLargeError)
    assert f"does not fit into a chip's memory: {sizes}; take fewer rows" in str(refusal)


def test_another_error_of_the_compiler_stays_what_it_is():
    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        memory_refusal(jax.errors.JaxRuntimeError("INTERNAL: no"))
