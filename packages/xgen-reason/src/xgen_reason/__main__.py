"""`python -m xgen_reason` is `xgen reason`."""

import sys

from xgen_core.command import main

if __name__ == "__main__":
    main(["reason", *sys.argv[1:]])
