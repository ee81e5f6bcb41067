"""Published tables of LDP, and a run beside them."""

from xgen_ldp.evaluation.published.tables import (
    Doubt,
    GroupColumn,
    PairColumn,
    PublishedTable,
    published_tables,
)

__all__ = ["Doubt", "GroupColumn", "PairColumn", "PublishedTable", "published_tables"]
