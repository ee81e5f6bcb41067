"""The configuration refuses nonsense, and presets cost what they say."""

import math
from dataclasses import replace

import jax
import pytest

from xgen_core import CodecError, InputError
from xgen_model import (
    PRESETS,
    ModelConfig,
    abstract_params,
    parameter_count,
    preset,
    training_flops_per_token,
)


def test_xgen_7b_has_the_published_number_of_parameters():
    assert parameter_count(preset("xgen-7b-8k")) == 6_895_702_016
    assert parameter_count(preset("xgen-7b-4k")) == 6_895_702_016
    assert preset("xgen-7b-4k").context_length == 4096


@pytest.mark.parametrize(("length", "giga"), [(2048, 44.6), (4096, 47.8), (8192, 54.3)])
def test_xgen_7b_training_flops(length, giga):
    flops = training_flops_per_token(preset("xgen-7b-8k"), length)
    assert flops / 1e9 == pytest.approx(giga, abs=0.05)


@pytest.mark.parametrize("name", list(PRESETS))
def test_the_count_is_that_of_the_tree(name):
    config = PRESETS[name]
    leaves = jax.tree.leaves(abstract_params(config))
    assert sum(math.prod(a.shape) for a in leaves) == parameter_count(config)


def test_grouped_and_tied_models_are_counted_too(config):
    tied = replace(config, tie_embeddings=True)
    leaves = jax.tree.leaves(abstract_params(tied))
    assert sum(math.prod(a.shape) for a in leaves) == parameter_count(tied)
    assert "output" not in abstract_params(tied)


def test_json_round_trip(config):
    assert ModelConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_layers": 0}, "n_layers must be at least 1"),
        ({"n_tokens": 385}, "does not fit"),
        ({"n_heads": 3}, "does not split"),
        ({"n_kv_heads": 3}, "multiple"),
        ({"loss_chunk": -1}, "loss_chunk"),
        ({"rope_theta": 0.0}, "rope_theta"),
    ],
)
def test_values_that_contradict_each_other_are_refused(config, change, message):
    with pytest.raises(ValueError, match=message):
        replace(config, **change)


def test_unknown_names_are_answered_with_the_nearest(config):
    with pytest.raises(CodecError, match="did you mean 'dtype'"):
        ModelConfig.from_json({**config.to_json(), "dtyp": "float32"})
    with pytest.raises(InputError, match="did you mean 'tiny'"):
        preset("tinny")
