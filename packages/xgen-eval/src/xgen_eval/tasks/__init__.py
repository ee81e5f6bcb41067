"""The tasks of this package, one a file; each is registered under `xgen.tasks`."""
