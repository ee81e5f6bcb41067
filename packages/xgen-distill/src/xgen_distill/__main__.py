"""`python -m xgen_distill` is `xgen distill`."""

import sys

from xgen_core.command import main

if __name__ == "__main__":
    main(["distill", *sys.argv[1:]])
