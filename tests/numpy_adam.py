"""Adam as its paper (Kingma and Ba 2015, algorithm 1) has it, in NumPy, double precision."""

import numpy as np

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7  # the paper's, but for epsilon: Keras's


class Adam:
    """Adam with clipping by the global norm, a rate for each variable and step, and averages.

    Attributes:
        values: the variables, float64 arrays.
        averages: their exponential moving averages, which begin with the values after a step.
        norms: the gradients' global norm at each step, before clipping.
    """

    def __init__(self, values, ema_momentum=0.0):
        self.values = [np.array(value, np.float64) for value in values]
        self.averages, self.norms = None, []
        self._momentum = ema_momentum
        self._first = [np.zeros_like(value) for value in self.values]
        self._second = [np.zeros_like(value) for value in self.values]

    def step(self, gradients, rates, clip_norm=np.inf):
        """Moves value i by its gradient at the rate `rates[i]`."""
        gradients = [np.array(gradient, np.float64) for gradient in gradients]
        self.norms.append(np.sqrt(sum(np.sum(g**2) for g in gradients)))
        t = len(self.norms)
        for i, gradient in enumerate(gradients):
            g = gradient * min(1.0, clip_norm / self.norms[-1])
            self._first[i] = BETA_1 * self._first[i] + (1 - BETA_1) * g
            self._second[i] = BETA_2 * self._second[i] + (1 - BETA_2) * g**2
            # Epsilon stands beside the uncorrected root, as in the faster form of section 2.
            rate = rates[i] * np.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
            self.values[i] -= rate * self._first[i] / (np.sqrt(self._second[i]) + EPSILON)
        if self.averages is None:
            self.averages = [value.copy() for value in self.values]
        for average, value in zip(self.averages, self.values, strict=True):
            average += (1 - self._momentum) * (value - average)
