"""`python -m xgen_eval` is `xgen eval`."""

import sys

from xgen_core.command import main

if __name__ == "__main__":
    main(["eval", *sys.argv[1:]])
