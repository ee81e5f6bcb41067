"""The sub-commands of `xgen eval`, one a file."""
