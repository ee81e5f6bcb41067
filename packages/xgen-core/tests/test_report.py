import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

pytest.importorskip("jinja2", reason="needs xgen-core[report]")
pytest.importorskip("vl_convert", reason="needs xgen-core[report]")

from xgen_core import FormatError, InputError, Run
from xgen_core.command.report import render
from xgen_core.report import (
    Diff,
    Item,
    Items,
    Plot,
    Section,
    Table,
    Text,
    bar_plot,
    line_plot,
    render_page,
)
from xgen_core.report.cells import column_cells
from xgen_core.report.comparison import compare
from xgen_core.report.visible import visible

HOSTILE = (
    "<script>document.title='owned'</script></style></textarea><img src=x onerror=\"alert(1)\">"
    "\"onerror='x' {{ 7*7 }} {% raw %} &lt; ]]> --> \x00\x07\x1b[31m\x7f\x85 a\u202egpj.exe\u2066 "
    "b\u200bc\ufeff \ud83d \udc00 \ufffe 😀"
)
OUR_ELEMENTS = """
    html head meta title style script body a header nav main article section h1 h2 h3 h4 p ol ul li
    div span button input details summary code figure figcaption table thead tbody tr th td
    dl dt dd pre mark ins del svg g path line rect text defs clippath
"""
VOID = {"meta", "input", "br", "img", "link", "hr"}


