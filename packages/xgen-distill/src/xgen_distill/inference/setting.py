"""How a student is sampled for a score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from xgen_core.records import Record
from xgen_distill.configuration import Sampling

__all__ = ["SETTINGS", "Setting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Record):
    """Sampling, and what is computed of the samples.

    Attributes:
        name: of its files.
        sampling: of every step.
        ks: for pass@k.
    """

    name: str
    sampling: Sampling
    ks: tuple[int, ...]

    def __post_init__(self) -> None:
        samples = self.sampling.samples
        if not self.ks or min(self.ks) < 1 or max(self.ks) > samples:
            raise ValueError(f"{self.name}: ks lie in 1 to {samples} (samples), got {self.ks}")
        if samples > 1 and not self.sampling.temperature:
            raise ValueError(f"{self.name}: {samples} samples of greedy decoding are one")

    def with_samples(self, samples: int) -> Setting:
        """The same with another number of samples, and those of the ks that it allows, or 1."""
        ks = tuple(k for k in self.ks if k <= samples) or (1,)
        return replace(self, sampling=replace(self.sampling, samples=samples), ks=ks)


def _setting(name: str, samples: int, temperature: float, *ks: int) -> Setting:
    return Setting(name=name, sampling=Sampling(samples=samples, temperature=temperature), ks=ks)


SETTINGS: Mapping[str, Setting] = {
    "pass1": _setting("pass1", 20, 0.2, 1),
    "pass100": _setting("pass100", 100, 0.8, 5, 10, 20),
    "greedy": _setting("greedy", 1, 0.0, 1),
}
"""`pass1` and `pass100` are PERsD's (Chen et al. 2023): 20 samples at temperature 0.2, and 100 at
0.8; top_p 0.95 and 1,024 tokens in both."""
