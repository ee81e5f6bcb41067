"""What a plan says, against what can be worked out by hand."""

import dataclasses
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from xgen_core import InputError
from xgen_model import PRESETS, parameter_count
from xgen_train.cli import train
from xgen_train.plan.bill import bill
from xgen_train.plan.chip import CHIPS
from xgen_train.plan.collectives import count_collectives
from xgen_train.plan.flops import count_flops
from xgen_train.plan.hlo import array_bytes, parse_program
from xgen_train.plan.memory import assigned_temporaries
from xgen_train.plan.planner import PlanRequest
from xgen_train.plan.sweep import parse_sweep
from xgen_train.plan.topology import parse_topology
from xgen_train.recipes.xgen_7b import base

RECIPE = "xgen_train.recipes.quickstart:smoke"
XGEN = PRESETS["xgen-7b-8k"]


def xgen_bill(price=1.449, mfu=43.5, length=2048):
    return bill(
        XGEN,
        CHIPS["v4"],
        [(2048, 10**12)],
        sequence_length=length,
        chips=128,
        mfu_percent=mfu,
        price=price,
    )


@pytest.mark.parametrize(
    ("name", "chips", "libtpu"),
    [
        ("v4-8", 4, "v4:2x2x1"),
        ("v4-32", 16, "v4:2x2x4"),
        ("v4-256", 128, "v4:4x4x8"),
        ("v4-384", 192, "v4:4x4x12"),
        ("v4-1024", 512, "v4:8x8x8"),
        ("v4:4x4x8", 128, "v4:4x4x8"),
        ("v5p-512", 256, "v5:4x8x8"),
        ("v5e-8", 8, "v5e:2x4"),
        ("v5litepod-256", 256, "v5e:16x16"),
        ("v6e:16x16", 256, "v6e:16x16"),
        ("cpu-8", 8, "cpu:8"),
    ],
)
def test_topologies_are_named_as_they_are_sold(name, chips, libtpu):
    topology = parse_topology(name)
    assert (topology.chips, topology.libtpu) == (chips, libtpu)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("h100-8", "unknown topology 'h100-8'"),
        ("v4", "unknown topology 'v4'"),
        ("v4-7", "no v4 slice has 7 cores"),
        ("v5e-7", "no v5e slice has 7 chips"),
        ("v4:4x4", "v4 slices have 3 dims, got 2"),
        ("cpu-0", "no devices"),
    ],
)
def test_an_unknown_topology_is_one_line_with_advice(name, message):
    with pytest.raises(InputError, match=message):
        parse_topology(name)


def test_flops_of_xgen_are_the_published_ones():
    short, long = count_flops(XGEN, 2048), count_flops(XGEN, 8192)
    assert short.palm / 1e9 == pytest.approx(44.6, abs=0.05)
    assert long.palm / 1e9 == pytest.approx(54.3, abs=0.05)
    assert short.six_n == 6 * parameter_count(XGEN)
    assert long.palm - long.causal == 6 * 32 * 4096 * 8192
    assert long.causal / short.causal == pytest.approx(1.112, abs=0.002)


def test_rematerialisation_costs_a_forward_pass_of_the_layers():
    def hardware(remat):
        return count_flops(dataclasses.replace(XGEN, remat=remat), 2048).hardware

    layers = parameter_count(XGEN) - 2 * 51_200 * 4096
    attention = 2 * 32 * 4096 * 2048
    assert hardware("full") - hardware("none") == 2 * layers + attention
    assert hardware("dots") - hardware("none") == attention


def test_a_trillion_tokens_cost_what_xgens_authors_say():
    found = xgen_bill()
    assert found.dollars_per_trillion == pytest.approx(150_000, rel=0.002)
    # 43.5 % of 275 TFLOP/s, over 44.6 GFLOP a token, by hand
    assert found.tokens_per_second_per_chip == pytest.approx(0.435 * 275e12 / 44.597e9, rel=1e-3)
    assert found.chip_hours == pytest.approx(found.chip_hours_per_trillion)
    assert found.days == pytest.approx(found.chip_hours / 128 / 24)


@pytest.mark.parametrize(
    ("price", "mfu", "thousands"), [(3.22, 40, 363), (2.03, 60, 152), (1.449, 30, 218)]
)
def test_the_bill_follows_price_and_utilisation(price, mfu, thousands):
    assert xgen_bill(price, mfu).dollars_per_trillion / 1000 == pytest.approx(thousands, rel=0.005)


