"""The manifest of a run on GKE."""

import json
import subprocess
import sys

import pytest
import yaml
from click.testing import CliRunner

from xgen_core import InputError
from xgen_train.cli import train
from xgen_train.tpu_slice import TpuSlice

BASE = ("xgen_train.recipes.xgen_7b:base", "--image", "registry/xgen:1", "--name", "xgen-7b")
ONE = (*BASE, "--topology", "v4-256", "--volume", "gs://my-runs", "--set", "store=gs://data/store")
TWO = (*BASE, "--topology", "v5e-256", "--volume", "shared", "--slices", "2", "--spot")
MESH = ("--set", "mesh.data=2", "--service-account", "trainer")


def manifest(*arguments):
    result = CliRunner().invoke(train, ["jobset", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return yaml.safe_load(result.stdout)


def unknown(given, understood, where=""):
    """Fields that a model dropped or changed; it may add defaults."""
    if isinstance(given, dict):
        for key, value in given.items():
            yield from unknown(value, understood.get(key), f"{where}.{key}")
    elif isinstance(given, list):
        for i, value in enumerate(given):
            yield from unknown(value, understood[i], f"{where}.{i}")
    elif given != understood or type(given) is not type(understood):
        yield where


@pytest.mark.parametrize("arguments", [ONE, (*TWO, *MESH)])
def test_the_manifest_is_of_the_published_schema(arguments):
    # pydantic classes generated from the OpenAPI schema of JobSet and of Kubernetes itself
    from kubeflow_trainer_api.models.jobset_v1alpha2_job_set import JobsetV1alpha2JobSet

    made = manifest(*arguments)
    understood = JobsetV1alpha2JobSet.from_dict(made).to_dict()
    assert list(unknown(made, understood)) == []
    made["spec"]["replicatedJobs"][0]["template"]["spec"]["backOffLimit"] = 0
    understood = JobsetV1alpha2JobSet.from_dict(made).to_dict()
    assert list(unknown(made, understood)) == [".spec.replicatedJobs.0.template.spec.backOffLimit"]


def test_each_host_has_a_pod_with_its_chips_and_the_shared_runs():
    made = manifest(*ONE)
    (replicated,) = made["spec"]["replicatedJobs"]
    job = replicated["template"]["spec"]
    assert replicated["replicas"] == 1
    assert (job["completions"], job["parallelism"], job["backoffLimit"]) == (32, 32, 0)
    assert job["completionMode"] == "Indexed"
    pod = job["template"]["spec"]
    assert pod["nodeSelector"] == {
        "cloud.google.com/gke-tpu-accelerator": "tpu-v4-podslice",
        "cloud.google.com/gke-tpu-topology": "4x4x8",
    }
    assert pod["restartPolicy"] == "Never"
    (container,) = pod["containers"]
    assert container["resources"]["limits"] == {"google.com/tpu": "4"}
    assert container["command"][3:6] == [BASE[0], "--output", "/runs/xgen-7b"]
    assert container["command"][-2:] == ["--set", "store=gs://data/store"]
    # 0 would say that the run is done
    assert container["command"][6:8] == ["--stopped-exit", "143"]
    assert container["volumeMounts"] == [{"name": "runs", "mountPath": "/runs"}]
    assert pod["volumes"][0]["csi"]["volumeAttributes"]["bucketName"] == "my-runs"


def test_several_slices_are_replicas_on_a_claim():
    made = manifest(*TWO, *MESH)
    (replicated,) = made["spec"]["replicatedJobs"]
    assert replicated["replicas"] == 2
    assert replicated["template"]["spec"]["completions"] == 64
    pod = replicated["template"]["spec"]["template"]["spec"]
    assert pod["nodeSelector"]["cloud.google.com/gke-spot"] == "true"
    assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "shared"}
    assert pod["serviceAccountName"] == "trainer"
    assert "*" not in json.dumps(made)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*ONE, "--topology", "v4-9"), "no v4 slice has 9 cores"),
        ((*ONE, "--topology", "v3-8"), "unknown topology 'v3-8': kinds are v4, v5e, v5p, v6e"),
        ((*ONE, "--topology", "v4:4x8"), "v4 slices have 3 dims"),
        ((*ONE, "--topology", "cpu-8"), "no slice of TPU hosts"),
        ((*ONE, "--name", "XGen_7B"), "--name 'XGen_7B': Kubernetes wants lower-case"),
        ((*ONE, "--volume", "gs://bucket/runs"), "expected gs://BUCKET or the name"),
        (
            (*ONE, "--set", "mesh.fsdp=64"),
            "fsdp=64, sequence=1, tensor=1 does not cover 128 devices",
        ),
        (
            (*ONE, "--set", "mesh.tensor=3"),
            "fsdp=-1, sequence=1, tensor=3 does not cover 128 devices",
        ),
        (TWO, "2 TPU slices need a data axis that is a multiple of 2, not 1"),
        ((*ONE, "--set", "z_los=1"), "z_los"),
    ],
)
def test_what_cannot_run_is_refused_in_one_line(arguments, message):
    done = subprocess.run(
        [sys.executable, "-m", "xgen_train", "jobset", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {1, 2}
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("name", "shape", "hosts"),
    [
        ("v4-8", "2x2x1", 1),
        ("v4-16", "2x2x2", 2),
        ("v4-64", "2x4x4", 8),
        ("v4-256", "4x4x8", 32),
        ("v5p-1024", "8x8x8", 128),
        ("v5e-32", "4x8", 8),
        ("v6e-256", "16x16", 64),
        ("v4:4x4x8", "4x4x8", 32),
    ],
)
def test_slices_by_name_and_by_shape(name, shape, hosts):
    found = TpuSlice.parse(name)
    assert (found.shape, found.hosts) == (shape, hosts)


def test_a_name_counts_cores_where_chips_have_two():
    assert TpuSlice.parse("v4-256").chips == 128
    assert TpuSlice.parse("v5e-256").chips == 256
    with pytest.raises(InputError):
        TpuSlice.parse("v4-9")
