"""The sub-commands of `xgen reason`, one module each."""
