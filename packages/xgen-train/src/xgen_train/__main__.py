"""`python -m xgen_train` is `xgen train`."""

import sys

from xgen_core.command import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
