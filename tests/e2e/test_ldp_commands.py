"""`xgen ldp translate`, `run` and `synthesize` on what people give them, good and bad."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from xgen_core import Completion, GenerationRequest, InputError, Model, ModelError
from xgen_core.command.group import xgen
from xgen_core.testing import Fault, LoopbackServer
from xgen_data.instruction import read_examples

Make = Callable[[int], Path]
CUT = "The train to the sea leaves"
Polyglots = Callable[[int], Model]


def run(*command: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(xgen, ["ldp", *command], input=given, catch_exceptions=True)


@pytest.fixture
def corpus(make_corpus: Make) -> Path:
    return make_corpus(48)


@pytest.fixture
def hindi(corpus: Path) -> list[str]:
    return (corpus / "hin_Deva.txt").read_text("utf-8").splitlines()


@pytest.fixture
def english(corpus: Path) -> list[str]:
    return (corpus / "eng_Latn.txt").read_text("utf-8").splitlines()


def into_english(model: str, file: Path | str, *more: str) -> list[str]:
    return ["translate", str(file), "--from", "hin", "--to", "en", "--model", model, *more]


def test_a_file_is_translated_line_by_line(
    tmp_path: Path, hindi: list[str], english: list[str], polyglot: Polyglots
) -> None:
    file = tmp_path / "lines.txt"
    file.write_text("\n".join([hindi[3], "", hindi[0], hindi[3]]) + "\n", "utf-8")
    with LoopbackServer(polyglot(48)) as server:
        made = run(*into_english(f"{server.url}#loopback", file))
        assert made.exit_code == 0, made.exception
        assert server.count == 2, "the same line is asked for once"
    assert made.stdout.splitlines() == [english[3], "", english[0], english[3]]
    assert "lines.txt: 1 empty lines are left out (line 2)" in made.stderr
    assert "1 lines stand there before" in made.stderr
    assert "3 of 3 lines translated" in made.stderr


def test_standard_input_gives_json_with_what_was_found(
    hindi: list[str], english: list[str], polyglot: Polyglots
) -> None:
    given = f"{hindi[1]}\n".encode() + b"\xff\xfe\xfd\n" + f"{hindi[2]}".encode()
    with LoopbackServer(polyglot(48)) as server:
        made = run(*into_english(f"{server.url}#loopback", "-", "--json"), given=given)
    rows = [json.loads(line) for line in made.stdout.splitlines()]
    assert [row["id"] for row in rows] == ["stdin:1", "stdin:2", "stdin:3"]
    assert [row["translation"] for row in rows] == [english[1], "", english[2]]
    assert [row["accepted"] for row in rows] == [True, False, True]
    assert rows[1]["error"] == "nothing to translate"
    assert "1 of 3 lines are not UTF-8 and are left out (line 2)" in made.stderr


def test_out_of_english_needs_text_and_then_works(
    tmp_path: Path, corpus: Path, hindi: list[str], english: list[str], polyglot: Polyglots
) -> None:
    (tmp_path / "lines.txt").write_text(f"{english[40]}\n{english[41]}\n")
    command = ["translate", str(tmp_path / "lines.txt"), "--from", "en", "--to", "hin"]
    with LoopbackServer(polyglot(48)) as server:
        command += ["--model", f"{server.url}#loopback"]
        lacking = run(*command)
        assert isinstance(lacking.exception, ModelError)
        assert "--unlabelled hin_Deva=FILE" in str(lacking.exception)
        assert server.count == 0
        text = tmp_path / "hindi.txt"
        text.write_text("\n".join(hindi[:30]), "utf-8")
        made = run(*command, "--unlabelled", f"hin={text}", "--reference", str(corpus / "no.txt"))
        assert isinstance(made.exception, InputError)
        made = run(*command, "--unlabelled", f"hin={text}")
    assert made.stdout.splitlines() == [hindi[40], hindi[41]]


class Faulty:
    """A model that copies one line, writes nothing for another, and is cut off at a third."""

    def __init__(self, model: Model, hindi: list[str]) -> None:
        self._model = model
        self._hindi = hindi
        self.info = model.info

    async def __aenter__(self) -> Faulty:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        prompt = request.prompt or ""
        wrong = {self._hindi[0]: self._hindi[0], self._hindi[1]: "", self._hindi[2]: CUT}
        for line, text in wrong.items():
            if line in prompt.rpartition("\n\n")[2]:
                cut = "length" if line == self._hindi[2] else "stop"
                return [Completion(text=f" {text}", finish_reason=cut, completion_tokens=9)]
        return await self._model.generate(request)


def test_rejected_lines_are_empty_and_counted(
    tmp_path: Path, hindi: list[str], english: list[str], polyglot: Polyglots
) -> None:
    file = tmp_path / "lines.txt"
    file.write_text("\n".join(hindi[:4]), "utf-8")
    with LoopbackServer(Faulty(polyglot(48), hindi)) as server:
        command = into_english(f"{server.url}#loopback", file, "-o", str(tmp_path / "run"))
        made = run(*command)
        assert made.exit_code == 0, made.exception
        assert made.stdout.splitlines() == ["", "", "", english[3]]
        assert "1 of 4 lines translated" in made.stderr
        for reason in ("the source line itself", "nothing was written", "the answer was cut off"):
            assert f"rejected: 1 × {reason}" in made.stderr
        count = server.count
        kept = run(*command, "--keep-rejected")
        assert kept.stdout.splitlines()[2] == CUT
        assert server.count == count


def test_what_an_endpoint_fails_at_is_tried_again_by_the_same_command(
    tmp_path: Path, hindi: list[str], english: list[str], polyglot: Polyglots
) -> None:
    file = tmp_path / "lines.txt"
    file.write_text("\n".join(hindi[:3]), "utf-8")
    faults = [Fault(kind="status", status=400), Fault(kind="truncated")]
    with LoopbackServer(polyglot(48), faults=faults) as server:
        command = into_english(
            f"{server.url}#loopback", file, "-o", str(tmp_path / "run"), "--concurrency", "1"
        )
        first = run(*command)
        assert first.exit_code == 0, first.exception
        assert first.stdout.splitlines().count("") == 1
        assert "2 of 3 lines translated" in first.stderr
        assert "failed: 1 × RefusedError" in first.stderr
        assert run(*command).stdout.splitlines() == english[:3]


def test_a_reference_of_another_length_is_refused_where_they_part(
    tmp_path: Path, hindi: list[str], english: list[str]
) -> None:
    file, reference = tmp_path / "lines.txt", tmp_path / "reference.txt"
    file.write_text("\n".join(hindi[::4]), "utf-8")
    reference.write_text("\n".join([*english[:8:4], *english[12::4]]))
    refused = run(*into_english("scripted:none", file, "--reference", str(reference)))
    assert isinstance(refused.exception, InputError)
    assert "reference.txt: 11 lines, but lines.txt has 12" in str(refused.exception)
    assert "from about line 3 on" in str(refused.exception)


def test_a_language_that_nobody_knows_works_and_says_so(
    tmp_path: Path, hindi: list[str], english: list[str], polyglot: Polyglots
) -> None:
    file = tmp_path / "lines.txt"
    file.write_text("\n".join(hindi[:2]), "utf-8")
    with LoopbackServer(polyglot(48)) as server:
        command = ["--from", "qxx", "--to", "en", "--model", f"{server.url}#loopback"]
        made = run("translate", str(file), *command)
    assert made.stdout.splitlines() == english[:2]
    assert "qxx: nobody knows this language" in made.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "nothing in it to translate"),
        (b"\n\n", "nothing in it to translate: lines.txt: 2 empty lines"),
        (b"\xe0\xff", "1 of 1 lines are not UTF-8"),
    ],
)
def test_files_with_nothing_in_them_are_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "lines.txt").write_bytes(content)
    refused = run(*into_english("scripted:none", tmp_path / "lines.txt"))
    assert isinstance(refused.exception, InputError)
    assert message in str(refused.exception)


def test_examples_are_made_of_the_good_pairs_and_read_by_training(
    tmp_path: Path, hindi: list[str], english: list[str], polyglot: Polyglots
) -> None:
    file, test = tmp_path / "hindi.txt", tmp_path / "test.txt"
    file.write_text("\n".join([*hindi[:8], hindi[5], hindi[7]]), "utf-8")
    test.write_text(hindi[4], "utf-8")
    output = tmp_path / "run"
    command = ["synthesize", str(file), "--language", "hin", "--exclude", str(test)]
    with LoopbackServer(Faulty(polyglot(48), hindi)) as server:
        command += ["--model", f"{server.url}#loopback", "-o", str(output)]
        made = run(*command)
        assert made.exit_code == 0, made.exception
        counts = json.loads((output / "counts.json").read_text())
        count = server.count
        into = run(*command, "--directions", "into", "--template", "{text} →", "--json")
        assert json.loads(into.stdout)["examples"] == 4
        assert server.count == count
        assert run(*command).exit_code == 0
    assert (counts["pairs"], counts["examples"]) == (4, 8)
    assert {name for name in counts if name.startswith("rejected")} == {
        "rejected: copy",
        "rejected: empty",
        "rejected: truncated",
    }
    examples = list(read_examples(output / "examples.jsonl"))
    assert len(examples) == 8
    first, second = examples[:2]
    assert [message.content for message in first.messages] == [
        "Translate the following text from Hindi into English. Write only the translation, on one "
        f"line.\n\nHindi: {hindi[3]}\nEnglish:",
        english[3],
    ]
    assert [message.trained for message in second.messages] == [False, True]
    assert second.messages[1].content == hindi[3], "the side that people wrote is learned from"
    assert first.metadata["ldp.origin"] == "synthetic"
    assert first.metadata["ldp.line"] == "hindi.txt:4"
    learned = {message.content for example in examples for message in example.messages}
    assert not any(hindi[4] in text for text in learned)


def test_a_template_without_a_text_is_refused(tmp_path: Path, hindi: list[str]) -> None:
    (tmp_path / "hindi.txt").write_text(hindi[0], "utf-8")
    command = ["synthesize", str(tmp_path / "hindi.txt"), "--language", "hin", "-m", "scripted:x"]
    refused = run(*command, "-o", str(tmp_path / "run"), "--template", "Translate: {line}")
    assert isinstance(refused.exception, InputError)
    assert "expected {text} in it" in str(refused.exception)


def test_another_systems_output_stands_in_the_same_table(
    tmp_path: Path, corpus: Path, polyglot: Polyglots
) -> None:
    outputs = tmp_path / "nllb"
    outputs.mkdir()
    lines = (corpus / "eng_Latn.txt").read_text().splitlines()
    (outputs / "hin_Deva-eng_Latn.txt").write_text("\n".join(lines))
    command = ["run", str(corpus), "--pairs", "hin-eng,rus-eng", "--lines", "6"]
    command += ["--hypotheses", f"nllb={outputs}", "-o", str(tmp_path / "run")]
    with LoopbackServer(polyglot(48)) as server:
        made = run(*command, "-m", f"{server.url}#loopback")
    assert made.exit_code == 0, made.exception
    results = json.loads((tmp_path / "run/results.json").read_text())
    assert [(one["direction"], one["system"]) for one in results["arms"]] == [
        ("hin_Deva-eng_Latn", "ldp"),
        ("hin_Deva-eng_Latn", "nllb"),
        ("rus_Cyrl-eng_Latn", "ldp"),
    ]
    assert [one["figures"]["chrF++"]["value"] for one in results["scores"]["scored"]] == [100.0] * 3


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--pairs", "hin"], "expected SOURCE-TARGET, such as npi-eng"),
        (["--pairs", "hin-hin"], "from Hindi into itself"),
        (["--pairs", "hin-zul"], "no text in Zulu"),
        (["--group", "indic13"], "--group needs --into LANGUAGE or --from LANGUAGE"),
        (["--pairs", "hin-eng", "--method", "lpd"], "did you mean 'ldp'?"),
        (["--pairs", "hin-eng", "--method", "ldp", "--method", "ldp"], "two methods are called"),
        (["--pairs", "hin-eng", "--set", "xlt:shots=1"], "no --method is called 'xlt'"),
        (["--pairs", "hin-eng", "--method", "xlt", "--languages", "fra"], "no --method chooses"),
        (["--pairs", "hin-eng", "--unlabelled", "hin"], "--unlabelled takes NAME=FILE"),
        (["--pairs", "hin-eng", "--hypotheses", "ldp=x"], "a method is called 'ldp'"),
    ],
)
def test_wrong_words_are_one_clear_line(
    tmp_path: Path, corpus: Path, more: list[str], message: str
) -> None:
    (tmp_path / "rules.jsonl").write_text('{"pattern": ".", "replies": ["x"]}')
    model = f"scripted:{tmp_path / 'rules.jsonl'}"
    refused = run("run", str(corpus), "-m", model, "-o", str(tmp_path / "run"), *more)
    assert refused.exit_code != 0
    said = str(refused.exception) if refused.exception else ""
    assert message in said + refused.output
    assert "\n" not in said
    assert not (tmp_path / "run").exists()
