"""One table an architecture: which tensor of a Hugging Face model is which parameter of ours.

A tensor `weight` of a matrix is `[out, in]`, our kernel `[in, out]`; ours are stacked over layers.
Where a model fuses query, key and value, rows of its one tensor alternate between our three:

    codegen   4 groups (the model-parallel shards it was trained on), each query, value, key
    bloom     a group for each head, each query, key, value

So every tensor is a list of pieces: runs of its rows, each of which is a run of columns of one
parameter. Reading and writing both walk that list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from xgen_core.errors import CapabilityError
from xgen_model.config import ModelConfig
from xgen_model.parameters import is_adapter, parameter_shapes

__all__ = ["ARCHITECTURES", "Architecture", "Piece", "TensorSpec", "tensor_specs"]

_ATTENTION = ("query", "key", "value", "output")
_CODEGEN_GROUPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A class of `transformers` that a block variant corresponds to.

    Attributes:
        name: of the class.
        model_type: as `config.json` names it.
        prefix: that names lack where the body was saved without the head.
        modules: dotted owner of our parameters → module; `{}` stands for the layer.
        fused: the order of query, key and value in a module that is all three, or empty.
    """

    name: str
    model_type: str
    prefix: str
    modules: Mapping[str, str]
    fused: tuple[str, ...] = ()

    def ignored(self, name: str, *, tied: bool) -> bool:
        """Whether a tensor is known to say nothing: a buffer, or a tied head written out."""
        return bool(_BUFFER.search(name)) or (tied and name == "lm_head.weight")


_BUFFER = re.compile(r"(rotary_emb\.inv_freq|\.attn\.(causal_mask|bias|masked_bias))$")

_LLAMA = {
    "embedding": "model.embed_tokens",
    "layers.attention_norm": "model.layers.{}.input_layernorm",
    "layers.attention.query": "model.layers.{}.self_attn.q_proj",
    "layers.attention.key": "model.layers.{}.self_attn.k_proj",
    "layers.attention.value": "model.layers.{}.self_attn.v_proj",
    "layers.attention.output": "model.layers.{}.self_attn.o_proj",
    "layers.mlp_norm": "model.layers.{}.post_attention_layernorm",
    "layers.mlp.gate": "model.layers.{}.mlp.gate_proj",
    "layers.mlp.up": "model.layers.{}.mlp.up_proj",
    "layers.mlp.down": "model.layers.{}.mlp.down_proj",
    "final_norm": "model.norm",
    "head": "lm_head",
}
_CODEGEN = {
    "embedding": "transformer.wte",
    "layers.attention_norm": "transformer.h.{}.ln_1",
    "layers.attention.query": "transformer.h.{}.attn.qkv_proj",
    "layers.attention.key": "transformer.h.{}.attn.qkv_proj",
    "layers.attention.value": "transformer.h.{}.attn.qkv_proj",
    "layers.attention.output": "transformer.h.{}.attn.out_proj",
    "layers.mlp.up": "transformer.h.{}.mlp.fc_in",
    "layers.mlp.down": "transformer.h.{}.mlp.fc_out",
    "final_norm": "transformer.ln_f",
    "head": "lm_head",
}
_BLOOM = {
    "embedding": "transformer.word_embeddings",
    "embedding_norm": "transformer.word_embeddings_layernorm",
    "layers.attention_norm": "transformer.h.{}.input_layernorm",
    "layers.attention.query": "transformer.h.{}.self_attention.query_key_value",
    "layers.attention.key": "transformer.h.{}.self_attention.query_key_value",
    "layers.attention.value": "transformer.h.{}.self_attention.query_key_value",
    "layers.attention.output": "transformer.h.{}.self_attention.dense",
    "layers.mlp_norm": "transformer.h.{}.post_attention_layernorm",
    "layers.mlp.up": "transformer.h.{}.mlp.dense_h_to_4h",
    "layers.mlp.down": "transformer.h.{}.mlp.dense_4h_to_h",
    "final_norm": "transformer.ln_f",
    "head": "lm_head",
}

ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "llama": Architecture(
            name="LlamaForCausalLM", model_type="llama", prefix="model.", modules=_LLAMA
        ),
        "qwen2": Architecture(
            name="Qwen2ForCausalLM", model_type="qwen2", prefix="model.", modules=_LLAMA
        ),
        "codegen": Architecture(
            name="CodeGenForCausalLM",
            model_type="codegen",
            prefix="transformer.",
            modules=_CODEGEN,
            fused=("query", "value", "key"),
        ),
        "bloom": Architecture(
            name="BloomForCausalLM",
            model_type="bloom",
            prefix="transformer.",
            modules=_BLOOM,
            fused=("query", "key", "value"),
        ),
    }
)
"""By the name of the block variant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows `[row, row + size)` of a tensor: columns `[column, column + size)` of a parameter.

    Columns are the last dim of a parameter, or the rows of the embedding.
    """

    parameter: str
    row: int
    column: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """One tensor of a Hugging Face model.

    Attributes:
        name: with the layer's number in it.
        shape: as in its file.
        layer: which one of the stacked parameters, or None.
        transposed: whether it is a matrix, `[out, in]`.
        pieces: what its rows are, in order.
    """

    name: str
    shape: tuple[int, ...]
    layer: int | None
    transposed: bool
    pieces: tuple[Piece, ...]


