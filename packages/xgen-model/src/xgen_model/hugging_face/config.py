"""`config.json` of a Hugging Face model ↔ `ModelConfig`.

Both spellings of rotary positions are read: `rope_theta` and `rope_scaling`, or the
`rope_parameters` that transformers writes from version 5 on. The older one is written, which all
versions read. What our decoder would compute differently is refused by the name of its field.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from xgen_core.errors import CapabilityError, InputError
from xgen_model.config import ModelConfig, RopeScaling
from xgen_model.hugging_face.tensors import ARCHITECTURES

__all__ = ["hugging_face_config", "model_config"]

_SCANNED_LAYERS = 8
"""Models deeper than this are compiled as a loop over layers when imported."""
_BLOOM_CONTEXT = 2048
"""What BLOOM was trained at; its positions know no bound, and most of its files name none."""


class _Fields:
    """Fields of one `config.json`, with errors that name file and field."""

    def __init__(self, document: Mapping[str, Any], path: Path) -> None:
        self._document = document
        self._path = path

    def error(self, name: str, expected: str) -> InputError:
        return InputError(
            f"{self._path}: {name} is {self._document.get(name)!r}, expected {expected}"
        )

    def integer(self, name: str, default: int | None = None) -> int:
        value = self._document.get(name)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.error(name, "a positive whole number")
        return value

    def number(self, name: str, default: float) -> float:
        value = self._document.get(name)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
            raise self.error(name, "a positive number")
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self._document.get(name, default)
        if not isinstance(value, bool):
            raise self.error(name, "true or false")
        return value

    def only(self, name: str, *allowed: object) -> None:
        """Refuse a field whose value our decoder does not compute; the first is the default."""
        if self._document.get(name, allowed[0]) not in allowed:
            shown = " or ".join(dict.fromkeys("null" if a is None else repr(a) for a in allowed))
            raise self.error(name, f"{shown}: this decoder computes nothing else")

    def mapping(self, name: str) -> Mapping[str, Any] | None:
        value = self._document.get(name)
        if value is not None and not isinstance(value, dict):
            raise self.error(name, "an object")
        return value

    def get(self, name: str, default: object = None) -> Any:
        return self._document.get(name, default)


def model_config(document: object, path: Path) -> ModelConfig:
    """Our configuration of a Hugging Face model; as many ids as rows, until a tokenizer is known.

    Args:
        document: content of its `config.json`.
        path: of that file, for messages.

    Raises:
        InputError: another architecture, or a field that is missing or not supported; names it.
    """
    if not isinstance(document, dict):
        raise InputError(f"{path}: expected an object with the fields of a model")
    fields = _Fields(cast("dict[str, Any]", document), path)
    block = _block(fields)
    fields.only("quantization_config", None)
    compute = fields.get("dtype") or fields.get("torch_dtype")
    read = {"llama": _llama, "qwen2": _qwen2, "codegen": _codegen, "bloom": _bloom}[block]
    try:
        sizes = read(fields)
        return ModelConfig(
            block=block,
            vocab_size=fields.integer("vocab_size"),
            n_tokens=fields.integer("vocab_size"),
            dtype="bfloat16" if compute == "bfloat16" else "float32",
            scan_layers=sizes["n_layers"] > _SCANNED_LAYERS,
            **sizes,
        )
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error


_Block = Literal["llama", "qwen2", "codegen", "bloom"]


def _block(fields: _Fields) -> _Block:
    named = fields.get("architectures")
    known = {a.name: block for block, a in ARCHITECTURES.items()}
    if named:
        if isinstance(named, list) and len(named) == 1 and named[0] in known:
            return cast(_Block, known[named[0]])
        raise fields.error("architectures", f"one of {', '.join(known)}")
    by_type = {a.model_type: block for block, a in ARCHITECTURES.items()}
    if fields.get("model_type") in by_type:
        return cast(_Block, by_type[fields.get("model_type")])
    raise fields.error("model_type", f"one of {', '.join(by_type)}")


def _llama(fields: _Fields, context_length: int = 2048) -> dict[str, Any]:
    fields.only("attention_bias", False, None)
    fields.only("mlp_bias", False, None)
    fields.only("hidden_act", "silu")
    fields.only("partial_rotary_factor", 1.0, None)
    theta, scaling = _rope(fields)
    heads = fields.integer("num_attention_heads")
    width = fields.integer("hidden_size")
    head = fields.get("head_dim")
    return {
        "d_model": width,
        "n_layers": fields.integer("num_hidden_layers"),
        "n_heads": heads,
        "n_kv_heads": fields.integer("num_key_value_heads", heads),
        "d_ff": fields.integer("intermediate_size"),
        "d_head": None if head is None or head * heads == width else fields.integer("head_dim"),
        "context_length": fields.integer("max_position_embeddings", context_length),
        "rope_theta": theta,
        "rope_scaling": scaling,
        "norm_eps": fields.number("rms_norm_eps", 1e-6),
        "tie_embeddings": fields.flag("tie_word_embeddings", False),
    }


def _qwen2(fields: _Fields) -> dict[str, Any]:
    fields.only("use_sliding_window", False, None)
    kinds = fields.get("layer_types")
    if kinds is not None and set(kinds) != {"full_attention"}:
        raise fields.error("layer_types", "'full_attention' for every layer")
    return _llama(fields, 32_768)


def _rope(fields: _Fields) -> tuple[float, RopeScaling | None]:
    """Base and scaling, from either spelling."""
    where = "rope_parameters" if fields.mapping("rope_parameters") else "rope_scaling"
    values = fields.mapping(where) or {}
    theta = values.get("rope_theta")
    theta = fields.number("rope_theta", 10_000.0) if theta is None else float(theta)
    kind = values.get("rope_type", values.get("type", "default"))
    if kind == "default" and not any(isinstance(v, dict) for v in values.values()):
        return theta, None
    try:
        if kind == "linear":
            return theta, RopeScaling(kind="linear", factor=float(values["factor"]))
        if kind == "llama3":
            return theta, RopeScaling(
                kind="llama3",
                factor=float(values["factor"]),
                low_frequency_factor=float(values["low_freq_factor"]),
                high_frequency_factor=float(values["high_freq_factor"]),
                original_context_length=int(values["original_max_position_embeddings"]),
            )
    except KeyError as error:
        raise fields.error(where, f"a field {error} in it") from error
    raise fields.error(where, "rope_type default, linear or llama3")


def _codegen(fields: _Fields) -> dict[str, Any]:
    fields.only("activation_function", "gelu_new", "gelu_pytorch_tanh")
    fields.only("scale_attn_weights", True, None)
    if fields.get("rotary_dim", 64) is None:
        raise fields.error("rotary_dim", "how many elements of a head turn")
    width = fields.integer("n_embd")
    heads = fields.integer("n_head")
    return {
        "d_model": width,
        "n_layers": fields.integer("n_layer"),
        "n_heads": heads,
        "n_kv_heads": heads,
        "d_ff": fields.integer("n_inner", 4 * width),
        "context_length": fields.integer("n_positions", 2048),
        "rope_dims": fields.integer("rotary_dim", 64),
        "norm_eps": fields.number("layer_norm_epsilon", 1e-5),
        "tie_embeddings": fields.flag("tie_word_embeddings", False),
    }


def _bloom(fields: _Fields) -> dict[str, Any]:
    fields.only("apply_residual_connection_post_layernorm", False, None)
    width = fields.integer("n_embed" if fields.get("n_embed") else "hidden_size")
    heads = fields.integer("n_head" if fields.get("n_head") else "num_attention_heads")
    return {
        "d_model": width,
        "n_layers": fields.integer("n_layer" if fields.get("n_layer") else "num_hidden_layers"),
        "n_heads": heads,
        "n_kv_heads": heads,
        "d_ff": 4 * width,
        "context_length": fields.integer("seq_length", _BLOOM_CONTEXT),
        "norm_eps": fields.number("layer_norm_epsilon", 1e-5),
        "tie_embeddings": fields.flag("tie_word_embeddings", True),
    }


def hugging_face_config(
    config: ModelConfig,
    *,
    dtype: str = "float32",
    eos_id: int | None = None,
    bos_id: int | None = None,
) -> dict[str, Any]:
    """Content of `config.json` for a base model.

    Args:
        config: without adapters.
        dtype: of the weights beside it.
        eos_id: the id that ends a document, if there is a tokenizer.
        bos_id: the id that begins one.

    Raises:
        CapabilityError: the architecture has no field for something the model does; names it.
    """
    architecture = ARCHITECTURES[config.block]
    write = {"codegen": _to_codegen, "bloom": _to_bloom}.get(config.block, _to_llama)
    return {
        "architectures": [architecture.name],
        "model_type": architecture.model_type,
        "vocab_size": config.vocab_size,
        **write(config),
        "tie_word_embeddings": config.tie_embeddings,
        "torch_dtype": dtype,
        "use_cache": True,
        # Named even where there is none: otherwise transformers takes Llama's own 1 and 2.
        "bos_token_id": bos_id,
        "eos_token_id": eos_id,
        "pad_token_id": None,
    }


def _require(config: ModelConfig, name: str, value: object, why: str) -> None:
    if getattr(config, name) != value:
        raise CapabilityError(
            f"{name} is {getattr(config, name)}: {ARCHITECTURES[config.block].name} {why}"
        )


def _to_llama(config: ModelConfig) -> dict[str, Any]:
    _require(config, "rotated_dims", config.head_dim, "turns the whole head by position")
    scaling = config.rope_scaling
    rope: dict[str, Any] | None = None
    if scaling is not None:
        rope = {"rope_type": scaling.kind, "type": scaling.kind, "factor": scaling.factor}
        if scaling.kind == "llama3":
            rope |= {
                "low_freq_factor": scaling.low_frequency_factor,
                "high_freq_factor": scaling.high_frequency_factor,
                "original_max_position_embeddings": scaling.original_context_length,
            }
    own = {"use_sliding_window": False} if config.block == "qwen2" else {}
    own = own or {"attention_bias": False, "mlp_bias": False}
    return {
        "hidden_size": config.d_model,
        "intermediate_size": config.d_ff,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "num_key_value_heads": config.n_kv_heads,
        "head_dim": config.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": config.context_length,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rope_theta,
        "rope_scaling": rope,
        **own,
    }


def _to_codegen(config: ModelConfig) -> dict[str, Any]:
    _require(config, "rope_theta", 10_000.0, "has 10,000 built in")
    _require(config, "rope_scaling", None, "cannot stretch positions")
    _require(config, "n_kv_heads", config.n_heads, "has as many as n_heads")
    _require(config, "head_dim", config.d_model // config.n_heads, "divides d_model by n_heads")
    _require(config, "tie_embeddings", False, "has a bias in its head, which a tied one lacks")
    return {
        "n_embd": config.d_model,
        "n_layer": config.n_layers,
        "n_head": config.n_heads,
        "n_inner": config.d_ff,
        "n_positions": config.context_length,
        "n_ctx": config.context_length,
        "rotary_dim": config.rotated_dims,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": config.norm_eps,
    }


def _to_bloom(config: ModelConfig) -> dict[str, Any]:
    _require(config, "d_ff", 4 * config.d_model, "has 4 · d_model built in")
    _require(config, "n_kv_heads", config.n_heads, "has as many as n_heads")
    _require(config, "head_dim", config.d_model // config.n_heads, "divides d_model by n_heads")
    return {
        "hidden_size": config.d_model,
        "n_layer": config.n_layers,
        "n_head": config.n_heads,
        "seq_length": config.context_length,
        "layer_norm_epsilon": config.norm_eps,
        "apply_residual_connection_post_layernorm": False,
    }