def test_no_price_no_dollars():
    assert xgen_bill(price=None).dollars is None


@pytest.mark.parametrize(("price", "mfu"), [(0.0, 40), (1.0, 0), (1.0, 101)])
def test_a_bill_of_nonsense_is_refused(price, mfu):
    with pytest.raises(InputError, match=r"--price|--mfu"):
        xgen_bill(price, mfu)


PROGRAM = """HloModule jit_step, is_scheduled=true

%add (a: f32[], b: f32[]) -> f32[] {
  %a = f32[] parameter(0)
  %b = f32[] parameter(1)
  ROOT %s = f32[] add(%a, %b)
}

%body (p: (s32[], bf16[64,128])) -> (s32[], bf16[64,128]) {
  %p = (s32[], bf16[64,128]{1,0:T(8,128)(2,1)}) parameter(0)
  %k = (f32[4]{0}, bf16[2]{0}) custom-call(%p), custom_call_target="kernel", metadata={{
"a kernel's own text"
}}, metadata={op_name="x"}
  %g = bf16[64,128]{1,0:T(8,128)(2,1)S(3)} all-gather(%x), replica_groups=[2,8]<=[16]
  %r = (f32[64]{0}, f32[]) all-reduce(%y), replica_groups={{0,1,2,3},{4,5,6,7}}
}

%condition (p: (s32[], bf16[64,128])) -> pred[] {
  %c = s32[]{:T(128)} constant(5)
  ROOT %l = pred[] compare(%i, %c), direction=LT
}

ENTRY %main (p0: f32[8]) -> f32[8] {
  %w = (s32[], bf16[64,128]{1,0}) while(%t), condition=%condition, body=%body
  %s = (f32[8], f32[32]) all-gather-start(%p0), replica_groups=mesh['data'=2,'fsdp'=4] {'fsdp'}
  %d = f32[32]{0} all-gather-done(%s)
  %q = f32[2]{0} reduce-scatter(%d), replica_groups={{0,1,2,3}}, to_apply=%add
  ROOT %m = f32[8]{0} collective-permute(%p0), source_target_pairs={{0,1},{1,0}}
}
"""


