"""`python -m xgen_core` is the `xgen` command."""

from xgen_core.command import main

if __name__ == "__main__":
    main()
