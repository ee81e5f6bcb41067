"""What others published, as data, and how a run stands beside it.

    registry    `Published`: one number with source, metric, variant, shots, n and standard error
    standing    a run beside one model of a table, column by column
    ranks       which differences inside a published table mean anything
    page        all of it as report blocks

The tables are `tables/*.toml`; `read_table` takes another of the same form.
"""

from xgen_eval.published.page import published_section
from xgen_eval.published.registry import (
    Published,
    PublishedTable,
    find_table,
    published_tables,
    read_table,
)
from xgen_eval.published.standing import Standing, stand

__all__ = [
    "Published",
    "PublishedTable",
    "Standing",
    "find_table",
    "published_section",
    "published_tables",
    "read_table",
    "stand",
]
