"""The sub-commands of `xgen train`, a file each."""
