"""A store on object storage gives what the local one gives, in few and large requests."""

import hashlib
import json
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from xgen_core import FormatError, InputError, MissingExtraError
from xgen_core.command import main
from xgen_data import Loader, Order, Stage, TokenStore, batch_digest, fetching, read_batch, storage
from xgen_data.batch import validation_batches
from xgen_data.copying import copy_store
from xgen_data.manifest import Line, Manifest, Shard, TokenizerInfo, write_manifest

MB = 2**20


class CountingFileSystem(MemoryFileSystem):
    """Memory that counts byte ranges, and fails where it is told to."""

    protocol = "counted"
    store = {}  # noqa: RUF012 - as the class above has it
    pseudo_dirs = [""]  # noqa: RUF012
    ranges = []  # noqa: RUF012
    listings = []  # noqa: RUF012
    failures = []  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.replace("counted://", "memory://"))

    def cat_file(self, path, start=None, end=None, **kwargs):
        if self.failures:
            raise self.failures.pop()
        data = super().cat_file(path, start=start, end=end, **kwargs)
        self.ranges.append((path, start, end, len(data)))
        return data

    def find(self, path, *args, **kwargs):
        self.listings.append(path)
        return super().find(path, *args, **kwargs)


fsspec.register_implementation("counted", CountingFileSystem, clobber=True)


@pytest.fixture(autouse=True)
def bucket(monkeypatch):
    monkeypatch.setattr(storage, "WAIT", 0.001)
    for system in (MemoryFileSystem, CountingFileSystem):
        system.store.clear()
        system.pseudo_dirs[:] = [""]
    for record in ("ranges", "listings", "failures"):
        getattr(CountingFileSystem, record).clear()
    return CountingFileSystem


