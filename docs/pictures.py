"""The README's two pictures: run it after a change of the plots (python docs/pictures.py)."""

from pathlib import Path

import hierkit
from hierkit.plots.export import to_svg

HERE = Path(__file__).parent / "pictures"

if __name__ == "__main__":
    data = hierkit.datasets.csat_slopes()
    fit = hierkit.fit("csat ~ wait + (wait | team)", data, random_seed=1, progressbar=False)
    for name, quantity in (("pooling", fit.compare_pooling()), ("teams", fit.group_effects())):
        (HERE / f"{name}.svg").write_bytes(to_svg(quantity.plot()))
