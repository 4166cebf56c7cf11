"""Stochastic-gradient Hamiltonian Monte Carlo: Chen, Fox, Guestrin, ICML 2014, arXiv 1402.4102."""

import random
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import backend
from kgan.arguments import COUNT, Checked, Count, Natural, Positive, Seed, require
from kgan.types import Config, Tensor


class _Standing(keras.random.SeedGenerator):
    """A seed that Keras' random functions take as it is: whoever made it moves it on."""

    def __init__(self, pair: Tensor) -> None:
        self.pair = pair

    def next(self, ordered: bool = True) -> Tensor:
        return self.pair


@keras.saving.register_keras_serializable("kgan")
class SGHMC(Checked, keras.optimizers.Optimizer):
    """A sampler in the form of an optimizer: its weights wander over the posterior `exp(-U)` instead of settling in a minimum.

    With friction a and learning rate eta, one step on the stochastic gradient of U is

        v <- (1 - a) v - eta grad U(theta) + n,   n ~ N(0, 2 a eta);   theta <- theta + v,

    the chain of Algorithm 1 of 1705.09558 (which prints `theta <- theta + v` first; from v = 0 it is the same chain). 2 a eta is the
    variance of the noise. Momentum is 1 - a by construction, and the estimate of the gradients' own noise is 0, as in the paper.

    U of a data set of N examples is a sum over them, a loss their mean. Here the gradient is that of `U / data_size`, and `learning_rate`
    is `r = eta * data_size`, the ordinary rate of a mean loss: `v <- (1 - a) v - r grad(U / N) + N(0, 2 a r / N)`, the same numbers. With
    `data_size=1` the loss is U itself and the rate is eta.

    Burn-in: the first `burn_in` steps are Adam's. Then v starts at 0, and nothing of Adam's moments enters.

    The noise of a variable at a step is a function of `seed`, the variable's index and `iterations`: saved, restored, and equal on all
    replicas without a state of its own.

    Args:
        learning_rate: > 0 or a Keras schedule, default 1e-3: r.
        friction: in (0, 1), default 0.1 (momentum 0.9, Bayesian GAN; its code has 0.01).
        data_size: default 1: N, how many examples the loss is a mean over. `kgan.BayesianGAN` sets it.
        burn_in: default 0: steps of Adam before the first of the sampler.
        burn_in_learning_rate: default None: Adam's rate; None takes `learning_rate`.
        beta_1, beta_2, epsilon: Adam's, default 0.5, 0.999, 1e-8 (Bayesian GAN).
        seed: default None (drawn and kept): of the noise.
        **kwargs: of `keras.optimizers.Optimizer`.

    Raises:
        ValueError: for a friction outside (0, 1), a rate <= 0, a size below 1, a negative burn-in.

    Example: samples of N(0, 1), whose U is theta^2 / 2, have variance 1.

    >>> import keras, numpy as np, kgan
    >>> theta = keras.Variable(np.zeros(4000, "float32"))
    >>> sampler = kgan.optimizers.SGHMC(0.1, friction=0.5, seed=0)
    >>> for _ in range(60):
    ...     sampler.apply([keras.ops.convert_to_tensor(theta)], [theta])
    >>> 0.9 < float(keras.ops.var(theta)) < 1.15
    True
    """

    def __init__(
        self,
        learning_rate: Any = 1e-3,
        friction: float = 0.1,
        data_size: Count = 1,
        burn_in: Natural = 0,
        burn_in_learning_rate: Positive | None = None,
        beta_1: float = 0.5,
        beta_2: float = 0.999,
        epsilon: Positive = 1e-8,
        seed: Seed | None = None,
        name: str = "sghmc",
        **kwargs: Any,
    ) -> None:
        if isinstance(learning_rate, (int, float, np.number)) and not learning_rate > 0:
            raise ValueError(f"`learning_rate` must be > 0. Received: {learning_rate!r}.")
        if not 0.0 < friction < 1.0:
            raise ValueError(f"`friction` must lie strictly between 0 and 1; momentum is 1 - friction. Received: {friction!r}.")
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.friction = friction
        self.data_size = data_size
        self.burn_in = burn_in
        self.burn_in_learning_rate = burn_in_learning_rate
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.seed = random.randrange(2**30) if seed is None else seed

    def build(self, variables: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._size = self.add_variable(
            (), keras.initializers.Constant(self.data_size), "float32", "only_first_replica", name="data_size"
        )
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        if self.burn_in:
            self._moments, self._squares = self.add_optimizer_variables(variables, ["first_moment", "second_moment"])
        # Far apart for every variable: torch adds the two numbers of a seed.
        self._streams = tuple(
            int(np.random.SeedSequence([self.seed, i]).generate_state(1)[0]) >> 1 for i in range(len(variables))
        )
        self._seed_dtype = keras.random.SeedGenerator(0).state.dtype

    def set_data_size(self, data_size: int) -> None:
        """Change N, also between two calls of `fit`."""
        require(COUNT, data_size=data_size)
        self.data_size = data_size
        if self.built:
            self._size.assign(self.data_size)

    def first_rate(self) -> float:
        """The learning rate of the first step after burn-in, a float."""
        rate = backend.rate_or_schedule(self)
        schedule = isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)
        return float(rate(self.burn_in) if schedule else self.learning_rate)

    def noise_stddev(self, learning_rate: Tensor) -> Tensor:
        """Standard deviation of the noise of one step, `sqrt(2 a r / N)`."""
        return ops.sqrt(2.0 * self.friction * learning_rate / ops.convert_to_tensor(self._size))

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor) -> None:
        index = backend.index_of(self, variable)
        velocity = self._velocities[index]
        gradient, rate = ops.cast(gradient, velocity.dtype), ops.cast(learning_rate, "float32")
        noise = ops.cast(self.noise_stddev(rate), velocity.dtype) * self._noise(index)
        step = (1.0 - self.friction) * velocity - ops.cast(rate, velocity.dtype) * gradient + noise
        if not self.burn_in:
            self.assign(velocity, step)
            self.assign_add(variable, step)
            return
        sampling = ops.greater_equal(ops.convert_to_tensor(self.iterations), self.burn_in)
        adam = self._adam_step(index, gradient, rate)
        self.assign(velocity, ops.where(sampling, step, ops.zeros_like(step)))
        self.assign_add(variable, ops.where(sampling, step, adam))

    def _noise(self, index: int) -> Tensor:
        velocity = self._velocities[index]
        place = ops.cast(self.iterations, self._seed_dtype)
        pair = ops.stack([ops.convert_to_tensor(self._streams[index], dtype=self._seed_dtype), place])
        return keras.random.normal(tuple(velocity.shape), dtype=velocity.dtype, seed=_Standing(pair))

    def _adam_step(self, index: int, gradient: Tensor, rate: Tensor) -> Tensor:
        moment, square = self._moments[index], self._squares[index]
        steps = ops.cast(self.iterations, "float32") + 1.0
        if self.burn_in_learning_rate is not None:
            rate = self.burn_in_learning_rate
        rate = ops.cast(rate * ops.sqrt(1.0 - self.beta_2**steps) / (1.0 - self.beta_1**steps), moment.dtype)
        new_moment = self.beta_1 * moment + (1.0 - self.beta_1) * gradient
        new_square = self.beta_2 * square + (1.0 - self.beta_2) * ops.square(gradient)
        self.assign(moment, new_moment)
        self.assign(square, new_square)
        return -rate * new_moment / (ops.sqrt(new_square) + self.epsilon)

    def get_config(self) -> Config:
        names = ("friction", "data_size", "burn_in", "burn_in_learning_rate", "beta_1", "beta_2", "epsilon", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