class Page(HTMLParser):
    """Elements, attributes and text of a page; fails on tags that do not balance."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements = []
        self.open = []
        self.texts = {}
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> inside <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag):
        return "".join(self.texts.get(tag, []))


def sections():
    rows = [{"step": i, "loss": 10 / (i + 1), "split": s} for s in ("train", "dev") for i in (1, 2)]
    table = Table(
        columns=("name", "tokens", "loss", "kept"),
        rows=(("web", 1_234_567, 2.5, True), ("code", 2048, 0.12345678, None)),
        caption="A table.",
    )
    line = line_plot(
        rows=rows,
        x="step",
        y="loss",
        series="split",
        rules=[(1.5, "edge")],
        description="Loss falls",
        caption="A line plot.",
    )
    bars = bar_plot(rows=rows[:2], x="split", y="loss", description="Loss by split")
    items = Items(
        items=(
            Item(title="one", fields={"prompt": "p1", "completion": "c1"}),
            Item(
                title="two",
                fields={"prompt": "p2"},
                blocks=(
                    Text(text="Inside."),
                    Text(text="On demand.", summary="More"),
                    Table(columns=("inner",), rows=(("cell",),)),
                    Diff(before="step", after="mended"),
                ),
            ),
        ),
        caption="Items.",
    )
    return [
        Section(title="Loss", summary="How it went.", blocks=(line, table, bars)),
        Section(
            title="Samples",
            blocks=(Text(text="A paragraph."), Diff(before="a\nb", after="a\nc"), items),
        ),
    ]


@pytest.fixture
def run(tmp_path):
    recipe = {
        "name": "quick",
        "stages": [{"steps": 10, "rate": 3e-4}],
        "betas": [0.9, 0.95],
        "resume": None,
    }
    made = Run.create(tmp_path / "quick", "train", recipe)
    for i, section in enumerate(sections()):
        made.write_section(f"{i}0-s", section)
    return made


@pytest.fixture
def hostile(tmp_path):
    made = Run.create(tmp_path / "bad", HOSTILE, {HOSTILE: [HOSTILE, {"x": HOSTILE}]})
    table = Table(columns=(HOSTILE,), rows=((HOSTILE,),), caption=HOSTILE)
    bars = bar_plot(
        rows=[{"x": HOSTILE, "y": 1, "s": "😀" * 99}, {"x": "b", "y": 2, "s": HOSTILE}],
        x="x",
        y="y",
        series="s",
        x_title=HOSTILE,
        rules=[(1.5, HOSTILE)],
        description=HOSTILE,
        caption=HOSTILE,
    )
    folded = Text(text=HOSTILE, summary=HOSTILE)
    inside = (Text(text=HOSTILE), folded, table, Diff(before=HOSTILE, after=HOSTILE + "?"))
    item = Item(title=HOSTILE, fields={HOSTILE: HOSTILE}, blocks=inside)
    items = Items(items=(item,) * 2, caption=HOSTILE)
    blocks = (
        Text(text=HOSTILE),
        table,
        bars,
        Diff(before=HOSTILE, after=HOSTILE + "!", caption=HOSTILE),
        items,
    )
    made.write_section("10", Section(title=HOSTILE, summary=HOSTILE, blocks=blocks))
    return made


def test_the_page_shows_everything_in_order(run):
    page = Page(render_page([run, run], "Two runs"))
    assert page.text("title") == "Two runs"
    assert page.text("h1") == "Two runs"
    assert page.texts["h2"] == ["quick", "quick"]
    assert page.texts["h3"] == ["Loss", "Samples"] * 2
    targets = [a["href"] for a in page.all("a") if a["href"].startswith("#run-")]
    assert targets == ["#run-1", "#run-1-1", "#run-1-2", "#run-2", "#run-2-1", "#run-2-2"]
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert {t.removeprefix("#") for t in targets} | {"main"} <= set(ids)
    captions = page.text("figcaption")
    assert "A line plot." in captions
    assert "A table." in captions
    assert {"stages", "steps", "rate", "betas"} <= set(page.texts["span"])
    assert {"0.0003", "0.95", "none", "10"} <= set(page.texts["code"])


def test_an_item_shows_blocks_of_its_own_below_its_texts(run):
    html = render_page([run], "t")
    item = html[html.index("<h4>two</h4>") : html.index("</li>", html.index("<h4>two</h4>"))]
    assert item.index("p2") < item.index("Inside.") < item.index("cell") < item.index("mended")
    assert item.count("<figure") == 2
    folded = item[item.index("<details") : item.index("</details>")]
    assert folded.index("More</summary>") < folded.index("On demand.")


def test_tables_align_numbers_and_keep_exact_values(run):
    html = render_page([run], "t")
    assert '<td class="number" dir="auto">1,234,567</td>' in html
    assert '<td class="number" dir="auto">2048</td>' in html
    assert '<td class="number" title="0.12345678" dir="auto">0.123</td>' in html
    assert '<td dir="auto">web</td>' in html
    assert '<th scope="col" class="number">tokens</th>' in html
    assert '<th scope="col">name</th>' in html


def test_plots_are_drawn_for_both_themes_with_ids_of_their_own(run):
    html = render_page([run, run], "t")
    page = Page(html)
    drawings = page.all("svg")
    assert [d["class"] for d in drawings] == ["light", "dark"] * 4
    assert all(d["role"] == "img" for d in drawings)
    assert [d["aria-label"] for d in drawings[::2]] == ["Loss falls", "Loss by split"] * 2
    ids = {a["id"] for _, a in page.elements if "id" in a}
    used = re.findall(r"url\(#(.*?)\)", html)
    assert used
    assert set(used) <= ids
    assert "white" not in re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    texts = page.texts["text"]
    assert {"step", "train", "dev", "edge"} <= set(texts)


def test_a_plots_data_stand_below_it(run):
    html = render_page([run], "t")
    data = html.split("<summary>Data</summary>")[1]
    assert data.index(">step<") < data.index(">loss<") < data.index(">split<")
    assert "3.333" in data


def test_a_long_table_of_data_is_cut_with_a_note(tmp_path):
    run = Run.create(tmp_path, "train", {})
    plot = line_plot(rows=[{"x": i, "y": i} for i in range(1000)], x="x", y="y", description="d")
    run.write_section("10", Section(title="t", blocks=(plot,)))
    html = render_page([run], "t")
    assert "600 more rows are in the run" in html
    assert html.count("<tr>") == 401


def test_the_page_fetches_nothing_and_allows_its_own_script_only(run):
    html = render_page([run], "t")
    page = Page(html)
    for _, attributes in page.elements:
        assert not set(attributes) & {"src", "srcset", "action", "xlink:href", "style"}
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("href", "#").startswith("#")
    assert "@import" not in html
    (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        assert len(page.all(tag)) == 1
        digest = hashlib.sha256(page.text(tag).encode()).digest()
        assert rules[rule] == f"'sha256-{base64.b64encode(digest).decode()}'"


def test_hostile_text_stays_text(hostile):
    html = render_page([hostile], HOSTILE)
    html.encode("utf-8")  # no lone surrogate is left
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]", html)
    page = Page(html)
    assert len(page.all("script")) == 1
    assert len(page.all("style")) == 1
    assert page.all("img") == []
    assert page.all("textarea") == []
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
    tags = {tag for tag, _ in page.elements}
    assert tags <= set(re.findall(r"\w+", OUR_ELEMENTS))
    assert "{{ 7*7 }}" in html
    assert '<span class="hidden-character">U+202E</span>gpj.exe' in html
    assert '<span class="hidden-character">U+D83D</span>' in html
    assert "⟨U+202E⟩" in page.text("title")  # no markup fits there


def test_the_same_runs_give_the_same_page(run, hostile):
    assert render_page([run, hostile], "t") == render_page([run, hostile], "t")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"title": "t", "blocks": [', r"10-s\.json: not JSON"),
        ('{"title": "t"}', r"10-s\.json: Section lacks the field 'blocks'"),
        ("[]", r"10-s\.json: expected an object \(Section\)"),
        (
            '{"title": "t", "blocks": [{"kind": "table", "columns": ["a"], "rows": [[1, 2]]}]}',
            r"10-s\.json: blocks\.0: row",
        ),
        (
            '{"title": "t", "blocks": [{"kind": "text", "text": 1}]}',
            r"10-s\.json: blocks\.0\.text: expected str, got 1",
        ),
    ],
)
def test_a_damaged_section_is_named(run, content, message):
    (run.directory / "sections" / "10-s.json").write_text(content)
    with pytest.raises(FormatError, match=message):
        render_page([run], "t")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"mark": "nonsense", "data": {"values": []}}, r"'d' cannot be drawn: TypeError"),
        ({"mark": "bar", "data": {"url": "http://127.0.0.1:9/x.json"}}, "names a url"),
        ({"mark": {"type": "image", "url": "file:///etc/passwd"}}, "names a url"),
        ({"mark": {"type": "bar", "href": "javascript:alert(1)"}}, "names a href"),
    ],
)
def test_a_plot_that_cannot_be_drawn_is_named(tmp_path, spec, message):
    run = Run.create(tmp_path, "train", {})
    plot = Plot(spec=spec, description="d")
    run.write_section("10-p", Section(title="t", blocks=(plot,)))
    with pytest.raises(FormatError, match=r"10-p\.json: .*" + message):
        render_page([run], "t")


def test_other_vega_lite_plots_are_drawn_too(tmp_path):
    run = Run.create(tmp_path, "train", {})
    part = {
        "mark": "point",
        "encoding": {"x": {"field": "url", "type": "quantitative", "title": "place"}},
    }
    spec = {"data": {"values": [{"url": 1}, {"url": 2}]}, "hconcat": [part, part]}
    run.write_section("10", Section(title="t", blocks=(Plot(spec=spec, description="d"),)))
    page = Page(render_page([run], "t"))
    assert len(page.all("svg")) == 2
    assert "place" in page.text("th")


def test_render_writes_the_page_and_returns_its_path(run, tmp_path):
    path = render((str(run.directory),), None)
    assert path == str(run.directory / "report.html")
    html = (run.directory / "report.html").read_text("utf-8")
    assert html.startswith("<!doctype html>")
    assert "<title>quick</title>" in html
    other = str(tmp_path / "deep" / "page.html")
    assert render((str(run.directory), str(run.directory)), other) == other
    with pytest.raises(InputError, match="not a run directory"):
        render((str(tmp_path),), None)
    empty = Run.create(tmp_path / "empty", "train", {})
    with pytest.raises(InputError, match="empty: this train run has no report sections"):
        render((str(run.directory), str(empty.directory)), None)


NO_ROOM = """
import resource, sys
from xgen_core.command import main
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
main(["report", sys.argv[1]])
"""
WITHOUT = """
import sys
sys.modules[sys.argv[2]] = None
from xgen_core.command import main
main(["report", sys.argv[1]])
"""


def python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def test_a_full_disk_keeps_the_old_page(run):
    page = run.directory / "report.html"
    page.write_text("old")
    before = sorted(p.name for p in run.directory.iterdir())
    ended = python(NO_ROOM, run.directory)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("xgen: error: ")
    assert page.read_text() == "old"
    assert sorted(p.name for p in run.directory.iterdir()) == before


@pytest.mark.parametrize("module", ["jinja2", "vl_convert"])
def test_a_missing_extra_gives_its_pip_line(run, module):
    ended = python(WITHOUT, run.directory, module)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "pip install 'xgen-core[report]'" in ended.stderr
    assert not (run.directory / "report.html").exists()


def signs(before, after):
    return [(c.sign, "".join(text for text, _ in c.parts)) for c in compare(before, after)]


def test_a_comparison_shows_changes_with_context():
    old = "\n".join(map(str, range(20)))
    new = old.replace("10", "ten").replace("18\n", "")
    shown = signs(old, new)
    assert shown[0] == ("…", "7 unchanged lines")
    assert ("-", "10") in shown
    assert ("+", "ten") in shown
    assert ("-", "18") in shown
    assert signs("a", "a") == []
    assert signs("a", "b") == [("-", "a"), ("+", "b")]
    numbers = [(c.sign, c.before, c.after) for c in compare("a\nb", "a\nc\nb")]
    assert numbers == [(" ", 1, 1), ("+", None, 2), (" ", 2, 3)]


def test_a_changed_line_marks_the_words_that_differ():
    removed, added = compare("return total / len(xs)", "return total / max(xs)")
    assert removed.parts == (("return total / ", False), ("len", True), ("(xs)", False))
    assert added.parts == (("return total / ", False), ("max", True), ("(xs)", False))


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        ([1, 22, 9999, 10_000, -1_234_567], ["1", "22", "9999", "10,000", "-1,234,567"]),
        ([0.5, 0.25, 1.0], ["0.50", "0.25", "1.00"]),
        ([2.53124, 2.3, 2.274], ["2.531", "2.300", "2.274"]),
        ([3e-4, 1e-4], ["0.0003", "0.0001"]),
        ([1.0, 1e-9], ["1.0", "1e-09"]),
        ([123456.789, 23456.0], ["123,457", "23,456"]),
        ([1e22], ["1e+22"]),
        ([0.0, None, True, False, "x", float("inf")], ["0.0", "", "yes", "no", "x", "inf"]),
        ([], []),
    ],
)
def test_numbers_are_written_to_be_read(column, texts):
    assert [cell.text for cell in column_cells(column)] == texts


def test_a_rounded_number_keeps_its_exact_value():
    rounded, whole = column_cells([0.123456789, 0.5])
    assert (rounded.text, rounded.exact) == ("0.1235", "0.123456789")
    assert (whole.text, whole.exact) == ("0.5000", "")


def test_hidden_characters_are_written_out():
    assert visible("a\tb\nc") == "a\tb\nc"
    assert visible("سلام\u200cدنیا 👩\u200d👩 ❤\ufe0f") == "سلام\u200cدنیا 👩\u200d👩 ❤\ufe0f"
    assert visible("\r\u202e\U000e0041\U0001fffe") == "⟨U+000D⟩⟨U+202E⟩⟨U+E0041⟩⟨U+1FFFE⟩"
    assert json.loads(json.dumps(visible("\ud83d"))) == "⟨U+D83D⟩"
