"""A compiled log posterior as a model of nutpie's.

nutpie calls it without Python, as it does a PyMC model's. The class for that is not among its documented ones: should a
release of nutpie have changed it, the documented way is taken, where each call takes Python's lock, 15 microseconds
where a gradient takes 3, and chains wait for each other. The draws are the same.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from nutpie import compile_pymc
from nutpie.compiled_pyfunc import from_pyfunc

from hierkit.arrays import Array
from hierkit.errors import warn
from hierkit.sampling.kernels.densities import keep_point
from hierkit.sampling.kernels.from_python import from_python


def as_nutpie(log_posterior: Any, data: Array, size: int, initial_point: Callable[[int], Array]) -> Any:
    """A model to be sampled.

    Parameters
    ----------
    log_posterior : compiled function
        From `hierkit.sampling.kernels.densities.callback`.
    data : ndarray
        What it reads.
    size : int
        How many parameters there are.
    initial_point : callable
        From a seed to where a chain starts.
    """
    try:
        return compile_pymc.CompiledPyMCModel(
            dims={},
            compiled_logp_func=log_posterior,
            compiled_expand_func=keep_point,
            initial_point_func=initial_point,
            shared_data={},
            shared_var_keys={},
            user_data=data,
            n_expanded=size,
            shape_info=(["x"], [slice(0, size)], [(size,)]),
            logp_func=None,
            expand_func=None,
            _n_dim=size,
            _shapes={"x": (size,)},
            _coords={},
        )
    except (AttributeError, TypeError):
        warn("This release of nutpie is not one that hierkit knows: sampling is slower. Its draws are the same.")
        return _through_python(log_posterior, data, size, initial_point)


def _through_python(log_posterior: Any, data: Array, size: int, initial_point: Callable[[int], Array]) -> Any:
    def make_log_p() -> Callable[[Array], tuple[float, Array]]:
        function = from_python(log_posterior, data, size)

        def log_p(x: Array) -> tuple[float, Array]:
            value, gradient = function(x)
            finite = np.isfinite(value) and np.isfinite(gradient).all()
            return (value if finite else -np.inf), gradient

        return log_p

    def make_expand(*seeds: int) -> Callable[[Array], dict[str, Array]]:
        return lambda x: {"x": np.array(x)}

    return from_pyfunc(
        size, make_log_p, make_expand, [np.dtype(np.float64)], [(size,)], ["x"], make_initial_point_fn=initial_point
    )
