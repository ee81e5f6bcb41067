"""The whole data path beside datatrove's: `python tools/bench/data.py`.

Same corpus, same steps (Gopher repetition, Gopher quality, C4 quality, MinHash of 14 × 8, then
XGen's tokenizer), one process each, in turn, every run in a fresh process. Printed are

- documents in a CPU second (user and system, all threads, imports included), the median of the
  rounds, and their ratio with its spread; also without what an almost empty corpus costs;
- the peak of resident memory;
- how many keep and drop decisions are equal, by stage and in all, every difference with both
  reasons, and near-duplicates by how similar they truly are;
- how many documents that both keep have equal text and equal ids.

Which document of several near-duplicates stays is a matter of choice: ours keeps the one that was
read first, datatrove the root of a tree. So decisions are counted twice: document by document,
and with another one of the same group for equal. Ours verifies the similarity of what it removes
(here at least 0.72, the value at which datatrove's own documentation puts 14 × 8); datatrove
removes all that are linked by equal bands, so that differences are expected around that value.

The corpus is text of this machine: documentation, web pages, sources; web-like pages put together
from their paragraphs; and near-duplicates planted among these. It differs from machine to machine.

datatrove is put into an environment of its own, in `~/.cache/xgen-bench` or below `--work`.
Needs xgen-tokenizer[fast]; without it, the row of the fast tokenizer is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

# Nothing else is imported here: a process that begins as a copy of a large one looks as large.

PEER = "datatrove[processing,io]==0.10.1"
PEER_ALSO = ("spacy>=3.8,<3.9", "tokenizers", "orjson")
HERE = Path(__file__).resolve().parent
FEW = 50  # documents of the almost empty corpus
SHOWN = 40  # differences printed; the JSON has all


def provision(work: Path) -> Path:
    """The Python of an environment with datatrove; made if it is not there."""
    home = work / "datatrove-0.10.1"
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        print(f"installing {PEER} into {home}", flush=True)
        venv.create(home, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "-q", PEER, *PEER_ALSO]
        subprocess.run(install, check=True)
        (home / "ready").touch()
    return python


def measure(command: list[str], log: Path) -> dict[str, float]:
    """CPU seconds and peak megabytes of a command, all its processes together or the largest."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = log.read_text("utf-8", "replace")[-2000:]
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}:\n{tail}")
    return {"cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss / 1024}


def script(name: str) -> str:
    """Path of one of the scripts beside this one."""
    return str(HERE / name)


def fresh(path: Path) -> Path:
    """The path, with nothing there."""
    shutil.rmtree(path, ignore_errors=True)
    return path


def once(peer: Path, name: str, corpus: Path, work: Path) -> dict[str, Any]:
    """One run of one side."""
    directory = fresh(work / name.replace(":", "-"))
    log = work / f"{name.replace(':', '-')}.log"
    if name == "datatrove":
        directory.mkdir()
        tokenizer = str(work / "tokenizer" / "tokenizer.json")
        command = [str(peer), script("data_peer.py"), "run", str(corpus), str(directory), tokenizer]
    else:
        here = [sys.executable, script("data_ours.py")]
        command = [*here, "run", str(corpus), str(directory), name]
    result: dict[str, Any] = measure(command, log)
    result["stages"] = json.loads((directory / "seconds.json").read_text())
    return result


def summarise(runs: dict[str, list[dict[str, Any]]], few: dict[str, float], total: int) -> Any:
    """Medians, ratios and their spread; printed and returned."""
    theirs = [run["cpu"] for run in runs["datatrove"]]
    table: dict[str, Any] = {}
    print(
        "\n                  CPU s   documents/CPU s   without start   peak MiB   times datatrove"
    )
    for name, found in runs.items():
        cpu = [run["cpu"] for run in found]
        middle = statistics.median(cpu)
        steady = (total - FEW) / max(middle - few[name], 1e-9)
        ratios = sorted(a / b for a, b in zip(theirs, cpu, strict=True))
        row = {
            "cpu": cpu,
            "start_cpu": few[name],
            "documents_per_cpu_second": total / middle,
            "without_start": steady,
            "peak_mib": max(run["peak"] for run in found),
            "ratio": statistics.median(ratios),
            "ratio_spread": [ratios[0], ratios[-1]],
            "stages": [run["stages"] for run in found],
        }
        table[name] = row
        print(
            f"{name:16} {middle:6.1f}   {row['documents_per_cpu_second']:15.0f}   {steady:13.0f}"
            f"   {row['peak_mib']:8.0f}   {row['ratio']:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )
    for name, row in table.items():
        row["ratio_without_start"] = row["without_start"] / table["datatrove"]["without_start"]
        shown = ", ".join(f"{stage} {s:.1f}" for stage, s in row["stages"][-1].items())
        print(f"{name}: {row['ratio_without_start']:.2f} times without start; CPU s: {shown}")
    return table


def show(findings: dict[str, Any]) -> None:
    """Print what `data_ours.py compare` found."""
    print("\nagreement               documents   equal        kept: ours   datatrove's")
    for stage in findings["stages"]:
        print(
            f"{stage['stage']:22} {stage['documents']:10,} {stage['equal']:7.2%}"
            f"     {stage['ours']:10,} {stage['theirs']:13,}"
        )
    text, ids = findings["text"], findings["ids"]
    print(f"kept by both: {text['both']:,}; equal text {text['equal']:,}")
    print(
        f"datatrove's texts encoded by both: {ids['documents']:,}; equal ids {ids['equal']:,}; "
        f"{ids['special']:,} name a special token, which `tokenizers` reads as one, ours as text"
    )
    removal = findings["removal"]
    print(
        f"near-duplicates removed: ours {removal['ours']:,}, datatrove's {removal['theirs']:,}, of "
        f"these {removal['theirs_unlike']:,} less than {removal['threshold']} like what it "
        f"keeps of their cluster\n\nplanted near-duplicates, both through the filters:\n"
        "Jaccard        pairs   ours removes one   datatrove"
    )
    for row in findings["planted"]:
        print(
            f"{row['low']:.2f} to {row['high']:.2f}  {row['pairs']:6}   {row['ours']:16.2%}"
            f"   {row['theirs']:9.2%}"
        )
    differences = findings["differences"]
    print(f"\n{len(differences)} documents decided differently (all of them in --output):")
    for text, count in findings["causes"].items():
        print(f"{count:6}  {text}")
    for row in differences[:SHOWN]:
        print(f"  {row['id']}\n    ours: {row['ours']}\n    datatrove: {row['theirs']}")


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "xgen-bench")
    parser.add_argument("--documents", type=int, default=3000, help="of the corpus, about")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--corpus", type=Path, help="JSONL with id and text, instead of the machine's"
    )
    parser.add_argument("--output", type=Path, help="JSON with everything that was measured")
    options = parser.parse_args()
    work: Path = options.work
    work.mkdir(parents=True, exist_ok=True)
    peer = provision(work)
    corpora = {name: fresh(work / name) / "corpus.jsonl" for name in ("corpus", "few")}
    corpus = corpora["corpus"]
    for path in corpora.values():
        path.parent.mkdir()
    if options.corpus:
        shutil.copyfile(options.corpus, corpus)
    else:
        gather = [sys.executable, script("data_corpus.py"), str(corpus)]
        subprocess.run([*gather, str(options.documents)], check=True)
    with corpus.open("rb") as lines, corpora["few"].open("wb") as out:
        out.writelines(line for line, _ in zip(lines, range(FEW), strict=False))
    with corpus.open("rb") as lines:
        total = sum(1 for _ in lines)
    size = corpus.stat().st_size / 1e6
    print(f"corpus: {total:,} documents, {size:.1f} MB of JSONL", flush=True)
    prepare = [sys.executable, script("data_ours.py"), "prepare", str(fresh(work / "tokenizer"))]
    prepared = subprocess.run(prepare, check=True, capture_output=True, text=True)
    sides = ["datatrove", *json.loads(prepared.stdout.splitlines()[-1])]
    few = {name: once(peer, name, corpora["few"], work)["cpu"] for name in sides}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
    for number in range(options.rounds):
        for name in sides:
            runs[name].append(once(peer, name, corpus, work))
            print(f"round {number + 1}: {name:15} {runs[name][-1]['cpu']:6.1f} CPU s", flush=True)
    table = summarise(runs, few, total)
    verdicts = work / "judged.json"
    measure([str(peer), script("data_peer.py"), "judge", str(corpus), str(verdicts)], work / "log")
    compare = [sys.executable, script("data_ours.py"), "compare", str(corpus), str(work)]
    measure(compare, work / "compare.log")
    findings = json.loads((work / "findings.json").read_text())
    show(findings)
    if options.output:
        result = {"peer": PEER, "documents": total, "megabytes": size, "cores": os.cpu_count()}
        text = json.dumps({**result, "speed": table, **findings}, indent=1, ensure_ascii=False)
        options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
