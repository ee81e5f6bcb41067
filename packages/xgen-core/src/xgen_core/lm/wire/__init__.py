"""The OpenAI protocol without a network: bodies into requests, answers into bodies and chunks.

    POST body ──parse_body──parse_request──▶ WireRequest ──(a model)──▶ PromptAnswer ──Reply──▶ JSON

Two servers speak it: `xgen model serve`, and the loopback server of `xgen_core.testing`.
"""

from xgen_core.lm.wire.logprobs import chat_logprobs, legacy_logprobs, token_text
from xgen_core.lm.wire.reply import PromptAnswer, Reply, choice_logprobs, error_json
from xgen_core.lm.wire.request import BadRequest, WireRequest, parse_body, parse_request

__all__ = [
    "BadRequest",
    "PromptAnswer",
    "Reply",
    "WireRequest",
    "chat_logprobs",
    "choice_logprobs",
    "error_json",
    "legacy_logprobs",
    "parse_body",
    "parse_request",
    "token_text",
]
