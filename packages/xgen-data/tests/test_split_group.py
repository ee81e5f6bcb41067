import json
from pathlib import Path

from xgen_data import DataRecipe, SourceConfig, build, read_documents


def test_documents_of_one_group_lie_on_one_side_of_the_split(tmp_path: Path) -> None:
    for source in ("code", "docs"):
        rows = [
            {"text": f"{source} of module {i}, long enough", "meta": {"split.group": f"module-{i}"}}
            for i in range(200)
        ]
        lines = "\n".join(json.dumps(row) for row in rows)
        (tmp_path / f"{source}.jsonl").write_text(lines)
    recipe = DataRecipe(
        sources=tuple(
            SourceConfig(name=name, uri=f"jsonl:{tmp_path / name}.jsonl")
            for name in ("code", "docs")
        ),
        validation_fraction=0.3,
    )
    build(recipe, tmp_path / "store", until="documents")

    def groups(split: str, source: str) -> set[object]:
        documents = read_documents(tmp_path / "store", split, source)
        return {document.metadata["split.group"] for document in documents}

    held_out = groups("validation", "code")
    assert 30 <= len(held_out) <= 90
    assert held_out == groups("validation", "docs")
    assert held_out.isdisjoint(groups("train", "docs"))
