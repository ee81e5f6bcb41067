import gzip
import io
import itertools
import tarfile

import pytest

from xgen_core import Document
from xgen_data import Drop, SourceConfig
from xgen_data.sources import read_source
from xgen_data.sources.latex import clean_latex, join_files, main_file, strip_comments

MAIN = r"""\documentclass{article} % the class
\newcommand{\R}{\mathbb{R}}
\newcommand*\norm[1]{\|#1\|}
\def\eg{e.g.\ }
\def\Rn{\R^n}
\renewcommand{\thesection}{\Roman{section}}
\title{A title}
\begin{document}
\begin{abstract} Short. \end{abstract}
% \section{Not this}
\input{sections/intro}
\subsection[short]{Details} Over $\Rn$, 50\% of $\norm{x}$, \eg more\\% a comment
\include{missing}
\Rest is not a macro of ours.
\bibliography{refs}
\appendix
\section{Proofs}
\end{document}
"""
INTRO = "\\section{Introduction}\nIn $\\R$ we live.\n  % gone\n"
TEXT = r"""\section{Introduction}
In $\mathbb{R}$ we live.

\subsection[short]{Details} Over $\mathbb{R}^n$, 50\% of $\norm{x}$, e.g.\ more\\

\Rest is not a macro of ours."""


def tar(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


PAPER = {"ms.tex": MAIN.encode(), "sections/intro.tex": INTRO.encode(), "figure.eps": b"\0" * 999}


def read(path, **options):
    config = SourceConfig(name="arxiv", uri=f"arxiv:{path}")
    return list(read_source(config, **options))


def test_a_paper_as_arxiv_ships_it(tmp_path):
    (tmp_path / "2304.00001v2.tar.gz").write_bytes(gzip.compress(tar(PAPER)))
    assert read(tmp_path) == [
        Document(
            id="2304.00001",
            text=TEXT,
            source="arxiv",
            metadata={
                "arxiv.main": "ms.tex",
                "arxiv.id": "2304.00001",
                "arxiv.month": "2304",
                "arxiv.url": "https://arxiv.org/abs/2304.00001",
            },
        )
    ]


def test_a_bulk_archive(tmp_path):
    single = "\\documentclass{x}\n\\section{Ein} größer".encode("latin-1")
    path = tmp_path / "arXiv_src_2304_001.tar"
    path.write_bytes(
        tar(
            {
                "2304/2304.00001.gz": gzip.compress(tar(PAPER)),
                "2304/2304.00002.pdf": b"%PDF-1.4",
                "2304/hep-th9901001.gz": gzip.compress(single),
                "2304/2304.00003.gz": gzip.compress(tar(PAPER))[:-40],
                "2304/2304.00004.gz": gzip.compress(b"no headings here"),
                "2304/2304.00005.gz": gzip.compress(tar({"readme.txt": b"x"})),
            }
        )
    )
    first, pdf, old, broken, plain, none = read(path, damaged="drop")
    assert (first.id, first.text) == ("2304.00001", TEXT)
    assert pdf == Drop(reason="a PDF without sources", example="2304/2304.00002.pdf")
    assert (old.id, old.text) == ("hep-th/9901001", "\\section{Ein} größer")
    assert broken == Drop(
        reason="the archive is truncated or damaged", example="2304/2304.00003.gz", damaged=True
    )
    assert plain == Drop(reason="no section heading", example="2304/2304.00004")
    assert none == Drop(reason="no LaTeX source", example="2304/2304.00005")


@pytest.mark.parametrize("name", ["p.tar.gz", "p.tgz", "p.tar"])
def test_a_truncated_archive(tmp_path, name):
    (tmp_path / "a.tex").write_text(INTRO)
    content = tar(PAPER)
    packed = content[:900] if name == "p.tar" else gzip.compress(content)[:-60]
    (tmp_path / name).write_bytes(packed)
    document, drop = read(tmp_path, damaged="drop")
    assert document.text.startswith("\\section{Introduction}")
    assert drop.damaged


def test_strip_comments():
    assert strip_comments("a\\% b % c\n%whole line\n  % and this\nd\\\\% e\n%\n") == (
        "a\\% b \nd\\\\\n"
    )


def test_the_main_file():
    assert main_file({}) is None
    assert main_file({"a.tex": "long text without", "b.tex": "\\documentclass{x}"}) == "b.tex"
    assert (
        main_file({"a.tex": "% \\documentclass{x}", "b.tex": "the longest of these two"}) == "b.tex"
    )
    both = "\\documentclass{x}\\begin{document}"
    assert main_file({"reply.tex": both + "long text", "main.tex": both}) == "main.tex"


def test_files_that_include_each_other_end():
    files = {
        "a.tex": "A \\input{b} \\input{b.tex}",
        "b.tex": "B \\input a",
        "s/c.tex": "\\input{d}",
    }
    assert join_files(files, "a.tex") == "A B  B "
    assert join_files({**files, "s/d.tex": "D"}, "s/c.tex") == "D"
    deep = {f"{i}.tex": f"\\input{{{i + 1}}} " * 50 for i in range(12)}
    assert len(join_files(deep, "0.tex")) < 20 * sum(map(len, deep.values()))


@pytest.mark.parametrize(
    "definitions",
    [
        r"\newcommand{\a}{\a\a}",  # by itself
        r"\def\a{\b\b}\def\b{\a\a}",  # by each other
        r"\def\a{x}\def\a#1{y}",  # with an argument in the end
    ],
)
def test_macros_that_cannot_be_expanded_stay(definitions):
    assert clean_latex(definitions + r"\section{X} \a ") == r"\section{X} \a"


def test_macros_that_explode_stay():
    letters = "abcdefghij"
    chain = "".join(
        f"\\def\\a{one}{{{chr(92)}a{two}}}".replace(f"\\a{two}", f"\\a{two}" * 10)
        for one, two in itertools.pairwise(letters)
    )
    text = clean_latex(chain + "\\def\\aj{lol}\\section{X} \\aa.")
    assert text == "\\section{X} \\aa."


def test_the_end_of_a_paper():
    for end in (
        "\\appendix\n",
        "\\begin{thebibliography}{9}",
        "\\bibliography{x}",
        "\\begin{references}",
        "\\printbibliography",
    ):
        assert clean_latex(f"\\section{{A}} text {end} \\section{{B}} more") == "\\section{A} text"
    text = "\\section{A} \\bibliographystyle{plain} \\appendixname"
    assert clean_latex(text) == text
