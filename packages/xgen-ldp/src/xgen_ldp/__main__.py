"""`python -m xgen_ldp` is `xgen ldp`."""

import sys

from xgen_core.command import main

if __name__ == "__main__":
    main(["ldp", *sys.argv[1:]])
