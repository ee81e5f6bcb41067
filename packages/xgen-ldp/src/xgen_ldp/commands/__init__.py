"""One module a command; `xgen_ldp.cli` puts them together."""
