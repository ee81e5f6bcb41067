import itertools
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from xgen_core import FormatError, InputError, PluginError, open_tokenizer
from xgen_core.codec import encode
from xgen_data import TokenStore, build, read_documents


def test_two_builds_are_equal_to_the_byte(recipe, tmp_path, tree):
    one, two = build(recipe, tmp_path / "one"), build(recipe, tmp_path / "two")
    assert tree(one) == tree(two)
    before = tree(one)
    assert tree(build(recipe, one)) == before  # done already


def test_workers_change_nothing(recipe, tmp_path, tree):
    alone = build(recipe, tmp_path / "alone")
    assert tree(build(recipe, tmp_path / "many", workers=2)) == tree(alone)


def test_store_holds_the_documents(recipe, store, tokenizer):
    assert store.manifest.dtype == "uint16"
    assert len(store.manifest.splits["train"]["left"].shards) > 2
    for split in ("train", "validation"):
        for source in ("left", "right"):
            texts = [d.text for d in read_documents(store.path, split, source)]
            line = store.line(split, source)
            ids = line.read(0, line.tokens)
            starts = [*line.document_starts(0, line.tokens).tolist(), line.tokens]
            documents = [ids[a:b].tolist() for a, b in itertools.pairwise(starts)]
            assert documents == [[*text.encode(), 256] for text in texts]
            entry = store.manifest.splits[split][source]
            assert entry.bytes == sum(len(text.encode()) for text in texts)
            assert entry.documents == line.documents == len(texts)


def test_large_vocabularies_take_32_bits(recipe, tmp_path):
    store = TokenStore.open(build(replace(recipe, tokenizer="bytes:large"), tmp_path / "store"))
    assert store.manifest.dtype == "uint32"
    assert store.line("train", "left").read(0, 50).max() > 2**16


def test_documents_first_tokenizer_later(recipe, tmp_path, tree):
    whole = build(recipe, tmp_path / "whole")
    unset = replace(recipe, tokenizer="not-installed")
    two_steps = build(unset, tmp_path / "two-steps", until="documents")
    assert not (two_steps / "tokens").exists()
    assert tree(build(recipe, two_steps)) == tree(whole)


def test_a_tokenizer_object(recipe, tmp_path, tree):
    whole = build(recipe, tmp_path / "whole")
    unset = replace(recipe, tokenizer="not-installed")
    given = build(unset, tmp_path / "given", tokenizer=open_tokenizer("bytes:"))
    assert tree(given) == tree(whole)
    with pytest.raises(ValueError, match="one or the other"):
        build(unset, tmp_path / "given", tokenizer=open_tokenizer("bytes:"), workers=2)


def test_another_recipe_in_the_same_directory_is_refused(recipe, tmp_path):
    output = build(recipe, tmp_path / "store")
    with pytest.raises(InputError, match=r"min_chars was 16, now 17"):
        build(replace(recipe, min_chars=17), output)
    with pytest.raises(InputError, match="with another tokenizer"):
        build(replace(recipe, tokenizer="bytes:bos"), output)
    with pytest.raises(InputError, match="with another block_tokens"):
        build(replace(recipe, block_tokens=512), output)
    (output / "manifest.json").unlink()
    with pytest.raises(InputError, match="with another tokenizer"):
        build(replace(recipe, tokenizer="bytes:bos"), output)


def test_no_tokenizer_is_said_before_the_work(recipe, tmp_path):
    with pytest.raises(PluginError, match="absent"):
        build(replace(recipe, tokenizer="absent"), tmp_path / "store")
    assert not (tmp_path / "store").exists()


SCRIPT = """
import json, sys
sys.path.insert(0, {plugin!r})
from xgen_core.codec import decode
from xgen_data import DataRecipe, build
build(decode(DataRecipe, json.loads({recipe!r})), {output!r})
"""


def build_apart(recipe, output, plugin, **environment):
    script = SCRIPT.format(plugin=plugin, recipe=json.dumps(encode(recipe)), output=str(output))
    environment = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode


@pytest.mark.parametrize("batch", [1, 4])
def test_a_killed_build_goes_on(recipe, plugin, tmp_path, tree, batch):
    whole = build(recipe, tmp_path / "whole")
    output = tmp_path / "killed"
    assert build_apart(recipe, output, plugin, BYTES_DIE_AFTER=str(batch)) == 9
    assert not (output / "manifest.json").exists()
    assert list(output.rglob(".partial-*"))
    done = {p: p.stat().st_mtime_ns for p in output.rglob("*.ids") if p.name[0] != "."}
    assert len(done) == batch - 1
    assert tree(build(recipe, output)) == tree(whole)
    assert all(p.stat().st_mtime_ns == time for p, time in done.items())