def make_store(path, *, block, lines, masked=True, dtype="uint16", vocab=60000):
    """A store of random ids: `lines` gives the shards' tokens by source."""
    source = np.random.default_rng(3)
    train = {}
    for name, sizes in lines.items():
        shards = []
        for number, tokens in enumerate(sizes):
            edges = source.choice(np.arange(1, tokens), min(tokens // 400 + 2, tokens - 1), False)
            offsets = np.array([0, *sorted(edges.tolist()), tokens], "<u8")
            arrays = {
                "ids": source.integers(0, vocab, tokens).astype(dtype),
                "offsets": offsets,
                "mask": source.integers(0, 2, tokens).astype("u1"),
            }
            stem = f"tokens/train/{name}/{number:05d}"
            (path / stem).parent.mkdir(parents=True, exist_ok=True)
            if not masked:
                del arrays["mask"]
            for suffix, array in arrays.items():
                (path / f"{stem}.{suffix}").write_bytes(array.tobytes())
            digest = {n: hashlib.sha256(a.tobytes()).hexdigest() for n, a in arrays.items()}
            shards.append(
                Shard(
                    file=stem,
                    tokens=tokens,
                    documents=len(offsets) - 1,
                    bytes=tokens,
                    sha256=digest["ids"],
                    offsets_sha256=digest["offsets"],
                    documents_sha256="0",
                    mask_sha256=digest.get("mask"),
                )
            )
        train[name] = Line(
            tokens=sum(sizes),
            documents=sum(s.documents for s in shards),
            bytes=sum(sizes),
            shards=tuple(shards),
        )
    (path / "tokenizer").mkdir()
    (path / "tokenizer" / "ranks.txt").write_text("a 0\n")
    info = TokenizerInfo(name="t", fingerprint="f", vocab_size=vocab, eos_id=0, bos_id=None)
    manifest = Manifest(dtype=dtype, tokenizer=info, block_tokens=block, splits={"train": train})
    write_manifest(path, manifest)
    return TokenStore.open(path)


def digests(store, order):
    return [batch_digest(read_batch(store, order, step)) for step in range(order.total_steps)]


@pytest.mark.parametrize("packing", ["concat", "best_fit"])
def test_the_same_batches(tmp_path, packing):
    lines = {"a": [9000, 300, 120, 9001, 4000], "b": [700] * 12, "c": [20000]}
    local = make_store(tmp_path / "s", block=4096, lines=lines)
    copy_store(tmp_path / "s", "memory://bucket/s")
    remote = TokenStore.open("memory://bucket/s")
    assert remote.fingerprint == local.fingerprint
    stages = [
        Stage(sequence_length=t, batch_size=4, steps=n, weights={"a": 2, "b": 1, "c": 1},
              packing=packing)
        for t, n in ((128, 40), (256, 30))
    ]  # fmt: skip
    order = Order(seed=1, stages=tuple(stages), lines=local.line_sizes())
    assert max(order.epochs().values()) > 1
    wanted = digests(local, order)
    assert digests(remote, order) == wanted
    loaded = Loader(TokenStore.open("memory://bucket/s"), order, threads=4).iterate()
    assert [batch_digest(batch) for batch in loaded] == wanted


def test_built_stores_too(store):
    copy_store(store.path, "memory://built")
    remote = TokenStore.open("memory://built")
    for one, other in zip(
        validation_batches(store, 64, 2), validation_batches(remote, 64, 2), strict=True
    ):
        assert one[0] == other[0]
        assert batch_digest(one[1]) == batch_digest(other[1])
    with remote.tokenizer_directory() as directory:
        files = {p.name: p.read_bytes() for p in directory.iterdir()}
    assert files == {p.name: p.read_bytes() for p in (store.path / "tokenizer").iterdir()}
    with pytest.raises(InputError, match="xgen data copy memory://built DIRECTORY"):
        _ = remote.path


@pytest.mark.parametrize("packing", ["concat", "best_fit"])
def test_a_stage_fetches_each_chunk_once(tmp_path, bucket, packing):
    # blocks of 4 MiB across shards of 9.5 MiB, of which none is a whole number of chunks
    block, shard = 2 * MB, 4_980_000
    local = make_store(tmp_path / "s", block=block, lines={"a": [shard] * 3}, dtype="uint16")
    copy_store(tmp_path / "s", "counted://s")
    bucket.ranges.clear()
    bucket.listings.clear()
    remote = TokenStore.open("counted://s")
    assert len(bucket.listings) == 1
    assert [name for name, *_ in bucket.ranges] == ["/s/manifest.json"]
    bucket.ranges.clear()
    t, b = 2048, 16
    steps = (shard * 3 - 1) // t // b
    stage = Stage(sequence_length=t, batch_size=b, steps=steps, weights={"a": 1}, packing=packing)
    order = Order(seed=1, stages=(stage,), lines=local.line_sizes())
    held = []
    for step, batch in enumerate(Loader(remote, order, threads=4).iterate()):
        if step % 50 == 0:
            assert batch_digest(batch) == batch_digest(read_batch(local, order, step))
            held.append(remote.line("train", "a").shards.held)
    assert max(Counter(bucket.ranges).values()) == 1
    total = sum(f.size for f in local.files())
    assert sum(size for *_, size in bucket.ranges) <= 1.1 * total
    assert max(held) <= remote.line("train", "a").shards.limit
    small = {n for n, _, _, size in bucket.ranges if size < fetching.MIN_REQUEST}
    assert all(name.endswith(".offsets") for name in small)


def test_threads_share_a_fetch_and_the_cache_has_a_bound(tmp_path, bucket):
    local = make_store(tmp_path / "s", block=MB, lines={"a": [4 * MB]}, masked=False)
    copy_store(tmp_path / "s", "counted://s")
    line = TokenStore.open("counted://s").line("train", "a")
    bucket.ranges.clear()
    gate = threading.Barrier(8)

    def read(_):
        gate.wait()
        return line.read(100, 200).tolist()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read, range(8)))
    assert found == [local.line("train", "a").read(100, 200).tolist()] * 8
    assert max(Counter(bucket.ranges).values()) == 1
    tight = TokenStore.open("counted://s", cache_bytes=2 * MB).line("train", "a")
    places = [random.Random(1).randrange(4 * MB - 5000) for _ in range(200)]
    for start in places:
        same = tight.read(start, start + 5000) == local.line("train", "a").read(start, start + 5000)
        assert same.all()
        assert tight.shards.held <= 2 * MB
    with pytest.raises(ValueError, match="cache_bytes"):
        TokenStore.open("counted://s", cache_bytes=-1)


def test_transient_failures_are_tried_again(tmp_path, bucket):
    make_store(tmp_path / "s", block=4096, lines={"a": [9000]})
    copy_store(tmp_path / "s", "counted://s")
    bucket.failures += [ConnectionResetError("reset"), TimeoutError()]
    line = TokenStore.open("counted://s").line("train", "a")
    bucket.failures += [OSError("503 slow down")]
    assert len(line.read(0, 9000)) == 9000
    assert not bucket.failures
    line = TokenStore.open("counted://s").line("train", "a")
    bucket.failures += [ConnectionResetError("reset")] * 50
    with pytest.raises(
        InputError, match=r"00000.ids: cannot read it \(tried 6 times\): Connection"
    ):
        line.read(0, 10)
    bucket.failures.clear()
    assert len(line.read(0, 10)) == 10  # a failure is not remembered
    line = TokenStore.open("counted://s").line("train", "a")
    bucket.failures += [PermissionError("403")]
    with pytest.raises(InputError, match=r"no permission \(403\)"):
        line.read(0, 10)