def tensor_specs(config: ModelConfig) -> tuple[TensorSpec, ...]:
    """Every tensor of a model, in the order of its layers.

    Args:
        config: of a base model; parameters of adapters have no place in it.

    Raises:
        CapabilityError: query, key and value of this shape do not fuse.
    """
    architecture = ARCHITECTURES[config.block]
    shapes = {n: s for n, s in parameter_shapes(config).items() if not is_adapter(n)}
    order = list(architecture.modules)
    grouped: dict[str, list[str]] = {}
    for name in sorted(shapes, key=lambda n: order.index(_owner(n))):
        template = f"{architecture.modules[_owner(name)]}.{_suffix(name)}"
        grouped.setdefault(template, []).append(name)
    before = {t: n for t, n in grouped.items() if _owner(n[0]) in ("embedding", "embedding_norm")}
    layered = {t: n for t, n in grouped.items() if n[0].startswith("layers.")}
    after = {t: n for t, n in grouped.items() if t not in before and t not in layered}
    pieces = {t: tuple(_pieces(config, names, shapes)) for t, names in grouped.items()}
    specs = [_spec(t, None, pieces[t], shapes) for t in before]
    for layer in range(config.n_layers):
        specs += [_spec(t, layer, pieces[t], shapes) for t in layered]
    return (*specs, *(_spec(t, None, pieces[t], shapes) for t in after))


def _owner(name: str) -> str:
    return name if name == "embedding" else name.rpartition(".")[0]


def _suffix(name: str) -> str:
    return "bias" if name.endswith(".bias") else "weight"


def _spec(
    template: str,
    layer: int | None,
    pieces: tuple[Piece, ...],
    shapes: Mapping[str, tuple[int, ...]],
) -> TensorSpec:
    first = pieces[0].parameter
    shape = shapes[first] if layer is None else shapes[first][1:]
    transposed = first.endswith(".kernel")
    rest = shape[:-1] if transposed else shape[1:]
    return TensorSpec(
        name=template.format(layer),
        shape=(sum(p.size for p in pieces), *rest),
        layer=layer,
        transposed=transposed,
        pieces=pieces,
    )


def _pieces(
    config: ModelConfig, names: list[str], shapes: Mapping[str, tuple[int, ...]]
) -> Iterator[Piece]:
    if len(names) == 1:
        shape = shapes[names[0]]
        size = shape[0] if names[0] == "embedding" else shape[-1]
        yield Piece(parameter=names[0], row=0, column=0, size=size)
        return
    if config.n_kv_heads != config.n_heads:
        raise CapabilityError(
            f"n_kv_heads {config.n_kv_heads}: {ARCHITECTURES[config.block].name} has as many as "
            f"n_heads, {config.n_heads}"
        )
    groups = _CODEGEN_GROUPS if config.block == "codegen" else config.n_heads
    if config.n_heads % groups:
        raise CapabilityError(
            f"n_heads {config.n_heads}: {ARCHITECTURES[config.block].name} lays heads out in "
            f"{groups} groups, so their number must be a multiple of that"
        )
    by_name = {_owner(n).rpartition(".")[2]: n for n in names}
    size = shapes[names[0]][-1] // groups
    row = 0
    for group in range(groups):
        for name in ARCHITECTURES[config.block].fused:
            yield Piece(parameter=by_name[name], row=row, column=group * size, size=size)
            row += size
