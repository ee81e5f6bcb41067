"""A run on a Ray cluster, through Ray Train's `JaxTrainer`.

Ray starts a process on each worker, and all of them again when one is lost; the run then goes on
from its last checkpoint, as it does wherever else it is started again. On TPUs and GPUs Ray joins
the processes itself, on CPUs we do.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xgen_core import InputError, MissingExtraError, XgenError
from xgen_core.codec import decode, encode
from xgen_train.recipe import TrainRecipe
from xgen_train.tpu_slice import TpuSlice

if TYPE_CHECKING:
    from xgen_train.trainer import TrainResult

__all__ = ["RayWorkers", "train_on_ray"]

_CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RayWorkers:
    """Which workers a run gets.

    Attributes:
        count: how many, a process each.
        gpus: of each worker.
        slice: TPU chips, all of them, instead; then there is a worker for each host.
        restarts: how often all may begin again.
    """

    count: int = 1
    gpus: int = 0
    slice: TpuSlice | None = None
    restarts: int = 3

    def __post_init__(self) -> None:
        if self.count < 1 or self.gpus < 0 or self.restarts < 0:
            raise ValueError("count is at least 1, gpus and restarts not negative")
        if self.slice is not None and (self.gpus or self.count not in {1, self.slice.hosts}):
            raise InputError(
                f"a TPU slice of {self.slice.chips} chips has {self.slice.hosts} hosts, a worker "
                "each: leave --workers and --gpus out"
            )

    @property
    def accelerated(self) -> bool:
        """Whether they are more than CPUs."""
        return self.gpus > 0 or self.slice is not None


def train_on_ray(
    recipe: TrainRecipe, output: Path | str, *, address: str, workers: RayWorkers
) -> TrainResult:
    """`train`, on the workers of a cluster that see the same files as this process.

    Args:
        recipe: the resolved recipe.
        output: the run directory.
        address: of the cluster, as `ray.init` takes it: `auto`, or HOST:PORT.
        workers: which.

    Raises:
        MissingExtraError: Ray is not installed.
        XgenError: there is no such cluster, or what `train` raised on a worker.
    """
    ray = _connect(address)
    api, jax_api = (importlib.import_module(n) for n in ("ray.train", "ray.train.v2.jax"))
    path = Path(output).absolute()
    trainer = jax_api.JaxTrainer(
        _work,
        train_loop_config={"recipe": encode(recipe), "output": str(path)},
        scaling_config=_scaling(api, workers),
        run_config=api.RunConfig(
            name=path.name,
            storage_path=str(path.parent / ".ray"),
            # on CPUs, JAX is not to look for anything else
            worker_runtime_env={}
            if workers.accelerated
            else {"env_vars": {"JAX_PLATFORMS": "cpu"}},
            failure_config=api.FailureConfig(max_failures=workers.restarts),
        ),
    )
    with contextlib.redirect_stdout(sys.stderr):  # what the workers print is no result
        try:
            values = trainer.fit().return_value
        except api.TrainingFailedError as error:
            raise _reason(error) from error
        finally:
            ray.shutdown()
    from xgen_train.trainer import TrainResult

    return decode(TrainResult, values)


def _connect(address: str) -> Any:
    if importlib.util.find_spec("ray") is None:
        raise MissingExtraError("training on Ray", "xgen-train[ray]")
    ray = importlib.import_module("ray")
    try:
        host, _, port = address.rpartition(":")
        if host and port.isdecimal():  # Ray itself would try a dead address for minutes
            socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
        ray.init(address=address, logging_level="error")
    except (OSError, RuntimeError, ValueError) as error:  # ConnectionError is an OSError
        reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
        raise XgenError(
            f"no Ray cluster at {address!r}: {reason}; start one with 'ray start --head', or give "
            "the HOST:PORT that it printed"
        ) from error
    return ray


def _scaling(api: Any, workers: RayWorkers) -> Any:
    if workers.slice is None:
        gpus = {"GPU": workers.gpus} if workers.gpus else {}
        return api.ScalingConfig(
            num_workers=workers.count,
            use_gpu=workers.gpus > 0,
            resources_per_worker={"CPU": 1, **gpus},
        )
    return api.ScalingConfig(
        use_tpu=True,
        num_workers=workers.slice.hosts,
        topology=workers.slice.shape,
        accelerator_type=f"TPU-{workers.slice.kind.upper()}",
        resources_per_worker={"TPU": workers.slice.CHIPS_PER_HOST},
    )


def _work(config: dict[str, Any]) -> Any:
    """One worker's part."""
    import jax

    from xgen_train.distributed import joined
    from xgen_train.trainer import train

    context = importlib.import_module("ray.train").get_context()
    ours = context.get_world_size() > 1 and not jax.distributed.is_initialized()
    if ours:
        os.environ |= _meeting(context)
    with joined():
        result = train(decode(TrainRecipe, config["recipe"]), config["output"])
    if ours:
        jax.distributed.shutdown()
    return encode(result)


def _meeting(context: Any) -> dict[str, str]:
    """Where the workers find each other: on the first one's machine."""
    collective = importlib.import_module("ray.train.collective")
    address = None
    if context.get_world_rank() == 0:
        host = importlib.import_module("ray.util").get_node_ip_address()
        with socket.socket() as found:
            found.bind((host, 0))
            address = f"{host}:{found.getsockname()[1]}"
    return {
        "JAX_COORDINATOR_ADDRESS": collective.broadcast_from_rank_zero(address),
        "JAX_NUM_PROCESSES": str(context.get_world_size()),
        "JAX_PROCESS_ID": str(context.get_world_rank()),
    }


def _reason(error: Any) -> XgenError:
    """What a user can act on: our own error of the first worker that has one."""
    failures = getattr(error, "worker_failures", {})
    for _, failure in sorted(failures.items()):
        cause: Any = failure
        while cause is not None:
            if isinstance(cause, XgenError):
                return cause
            cause = getattr(cause, "_base_exc", None) or getattr(cause, "cause", None)
    return XgenError(f"the run failed on Ray: {error}")