def test_damage_is_told_in_one_line(tmp_path, bucket, monkeypatch):
    make_store(tmp_path / "s", block=4096, lines={"a": [9000]})
    copy_store(tmp_path / "s", "counted://s")
    opened = TokenStore.open("counted://s")
    assert opened.verify() == []
    ids = "/s/tokens/train/a/00000.ids"
    system = fsspec.filesystem("counted")
    whole = system.cat_file(ids)
    system.pipe_file(ids, whole[:-100] + bytes(100))
    assert opened.verify() == ["counted://s/tokens/train/a/00000.ids"]
    system.pipe_file(ids, whole[:-100])
    with pytest.raises(FormatError, match="17900 bytes long, but the manifest says 18000"):
        TokenStore.open("counted://s")
    with pytest.raises(FormatError, match=r"00000.ids: truncated: bytes 0..18000 were asked"):
        opened.line("train", "a").read(0, 10)
    system.rm_file(ids)
    with pytest.raises(FormatError, match=r"00000.ids: missing"):
        opened.line("train", "a").read(0, 10)
    with pytest.raises(FormatError, match=r"00000.ids: missing, but"):
        TokenStore.open("counted://s")
    with pytest.raises(InputError, match="memory://none: not a finished token store"):
        TokenStore.open("memory://none")
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    with pytest.raises(MissingExtraError, match="pip install 's3fs'"):
        TokenStore.open("s3://bucket/store")


def test_copies_go_on_and_come_back(tmp_path, bucket, tree, monkeypatch):
    make_store(tmp_path / "s", block=4096, lines={"a": [9000, 50], "b": [700]})
    whole = tree(tmp_path / "s")
    put, done = CountingFileSystem.put_file, []

    def stop(self, source, target, **kwargs):
        if len(done) == 4:
            raise PermissionError("quota")
        done.append(target)
        put(self, source, target, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(CountingFileSystem, "put_file", stop)
        with pytest.raises(InputError, match="quota"):
            copy_store(tmp_path / "s", "counted://s", workers=1)
        with pytest.raises(InputError, match="not a finished"):
            TokenStore.open("counted://s")
        first, done[:] = list(done), []
        patch.setattr(CountingFileSystem, "put_file", lambda self, a, b, **k: (
            done.append(b), put(self, a, b, **k)))  # fmt: skip
        copy_store(tmp_path / "s", "counted://s")
    assert len(first) + len(done) == len(whole) - 1
    assert not set(first) & set(done)
    copy_store("counted://s", "memory://other")
    copy_store("memory://other", tmp_path / "back")
    assert tree(tmp_path / "back") == whole
    make_store(tmp_path / "else", block=2048, lines={"a": [9000, 50], "b": [700]})
    with pytest.raises(InputError, match="holds another token store"):
        copy_store(tmp_path / "else", "counted://s")
    ids = tmp_path / "back/tokens/train/a/00001.ids"
    ids.write_bytes(bytes(100))  # right size, wrong content
    copy_store("counted://s", tmp_path / "back")
    assert tree(tmp_path / "back") == whole
    (tmp_path / "s/tokens/train/a/00001.ids").write_bytes(bytes(100))
    with pytest.raises(FormatError, match="its checksum is not the manifest's"):
        copy_store(tmp_path / "s", "memory://third")


def test_commands_take_urls(tmp_path, capsys):
    make_store(tmp_path / "s", block=4096, lines={"a": [9000]})

    def call(*arguments):
        with pytest.raises(SystemExit) as stop:
            main(["data", *map(str, arguments)])
        out, err = capsys.readouterr()
        return stop.value.code, out, err

    code, _, err = call("copy", tmp_path / "s", "memory://cli")
    assert code == 0
    assert err.splitlines() == ["4 of 4 files to copy, 0.0 MB", "memory://cli: complete"]
    assert call("verify", "memory://cli")[:2] == (0, "memory://cli: every checksum agrees\n")
    code, out, _ = call("inspect", "memory://cli", "--json")
    assert json.loads(out)["tokens"][0]["tokens"] == 9000
    code, _, err = call("verify", "memory://nothing")
    assert (code, len(err.splitlines())) == (1, 1)