def test_any_lost_stage_is_made_again(recipe, tmp_path, tree):
    output = build(recipe, tmp_path / "store")
    whole = tree(output)
    for lost in ("manifest.json", "tokens", "tokenizer", "documents", "sections"):
        path = output / lost
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        (output / "manifest.json").unlink(missing_ok=True)
        assert tree(build(recipe, output)) == whole


def test_changed_sources_are_built_again_from_their_documents(recipe, corpus, tmp_path, tree):
    output = build(recipe, tmp_path / "store")
    (corpus / "left" / "new.txt").write_text("a document that was not there before\n")
    assert build(recipe, output) == output  # what is built stays
    assert TokenStore.open(output).manifest.splits["train"]["left"].documents < 61
    shutil.rmtree(output / "documents")
    build(recipe, output)
    fresh = build(recipe, tmp_path / "fresh")
    assert (output / "manifest.json").read_bytes() == (fresh / "manifest.json").read_bytes()
    assert TokenStore.open(output).verify() == []


def test_damage_is_found(recipe, tmp_path):
    output = build(recipe, tmp_path / "store")
    shard = output / "tokens/train/left/00001.ids"
    content = bytearray(shard.read_bytes())
    content[100] ^= 1
    shard.write_bytes(content)
    assert TokenStore.open(output).verify() == [shard]
    shard.write_bytes(content[:-2])
    with pytest.raises(FormatError, match=r"00001.ids: \d+ bytes long, but the manifest says"):
        TokenStore.open(output)
    shard.unlink()
    with pytest.raises(FormatError, match=r"00001\.ids: missing"):
        TokenStore.open(output)
    manifest = json.loads((output / "manifest.json").read_text())
    manifest["splits"]["train"]["left"]["tokens"] += 1
    (output / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(FormatError, match=r"splits.train.left: tokens is not the sum"):
        TokenStore.open(output)
    manifest["version"] = 2
    (output / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(FormatError, match="version 2, but this release reads 1"):
        TokenStore.open(output)


def test_changed_documents_are_not_encoded(recipe, tmp_path):
    output = build(recipe, tmp_path / "store", until="documents")
    with (output / "documents/train/left-00000.jsonl").open("a") as handle:
        handle.write('{"id": "x", "text": "smuggled in", "source": "left"}\n')
    with pytest.raises(FormatError, match="changed since it was written"):
        build(recipe, output)


def test_unfinished_stores_do_not_open(recipe, tmp_path):
    with pytest.raises(InputError, match="not a finished token store"):
        TokenStore.open(tmp_path)
    output = build(recipe, tmp_path / "store", until="documents")
    with pytest.raises(InputError, match="its documents are there: run xgen data build again"):
        TokenStore.open(output)


def test_sections_tell_the_counts(store):
    documents, tokens = (
        json.loads(p.read_text()) for p in sorted((store.path / "sections").iterdir())
    )
    funnel, table, lengths = documents["blocks"]
    rows = table["rows"]
    assert ["right", "copies", "same text seen before", -1, None] in rows
    assert ["right", "kept", None, 30, None] in rows
    bars = lengths["spec"]["data"]["values"]
    assert sum(bar["y"] for bar in bars) == 91
    ends = {
        (bar["series"], bar["x" if isinstance(bar["x"], str) else "y"])
        for bar in funnel["spec"]["data"]["values"]
    }
    assert ends == {("left", "kept"), ("right", "kept"), ("right", "copies, exact")}
    assert [row[:2] for row in tokens["blocks"][0]["rows"]] == [
        ["train", "left"],
        ["train", "right"],
        ["validation", "left"],
        ["validation", "right"],
    ]


def test_a_lost_or_cut_shard_is_made_again(recipe, tmp_path, tree):
    output = build(recipe, tmp_path / "store")
    whole = tree(output)
    one, other = output / "tokens/train/left/00001.ids", output / "tokens/train/right/00000.offsets"
    untouched = (output / "tokens/train/left/00000.ids").stat().st_mtime_ns
    one.unlink()
    other.write_bytes(other.read_bytes()[:-3])
    assert tree(build(recipe, output)) == whole
    assert (output / "tokens/train/left/00000.ids").stat().st_mtime_ns == untouched
