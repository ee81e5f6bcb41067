"""Nothing gets out: every attack first has its way without a sandbox, and then fails in one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_CAMPAIGN = Path(__file__).parent / "attacks" / "campaign.py"
_STRICT = ("limits,landlock,seccomp", "limits,landlock,seccomp,namespaces")
_ORDINARY = 1000


def test_attacks_that_work_undefended_fail_in_the_sandbox():
    users = {os.getuid(), *([_ORDINARY] if os.getuid() == 0 else [])}
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    campaigns = {
        user: subprocess.Popen(
            [sys.executable, _CAMPAIGN, str(user), *_STRICT],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for user in users
    }
    for user, campaign in campaigns.items():
        answer, errors = campaign.communicate(timeout=300)
        assert campaign.returncode == 0, errors  # the harness survives, whatever is done to it
        examine(user, json.loads(answer))


def examine(user: int, answer: dict[str, Any]) -> None:
    off, *strict = answer["results"]
    possible = [a for a in answer["attacks"] if user == 0 or not a["root"]]
    worked = {a["name"] for a in possible if off["found"][a["name"]].startswith("ESCAPED")}
    failed = {a["name"]: off["found"][a["name"]] for a in possible if a["name"] not in worked}
    print(f"user {user}: {len(possible)} attacks, {len(worked)} work undefended")
    must = {a["name"] for a in possible if not a["kernel"]}
    assert must <= worked, failed
    assert len(worked) >= 40
    for result in strict:
        if "refused" in result:  # this machine cannot; then nothing has run in it
            print(result["refused"])
            assert "untrusted code is not run here" in result["refused"]
            continue
        escaped = [name for name, how in result["found"].items() if how.startswith("ESCAPED")]
        print(f"  {len(result['found'])} tried, {len(escaped)} escape from {result['level']}")
        assert result["strict"]
        assert len(result["found"]) == len(answer["attacks"])
        assert escaped == []