def test_collectives_are_counted_with_loops_groups_and_starts():
    found = count_collectives(parse_program(PROGRAM))
    gathered = 64 * 128 * 2
    assert found["all-gather"].count == 5 + 1
    assert found["all-gather"].bytes == 5 * gathered + 32 * 4
    assert found["all-gather"].wire_bytes == 5 * gathered * 7 // 8 + 32 * 4 * 3 // 4
    assert found["all-reduce"].count == 5
    assert found["all-reduce"].wire_bytes == 5 * 2 * (260 * 3 // 4)
    assert found["reduce-scatter"].bytes == 2 * 4 * 4
    assert found["collective-permute"].bytes == found["collective-permute"].wire_bytes == 32
    assert found["all-to-all"].count == 0


def test_a_loop_whose_count_is_not_told_is_said():
    program = parse_program(PROGRAM.replace("constant(5)", "parameter(1)"))
    assert program.unknown_loops() == 1
    assert count_collectives(program)["all-gather"].count == 2


@pytest.mark.parametrize(
    ("kind", "size"),
    [("bf16[4,2]{1,0:T(8,128)}", 16), ("(f32[], pred[3])", 7), ("f8e4m3fn[10]", 10)],
)
def test_bytes_of_a_type(kind, size):
    assert array_bytes(kind) == size


def test_temporaries_are_the_block_in_the_large_memory(tmp_path):
    assert assigned_temporaries(tmp_path) is None
    (tmp_path / "module_0.jit_step.after_optimizations-buffer-assignment.txt").write_text(
        "allocation 7: size 4096, parameter 3, shape |f32[32,32]|:\n"
        "allocation 8: size 1000, page 0, preallocated-temp:\n"
        "allocation 9: size 500, color 3, page 0, preallocated-temp:\n"
    )
    assert assigned_temporaries(tmp_path) == 1000


def test_a_sweep_is_every_combination():
    request = PlanRequest(topology="v4-8", sequence_length=64)
    found = parse_sweep(["batch=1/2", "mesh=fsdp=4/data=2,fsdp=2"], request)
    assert [(r.batch_per_chip, r.mesh) for r in found] == [
        (1.0, {"fsdp": 4}),
        (1.0, {"data": 2, "fsdp": 2}),
        (2.0, {"fsdp": 4}),
        (2.0, {"data": 2, "fsdp": 2}),
    ]
    assert all(r.sequence_length == 64 for r in found)
    with pytest.raises(InputError, match="--sweep takes"):
        parse_sweep(["lr=1/2"], request)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--topology", "v4-7"], "no v4 slice"),
        (["--topology", "v4-8", "--mesh", "fsdp=3"], "a mesh of fsdp=3 does not cover 4 devices"),
        (["--topology", "v4-8", "--mesh", "width=4"], "--mesh takes"),
        (["--topology", "v4-8", "--batch-per-chip", "0.3"], "1.2 rows of 32 tokens are no batch"),
        (["--topology", "v4-8", "--seq-len", "65536"], "context_length"),
        (["--topology", "v4-8", "--remat", "most"], "--remat is none, full"),
        (["--topology", "v4-8", "--mfu", "200"], "--mfu is a percentage"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_compiled(options, message):
    result = CliRunner().invoke(train, ["plan", RECIPE, *options])
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)


COUNTING = """
import jax, jax.numpy as jnp, json
from jax.sharding import NamedSharding, PartitionSpec as P
from xgen_train.plan.collectives import count_collectives
from xgen_train.plan.hlo import parse_program
jax.config.update("jax_num_cpu_devices", 8)
mesh = jax.make_mesh((8,), ("fsdp",), axis_types=(jax.sharding.AxisType.Auto,))
def layers(x, w):
    def one(x, w):
        return jax.lax.with_sharding_constraint(x @ w, NamedSharding(mesh, P("fsdp", None))), None
    return jax.lax.scan(one, x, w)[0]
def shape(sizes, *axes):
    return jax.ShapeDtypeStruct(sizes, jnp.float32, sharding=NamedSharding(mesh, P(*axes)))
x, w = shape((64, 32), "fsdp", None), shape((3, 32, 32), None, "fsdp", None)
lowered = jax.jit(layers).lower(x, w)
found = count_collectives(parse_program(lowered.compile().as_text()))
print(json.dumps({k: [c.count, c.bytes, c.wire_bytes] for k, c in found.items() if c.count}))
"""


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_gathers_inside_a_scan_of_three_layers_are_counted_three_times():
    whole = 32 * 32 * 4
    found = run(sys.executable, "-c", COUNTING)
    assert found == {"all-gather": [3, 3 * whole, 3 * (whole * 7 // 8)]}


def test_a_plan_of_cpu_devices_counts_the_state_exactly():
    plan = run(
        *(sys.executable, "-m", "xgen_core", "train", "plan", RECIPE, "--topology", "cpu-8"),
        *("--seq-len", "32", "--batch-per-chip", "1", "--json"),
    )
    assert plan["kind"] == "predicted"
    assert "CPU devices" in plan["basis"]
    assert plan["tokens_per_step"] == 8 * 32
    # weights and two moments in float32, an eighth of each; guard, step and batch besides
    state = 3 * 4 * plan["parameters"] / 8
    assert state < plan["hbm"]["arguments_bytes"] < state + 4096
    assert plan["hbm"]["temporaries_bytes"] > 0
    assert plan["hbm"]["outputs_bytes"] - plan["hbm"]["aliased_bytes"] < 4096
    assert plan["collectives"]["all-gather"]["bytes"] > 0
    assert plan["unknown_loops"] == 0
    assert plan["bill"] is None
    assert plan["roofline"] is None


def test_the_recipes_tokens_are_billed_by_length():
    recipe = base()
    phases = [(s.sequence_length, s.steps * recipe.batch_tokens) for s in recipe.stages]
    found = bill(
        XGEN,
        CHIPS["v4"],
        phases,
        sequence_length=2048,
        chips=512,
        mfu_percent=43.5,
        price=1.449,
    )
    assert sum(p.tokens for p in found.phases) == pytest.approx(1484.52e9, rel=1e-5)
    assert found.dollars > found.dollars_per_trillion * 1.48
    assert found.days == pytest.approx(13.3, abs=0.1)
