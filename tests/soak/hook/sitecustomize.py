"""Makes a command kill itself at a chosen point. On the path of every process of a soak run.

The directory `SOAK` holds `plan.json`: {"phase": …, "count": …}. Each time any process of the
command passes a point of a phase it adds a byte to `hits-PHASE`; the one that adds the count-th
writes down where it was and kills the command's whole process group, and itself, with SIGKILL.
Nothing is caught, flushed or closed. {"seconds": …} kills training after that time, wherever it is.
"""

import fcntl
import json
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

SOAK = Path(os.environ["SOAK"])


def pass_point(phase, detail=""):
    with (SOAK / f"hits-{phase}").open("ab") as hits:
        fcntl.flock(hits, fcntl.LOCK_EX)
        hits.write(b".")
        hits.flush()
        count = hits.tell()
    try:
        plan = json.loads((SOAK / "plan.json").read_text())
    except FileNotFoundError:
        return
    if (plan.get("phase"), plan.get("count")) == (phase, count):
        end(plan, {"phase": phase, "hit": count, "at": str(detail)})


def end(plan, kill):
    with (SOAK / "kills.jsonl").open("a") as log:
        log.write(json.dumps(kill) + "\n")
        log.flush()
        os.fsync(log.fileno())
    (SOAK / "plan.json").unlink()
    if not plan.get("only_this_process"):
        os.killpg(int((SOAK / "group").read_text()), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)  # a Ray worker is in no group of the command's


def around(module, name, phase, *, only_results=False, method_of=None):
    owner = getattr(module, method_of) if method_of else module
    original = getattr(owner, name)

    def wrapped(*arguments, **options):
        if not only_results:
            pass_point(phase, name)
        result = original(*arguments, **options)
        if result is not None or not only_results:
            pass_point(phase, f"after {name}")
        return result

    setattr(owner, name, wrapped)


def around_awaited(owner, name, phase):
    original = getattr(owner, name)

    async def wrapped(*arguments, **options):
        pass_point(phase, name)
        result = await original(*arguments, **options)
        pass_point(phase, f"after {name}")
        return result

    setattr(owner, name, wrapped)


def install_distill():
    from xgen_distill import examiner, runs, stages, student
    from xgen_distill.sets import builder
    from xgen_distill.teacher import teacher

    around_awaited(student.Student, "attempt", "attempt")
    around_awaited(examiner.Examiner, "trial", "execute")
    around_awaited(stages, "check_gold", "execute")
    around_awaited(teacher.Teacher, "refine", "refine")
    around_awaited(stages.Stages, "_verified", "verify")
    around(stages, "choose", "verify")
    around_awaited(runs, "build_sets", "build")
    around_awaited(builder, "_run", "build")
    for path_method in ("replace", "rename"):
        original = getattr(Path, path_method)

        def moved(self, target, _original=original):
            parts = {Path(target).name, Path(target).parent.name}
            built = any(part.endswith(("sets", "results.json")) for part in parts)
            if not built and not any(part.startswith(".partial-sets") for part in parts):
                return _original(self, target)
            pass_point("build", f"before {Path(target).name}")
            result = _original(self, target)
            pass_point("build", f"after {Path(target).name}")
            return result

        setattr(Path, path_method, moved)


def install_build():
    from xgen_data import builder, reading, tokens

    for path_method in ("replace", "rename"):
        original = getattr(Path, path_method)

        def moved(self, target, _original=original):
            if ".partial-" not in str(self):
                return _original(self, target)
            pass_point("rename", f"before {Path(target).name}")
            result = _original(self, target)
            pass_point("rename", f"after {Path(target).name}")
            return result

        setattr(Path, path_method, moved)
    around(builder, "write_manifest", "manifest")
    around(builder, "write_summary", "manifest")
    around(builder, "remove_copies", "work")
    around(reading, "_row", "work")
    around(tokens, "encode_texts", "work")
    for name in ("finished_read", "finished_file", "finished_shard"):
        around(builder, name, "restore", only_results=True)


def install_train():
    from xgen_model import arrays, checkpoint
    from xgen_train import monitor
    from xgen_train.faults import rollback

    write = arrays._write

    def written_in_halves(directory, file):
        path = directory / file.path
        pass_point("write", f"before {file.path}")
        path.write_bytes(bytes(arrays._bytes(file))[: arrays._bytes(file).nbytes // 2])
        pass_point("write", f"half of {file.path}")
        path.unlink()
        return write(directory, file)

    arrays._write = written_in_halves
    for path_method in ("replace", "rename"):
        original = getattr(Path, path_method)

        def moved(self, target, _original=original):
            name, parent = Path(target).name, Path(target).parent.name
            if name.isdigit() and self.name.startswith(".partial-"):
                phase = "rename"  # a step of a checkpoint appears
            elif name.startswith(".partial-"):
                phase = "remove"
            elif parent.startswith(".partial-"):
                phase = "write"  # its manifest
            else:
                return _original(self, target)
            pass_point(phase, f"before {parent}/{name}")
            result = _original(self, target)
            pass_point(phase, f"after {parent}/{name}")
            return result

        setattr(Path, path_method, moved)
    around(monitor, "step", "step", method_of="Monitor")
    around(rollback, "go_back", "rollback", method_of="Rollbacks")
    around(checkpoint, "find_damage", "restore")
    around(checkpoint, "read_arrays", "restore")
    if "seconds" in (plan := json.loads((SOAK / "plan.json").read_text())):
        threading.Thread(target=kill_later, args=(plan,), daemon=True).start()


def kill_later(plan):
    time.sleep(plan["seconds"])
    found = [
        frame
        for stack in sys._current_frames().values()
        for frame in traceback.extract_stack(stack)
        if "xgen_" in frame.filename and "sitecustomize" not in frame.filename
    ]
    names = {frame.name for frame in found}
    phases = (("write_files", "write"), ("newest", "restore"), ("go_back", "rollback"))
    phases += (("stretch", "step"), ("pass_over", "step"))
    phase = next((phase for name, phase in phases if name in names), "start")
    at = f"{found[-1].name} in {Path(found[-1].filename).name}" if found else "imports"
    end(plan, {"phase": phase, "at": f"{at}, after {plan['seconds']:.1f} s"})


# the command, its worker processes and Ray's; not the other services that a Ray node starts
if any(n in a for n in ("xgen_core", "spawn_main", "default_worker") for a in sys.orig_argv):
    if "distill" in sys.orig_argv:
        install_distill()
    elif "train" in sys.orig_argv:
        install_train()
    else:
        install_build()
