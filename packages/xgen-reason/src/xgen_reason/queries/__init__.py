"""The adaptive query generator: from a sentence of a chain to a query in a source's language."""
