"""Several processes and several devices: the same run, and one clear line when they fail."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from xgen_core import InputError, XgenError
from xgen_train.distributed import joined, leader_only, leads

TOPOLOGIES = Path(__file__).with_name("topologies.py")
COORDINATOR, COUNT, INDEX = "JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"


def free_address():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


def start(arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "xgen_train", "run", *map(str, arguments)],
        env=os.environ | {"JAX_NUM_CPU_DEVICES": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process):
    try:
        out, error = process.communicate(timeout=120)
    finally:
        process.kill()
    return process.returncode, out, error


def test_eight_devices_and_two_processes_train_as_one_device_does(store, tmp_path):
    # less optimising: what is tested is the partitioning, and many programs are slow to compile
    done = subprocess.run(
        [sys.executable, str(TOPOLOGIES), str(store), str(tmp_path)],
        env=os.environ | {"XLA_FLAGS": "--xla_backend_optimization_level=0"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3


def test_one_process_that_cannot_go_on_ends_the_others_at_once(store, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text("{}")
    address = free_address()
    arguments = [f"{TOPOLOGIES}:recipe", "--set", f"store={store}", "-o", tmp_path / "out"]
    processes = [
        start(arguments, **{COORDINATOR: address, COUNT: "2", INDEX: str(i)}) for i in range(2)
    ]
    ends = [end(process) for process in processes]
    assert [code for code, _, _ in ends] == [1, 1]
    assert "run.json" in ends[0][2]
    assert "xgen: error: process 0 of this run failed" in ends[1][2]


def test_tasks_of_slurm_find_each_other():
    program = (
        "from xgen_train.distributed import joined, leader_only\n"
        "import jax\n"
        "with joined():\n"
        "    leader_only(lambda: print('once', flush=True))\n"
        "    print(jax.process_index(), 'of', jax.process_count())\n"
    )
    shared = {
        "JAX_COORDINATOR_PORT": free_address().rpartition(":")[2],
        "SLURM_JOB_ID": "1",
        "SLURM_NTASKS": "2",
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_STEP_NUM_TASKS": "2",
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            env=os.environ | shared | {"SLURM_PROCID": i, "SLURM_LOCALID": i},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in "01"
    ]
    (_, first, _), (_, second, _) = map(end, processes)
    assert "once" in first
    assert "0 of 2" in first
    assert "once" not in second
    assert "1 of 2" in second


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({COORDINATOR: "127.0.0.1:1", COUNT: "2"}, "JAX_PROCESS_ID is not"),
        ({COORDINATOR: "127.0.0.1:1", COUNT: "two", INDEX: "0"}, "JAX_NUM_PROCESSES is 'two'"),
        ({COORDINATOR: "127.0.0.1:1", COUNT: "2", INDEX: "2"}, "JAX_PROCESS_ID is 2"),
    ],
)
def test_half_an_environment_is_refused(environment, message, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=message), joined():
        pass


def test_a_launcher_that_jax_does_not_know_is_named(tmp_path):
    code, _, error = end(start([f"{TOPOLOGIES}:recipe", "-o", tmp_path], OMPI_COMM_WORLD_SIZE="2"))
    assert code == 1
    assert "by Open MPI, but JAX cannot join them" in error
    assert len(error.splitlines()) == 1


def test_a_process_that_finds_no_others_says_so_in_one_line(tmp_path):
    arguments = [f"{TOPOLOGIES}:recipe", "-o", tmp_path / "out"]
    processes = [  # neither leads to the other
        start(
            arguments, **{COORDINATOR: free_address(), COUNT: "2", INDEX: i}, XGEN_JOIN_SECONDS="2"
        )
        for i in "01"
    ]
    for code, out, error in map(end, processes):
        assert code == 1
        assert "did not find each other at 127.0.0.1" in error
        assert len(error.splitlines()) == 1
        assert out == ""
    assert not (tmp_path / "out").exists()


def test_a_process_alone_leads_and_needs_nothing(monkeypatch):
    for name in (COORDINATOR, COUNT, INDEX):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "1")
    done = []
    with joined():
        leader_only(lambda: done.append(leads()))
    assert done == [True]
    with pytest.raises(XgenError, match="no store"), joined():
        leader_only(lambda: _fail(XgenError("no store")))


def _fail(error):
    raise error
