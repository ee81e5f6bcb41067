"""The sub-commands of `xgen data`; each imports what it needs when it runs."""
