"""`python -m xgen_tokenizer` is `xgen tokenizer`."""

import sys

from xgen_core.command import main

if __name__ == "__main__":
    main(["tokenizer", *sys.argv[1:]])
