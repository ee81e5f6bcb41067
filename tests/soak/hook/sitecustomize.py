"""Makes a build kill itself at a chosen point. On the path of every process of a soak run.

The directory `SOAK` holds `plan.json`: {"phase": …, "count": …}. Each time any process of the build
passes a point of a phase it adds a byte to `hits-PHASE`; the one that adds the count-th writes down
where it was and kills the command's whole process group, and itself, with SIGKILL. Nothing is
caught, flushed or closed.
"""

import fcntl
import json
import os
import signal
import sys
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
    if plan["phase"] == phase and plan["count"] == count:
        with (SOAK / "kills.jsonl").open("a") as log:
            log.write(json.dumps({"phase": phase, "hit": count, "at": str(detail)}) + "\n")
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


def install():
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


# the command, its worker processes and Ray's; not the other services that a Ray node starts
if any(n in a for n in ("xgen_core", "spawn_main", "default_worker") for a in sys.orig_argv):
    install()
