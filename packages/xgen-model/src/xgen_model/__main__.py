"""`python -m xgen_model` is `xgen model`."""

import sys

from xgen_core.command import main

main(["model", *sys.argv[1:]])
