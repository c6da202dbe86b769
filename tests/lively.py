"""Networks whose every number is drawn: a fresh one has norms and biases that change nothing."""

import keras
import numpy as np


def lively(network: keras.Model, seed: int = 7) -> keras.Model:
    """Draws gammas, betas, biases and moving statistics anew, as different as trained ones; gives
    the network, which keeps its kernels."""
    rng = np.random.default_rng(seed)
    for variable in network.variables:
        if variable.name in ("gamma", "moving_variance"):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif variable.name in ("beta", "bias", "moving_mean"):
            variable.assign(rng.normal(0, 0.3, variable.shape))
    return network
