"""One module a command; `xgen_distill.cli` puts them together."""
