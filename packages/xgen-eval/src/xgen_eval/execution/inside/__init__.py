"""What runs in the sandboxed processes: the standard library only, loaded by `program.py`."""
