"""A training run as a Kubernetes JobSet on TPU slices of GKE.

A JobSet (`jobset.x-k8s.io/v1alpha2`) holds a job for each slice and a pod for each host; when a pod
fails, all begin again, and the run goes on from its last checkpoint. GKE tells each pod its place
(`TPU_WORKER_ID`, `TPU_WORKER_HOSTNAMES`, and `MEGASCALE_…` for several slices), where JAX finds it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xgen_core import InputError
from xgen_model import mesh_sizes
from xgen_train.recipe import MeshShape
from xgen_train.tpu_slice import TpuSlice

__all__ = ["JobSet", "check_mesh"]

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | bool"

MOUNT = "/runs"
"""Where pods find the volume that they share."""

_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LONGEST = 40  # pods are called NAME-slice-JOB-POD-XXXXX, in at most 63 characters
_BUCKET = "gs://"
_WRONG_USAGE = 2  # what `xgen` exits with where trying again cannot help
_PORTS = (8471, 8431, 8080)  # between hosts, metrics of the TPU, between slices


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSet:
    """What a run needs to know of its cluster.

    Attributes:
        name: of the JobSet and its run.
        image: a container image with `xgen-train` and `xgen-model[tpu]`.
        command: what each pod runs.
        slice: the kind of each slice.
        slices: how many.
        volume: `gs://BUCKET`, or the name of a PersistentVolumeClaim that many pods may write to.
        restarts: how often all pods may begin again.
        grace_seconds: from SIGTERM to the end of a pod; a checkpoint is written meanwhile.
        service_account: that may use the bucket; empty for the namespace's own.
        spot: whether on capacity that may be taken back.
    """

    name: str
    image: str
    command: tuple[str, ...]
    slice: TpuSlice
    volume: str
    slices: int = 1
    restarts: int = 100
    grace_seconds: int = 300
    service_account: str = ""
    spot: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.name) > _LONGEST:
            raise InputError(
                f"--name {self.name!r}: Kubernetes wants lower-case letters, digits and dashes, a "
                f"letter first, at most {_LONGEST} characters here"
            )
        volume = self.volume.removeprefix(_BUCKET)
        if not volume or "/" in volume:
            raise InputError(
                f"--volume {self.volume!r}: expected gs://BUCKET or the name of a "
                "PersistentVolumeClaim"
            )
        if self.slices < 1 or self.restarts < 0 or self.grace_seconds < 1:
            raise ValueError("slices and grace_seconds are at least 1, restarts not negative")

    def manifest(self) -> dict[str, Json]:
        """What `kubectl apply` takes, as JSON values."""
        return {
            "apiVersion": "jobset.x-k8s.io/v1alpha2",
            "kind": "JobSet",
            "metadata": {
                "name": self.name,
                # a job has a node pool, which is a slice, for itself
                "annotations": {
                    "alpha.jobset.sigs.k8s.io/exclusive-topology": "cloud.google.com/gke-nodepool"
                },
            },
            "spec": {
                "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
                "failurePolicy": {
                    "maxRestarts": self.restarts,
                    "rules": [
                        {
                            "name": "wrong-usage",
                            "action": "FailJobSet",
                            "onJobFailureReasons": ["PodFailurePolicy"],
                        }
                    ],
                },
                "replicatedJobs": [
                    {"name": "slice", "replicas": self.slices, "template": self._job()}
                ],
            },
        }

    def _job(self) -> dict[str, Json]:
        wrong_usage = {
            "action": "FailJob",
            "onExitCodes": {"containerName": "train", "operator": "In", "values": [_WRONG_USAGE]},
        }
        return {
            "spec": {
                "completionMode": "Indexed",
                "completions": self.slice.hosts,
                "parallelism": self.slice.hosts,
                # one pod alone cannot come back to the others: the JobSet begins again
                "backoffLimit": 0,
                "podFailurePolicy": {"rules": [wrong_usage]},
                "template": self._pod(),
            }
        }

    def _pod(self) -> dict[str, Json]:
        metadata: dict[str, Json] = {}
        if self.volume.startswith(_BUCKET):  # asks for the side-car that mounts it
            metadata["metadata"] = {"annotations": {"gke-gcsfuse/volumes": "true"}}
        spot: dict[str, Json] = {"cloud.google.com/gke-spot": "true"} if self.spot else {}
        account: dict[str, Json] = {}
        if self.service_account:
            account["serviceAccountName"] = self.service_account
        return {
            **metadata,
            "spec": {
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": self.grace_seconds,
                **account,
                "nodeSelector": {
                    "cloud.google.com/gke-tpu-accelerator": self.slice.accelerator,
                    "cloud.google.com/gke-tpu-topology": self.slice.shape,
                    **spot,
                },
                "containers": [self._container()],
                "volumes": [{"name": "runs", **self._volume()}],
            },
        }

    def _container(self) -> dict[str, Json]:
        chips = str(TpuSlice.CHIPS_PER_HOST)
        environment = {
            # without a TPU it ends, rather than train on the CPU
            "JAX_PLATFORMS": "tpu,cpu",
            "JAX_COMPILATION_CACHE_DIR": f"{MOUNT}/.jax-cache",
            "PYTHONUNBUFFERED": "1",
        }
        return {
            "name": "train",
            "image": self.image,
            "command": list(self.command),
            "env": [{"name": name, "value": value} for name, value in environment.items()],
            "ports": [{"containerPort": port} for port in _PORTS],
            "resources": {k: {"google.com/tpu": chips} for k in ("requests", "limits")},
            "volumeMounts": [{"name": "runs", "mountPath": MOUNT}],
        }

    def _volume(self) -> dict[str, Json]:
        if not self.volume.startswith(_BUCKET):
            return {"persistentVolumeClaim": {"claimName": self.volume}}
        attributes = {
            "bucketName": self.volume.removeprefix(_BUCKET),
            "mountOptions": "implicit-dirs",
        }
        return {"csi": {"driver": "gcsfuse.csi.storage.gke.io", "volumeAttributes": attributes}}


def check_mesh(mesh: MeshShape, slice_: TpuSlice, slices: int) -> None:
    """See that a recipe's mesh covers the chips.

    Raises:
        InputError: it does not.
    """
    try:
        mesh_sizes(dataclasses.asdict(mesh), slice_.chips * slices, slices=slices)
    except ValueError as error:
        raise InputError(f"{error}: --set mesh.data={slices}, mesh.fsdp=… and so on") from error
