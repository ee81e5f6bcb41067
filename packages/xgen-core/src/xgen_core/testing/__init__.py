"""What tests of any xgen package need: doubles that are real, suites that any provider must pass.

`ByteTokenizer` and `UnigramModel` work without weights; `check_tokenizer` and `check_model` are the
conformance suites (plain asserts, any test runner); `LoopbackServer` is an endpoint on this machine
that speaks the OpenAI protocol and fails on demand.
"""

from xgen_core.testing.byte_tokenizer import ByteTokenizer
from xgen_core.testing.check_model import check_model
from xgen_core.testing.check_tokenizer import TEXTS, check_tokenizer
from xgen_core.testing.loopback import Fault, LoopbackServer
from xgen_core.testing.unigram_model import UnigramModel

__all__ = [
    "TEXTS",
    "ByteTokenizer",
    "Fault",
    "LoopbackServer",
    "UnigramModel",
    "check_model",
    "check_tokenizer",
]
