"""The settings of intervals in words; apart from the pictures, because matplotlib takes a second to import."""

from arviz_base import rcParams


def spoken_interval() -> str:
    """The interval's settings in words."""
    kind = "equal-tailed" if rcParams["stats.ci_kind"] == "eti" else "highest-density"
    return f"{rcParams['stats.ci_prob']:.0%} {kind} intervals"
