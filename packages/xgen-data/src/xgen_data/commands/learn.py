"""`xgen data learn`: the two small models that a recipe's steps can filter with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xgen_core import Document

__all__ = ["learn"]

_LIMIT = click.option("--limit", type=click.IntRange(1), help="Read so many documents at most.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")


@click.group()
def learn() -> None:
    """Train a quality classifier or a language model to filter documents with.

    \b
    Example:
      xgen data learn classifier --positive wikipedia:en.xml.bz2 --negative warc:crawl/ -o c.npz
    """


def _documents(uris: Sequence[str], limit: int | None) -> Iterator[Document]:
    import itertools

    from xgen_core import Document
    from xgen_core.progress import track
    from xgen_data.recipe import SourceConfig
    from xgen_data.sources import read_source

    for uri in uris:
        found = (
            item
            for item in read_source(SourceConfig(name="texts", uri=uri))
            if isinstance(item, Document)
        )
        yield from track(itertools.islice(found, limit), uri, unit="documents")


@learn.command()
@click.option("--positive", multiple=True, required=True, metavar="URI", help="Texts one wants.")
@click.option("--negative", multiple=True, required=True, metavar="URI", help="Texts as they come.")
@click.option("--calibrate", multiple=True, metavar="URI", help="Texts of the kind to be filtered.")
@click.option("--output", "-o", required=True, type=click.Path(), help="The model, a .npz file.")
@click.option(
    "--held-out",
    type=click.FloatRange(0, 0.5),
    default=0.1,
    show_default=True,
    help="Share of the texts that measures accuracy and is not trained on.",
)
@_LIMIT
@_JSON
def classifier(
    positive: Sequence[str],
    negative: Sequence[str],
    calibrate: Sequence[str],
    output: str,
    held_out: float,
    limit: int | None,
    as_json: bool,
) -> None:
    """Train a linear classifier that tells POSITIVE texts from NEGATIVE ones.

    URIs are those of a recipe's sources. With --calibrate the step Classifier(model, keep_top=0.2)
    keeps the best fifth of such texts; accuracy is measured on texts held out by their hash.

    \b
    Example:
      xgen data learn classifier --positive text:essays --negative jsonl:crawl.jsonl \\
        --calibrate jsonl:crawl.jsonl -o quality.npz
    """
    import hashlib

    from xgen_data.steps.classifier import accuracy, train_classifier

    def sides(uris: Sequence[str]) -> tuple[list[str], list[str]]:
        train, test = list[str](), list[str]()
        for document in _documents(uris, limit):
            digest = hashlib.sha256(document.text.encode("utf-8", "replace")).digest()
            aside = int.from_bytes(digest[:8], "big") / 2**64 < held_out
            (test if aside else train).append(document.text)
        return train, test

    (good, good_test), (bad, bad_test) = sides(positive), sides(negative)
    calibration = (document.text for document in _documents(calibrate, limit))
    train_classifier(good, bad, output, calibration=calibration)
    figures: dict[str, object] = {"model": output, "positive": len(good), "negative": len(bad)}
    if good_test and bad_test:
        figures["held_out"] = len(good_test) + len(bad_test)
        figures["accuracy"] = round(accuracy(output, good_test, bad_test), 4)
    _show(figures, as_json)


@learn.command()
@click.argument("uris", nargs=-1, required=True, metavar="URI...")
@click.option("--calibrate", multiple=True, metavar="URI", help="Texts of the kind to be ranked.")
@click.option("--output", "-o", required=True, type=click.Path(), help="The model, a .npz file.")
@click.option("--order", type=click.IntRange(2, 8), default=5, show_default=True, help="In bytes.")
@_LIMIT
@_JSON
def perplexity(
    uris: Sequence[str],
    calibrate: Sequence[str],
    output: str,
    order: int,
    limit: int | None,
    as_json: bool,
) -> None:
    """Train an n-gram model of bytes on good texts of one language.

    With --calibrate the step Perplexity(model) sorts texts into head, middle and tail.

    \b
    Example:
      xgen data learn perplexity wikipedia:en.xml.bz2 --calibrate jsonl:crawl.jsonl -o english.npz
    """
    from xgen_data.steps.perplexity import train_byte_model

    read = [0]

    def counted() -> Iterator[str]:
        for document in _documents(uris, limit):
            read[0] += 1
            yield document.text

    calibration = (document.text for document in _documents(calibrate, limit))
    train_byte_model(counted(), output, calibration=calibration, order=order)
    _show({"model": output, "documents": read[0], "order": order}, as_json)


def _show(figures: dict[str, object], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(figures))
        return
    for name, value in figures.items():
        click.echo(f"{name:<10}  {value}")
