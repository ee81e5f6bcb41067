"""A model that is talked to: weights to begin with, tokenizer and chat template."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path

from xgen_core import ChatTemplate, InputError, Tokenizer, open_tokenizer
from xgen_core.codec import CodecError
from xgen_core.files import read_json, write_json
from xgen_model import CheckpointStore, Lora, ModelConfig, ModelSource, open_source
from xgen_model.hugging_face.directory import copy_tokenizer
from xgen_train.origin import check_start
from xgen_train.recipe import RunRecipe

__all__ = ["Chat", "adapted", "chat_template", "open_chat", "read_template", "start_model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """What conversations are rendered and encoded with.

    Attributes:
        source: the weights that a run starts from, not read yet.
        tokenizer: whose ids they were trained on.
        template: how messages become text.
        beside: whether the tokenizer is the one that lies beside the weights.
    """

    source: ModelSource
    tokenizer: Tokenizer
    template: ChatTemplate
    beside: bool

    def checkpoints(self, directory: Path, recipe: RunRecipe, keep: int) -> CheckpointStore:
        """Where a run saves, with tokenizer and template in it.

        Args:
            directory: the checkpoint directory.
            recipe: of the run.
            keep: the last step, which stays.
        """
        with tempfile.TemporaryDirectory() as scratch:
            tokenizer = Path(scratch) / "tokenizer"
            if self.beside and self.source.tokenizer_directory is not None:
                copy_tokenizer(self.source.tokenizer_directory, tokenizer)
            else:
                self.tokenizer.save(tokenizer)
            # what the answers were learnt with is what the model is to be asked with
            header = {"format": "xgen-template", "version": 1}
            write_json(tokenizer / "template.json", {**header, "template": self.template.to_json()})
            return CheckpointStore.create(
                directory,
                recipe.model,
                tokenizer=tokenizer,
                tokenizer_fingerprint=self.tokenizer.fingerprint,
                keep_last=recipe.keep_last,
                keep=(keep,),
            )


def open_chat(recipe: RunRecipe, template: str = "", tokenizer: Tokenizer | None = None) -> Chat:
    """Open what a recipe starts from, its weights not read yet.

    Args:
        recipe: names the start.
        template: as `read_template` takes it; empty for the model's own.
        tokenizer: in place of the one beside the weights.

    Raises:
        InputError: no model there, one of other shapes than the recipe's, or no tokenizer or chat
            template with it.
        FormatError: it is damaged, or its tokenizer is not the one it was made for.
    """
    source = open_source(recipe.start)
    check_start(recipe.model, source)
    opened = source.open_tokenizer() if tokenizer is None else source.checked(tokenizer)
    if opened.vocab_size != recipe.model.n_tokens:
        raise InputError(
            f"{recipe.start}: its tokenizer has {opened.vocab_size} ids, and the recipe's model "
            f"{recipe.model.n_tokens}: --set model.n_tokens={opened.vocab_size}"
        )
    found = chat_template(source, opened, read_template(template) if template else None)
    return Chat(source=source, tokenizer=opened, template=found, beside=tokenizer is None)


def chat_template(
    source: ModelSource, tokenizer: Tokenizer, wanted: ChatTemplate | None = None
) -> ChatTemplate:
    """How conversations become text: as is wanted, else as the model or its tokenizer says.

    Raises:
        InputError: nobody says so.
    """
    found = wanted or source.template or getattr(tokenizer, "template", None)
    if not isinstance(found, ChatTemplate):
        raise InputError(
            f"{source.directory}: has no chat template, so nobody knows how a conversation is "
            "read: give --template FILE, or --template xgen for XGen-7B-Inst's, raw for none"
        )
    return found


def read_template(name: str) -> ChatTemplate | None:
    """A chat template from a JSON file, or by name: `xgen` is XGen-7B-Inst's, `raw` has no words.

    Raises:
        InputError: no such file, or no template in it.
    """
    if name == "xgen":
        return getattr(open_tokenizer("xgen:instruct"), "template", None)
    if name == "raw":  # contents end to end: prompts and completions that need nothing around them
        roles = ("system", "user", "assistant", "tool")
        return ChatTemplate(name="raw", prefixes=dict.fromkeys(roles, ""), suffixes={})
    value = read_json(name)
    # alone, or as it stands in a tokenizer directory
    inner = value.get("template", value) if isinstance(value, dict) else value
    try:
        return ChatTemplate.from_json(inner)
    except CodecError as error:
        raise InputError(f"{name}: not a chat template: {error}") from error


def start_model(start: str, lora: Lora | None = None) -> tuple[ModelConfig, tuple[str, ...]]:
    """The model that a run begins with, and which of its parameters are trained.

    Args:
        start: a checkpoint, run or Hugging Face directory.
        lora: adapters to add, which alone are trained then; None trains everything.

    Raises:
        XgenError: there is no model, or it has other adapters, or not such projections.
    """
    source = open_source(start)
    config = source.config
    if source.store is None:
        config = source.fitted(source.open_tokenizer()).config
    if lora is None:
        return config, ("all",)
    return adapted(config, start, lora=lora), ("lora",)


def adapted(
    config: ModelConfig, start: str, *, lora: Lora | None = None, soft_prompt: int = 0
) -> ModelConfig:
    """A model's configuration with adapters; those that it has already may be trained on.

    Args:
        config: of the model.
        start: what the user calls it.
        lora: what it is to have; None leaves it as it is.
        soft_prompt: virtual tokens that it is to have; 0 leaves it as it is.

    Raises:
        InputError: it has others, or no projection of a target's name.
    """
    if lora is not None and config.lora not in (None, lora):
        raise InputError(
            f"{start}: has LoRA adapters of rank {config.lora.rank} already: ask for the same "
            "ones, or export it, which merges them, and begin with that"
        )
    if soft_prompt and config.soft_prompt not in (0, soft_prompt):
        raise InputError(
            f"{start}: has a soft prompt of {config.soft_prompt} tokens already, and "
            f"{soft_prompt} are asked for: begin with the model below it"
        )
    try:
        return dataclasses.replace(
            config, lora=lora or config.lora, soft_prompt=soft_prompt or config.soft_prompt
        )
    except ValueError as error:
        raise InputError(f"{start}: {error}") from error
