"""`python -m xgen_data` is `xgen data`."""

import sys

from xgen_core.command import main

if __name__ == "__main__":
    main(["data", *sys.argv[1:]])
