"""How a model was sampled: the record that a fit carries with its draws."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from hierkit.model.priors import EffectsDistribution

EngineName = Literal["auto", "marginal", "joint", "pymc"]
NutsSampler = Literal["nutpie", "pymc", "numpyro", "blackjax"]


@dataclass(frozen=True)
class Run:
    """One run of a sampler.

    Attributes
    ----------
    engine, engine_reason : str
        What sampled, and why.
    effects : {"normal", "student_t"}
        The distribution of the group effects.
    random_seed : int
        Which gives the same draws again.
    draws, tune, chains : int
        Per chain, and how many chains.
    target_accept : float
        NUTS's target acceptance probability.
    nuts_sampler : str
        The implementation of NUTS.
    thin : int
        One draw in so many was kept.
    retry : str
        Why the model was sampled a second time; empty if it was not.
    sampling_seconds : float
        Both runs together.
    versions : dict of str to str
        By package.
    """

    engine: EngineName
    engine_reason: str
    effects: EffectsDistribution
    random_seed: int
    draws: int
    tune: int
    chains: int
    target_accept: float
    nuts_sampler: NutsSampler
    thin: int = 1
    retry: str = ""
    sampling_seconds: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)

    def to_attrs(self) -> dict[str, Any]:
        """As the attributes of a DataTree."""
        return asdict(self)

    @classmethod
    def from_attrs(cls, attrs: Mapping[Any, Any]) -> "Run":
        """From the attributes of a DataTree, of which others are left out."""
        return cls(**{field.name: attrs[field.name] for field in fields(cls) if field.name in attrs})
