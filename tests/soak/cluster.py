"""A Ray cluster of two raylets on this machine.

python tests/soak/cluster.py      prints `address HOST:PORT`, and ends when its input does
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping


@contextlib.contextmanager
def two_nodes(environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Start a head and a second node, one CPU each; yields the cluster's address.

    Args:
        environment: of the nodes' processes, and so of the workers that they start.
    """
    from ray.cluster_utils import Cluster

    before = dict(os.environ)
    os.environ.update(environment or {})
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    try:
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        cluster.add_node(num_cpus=1)
    finally:
        os.environ.clear()
        os.environ.update(before)
    try:
        yield cluster.address
    finally:
        for node in reversed(cluster.list_all_nodes()):
            cluster.remove_node(node, allow_graceful=False)


if __name__ == "__main__":
    with two_nodes() as address:
        print("address", address, flush=True)
        sys.stdin.read()
