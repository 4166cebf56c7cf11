"""Imitation of mixed demonstrations: Hausman, Chebotar, Schaal, Sukhatme, Lim, NIPS 2017, arXiv 1705.10479."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import backend, codes, control, objectives
from kgan.arguments import COUNT, Count, Counts, Network, NonNegative, Numbers, Positive, Several, require, shown
from kgan.engine import AdversarialModel, Move, Observation, Terms, Turn
from kgan.families.bases.generative import check_maps, given_or_built
from kgan.networks.control import gaussian_policy, perceptron
from kgan.types import Array, SeedLike, Tensor

_PLAYERS = ("policy", "value", "discriminator", "posterior")


@keras.saving.register_keras_serializable("kgan")
class IntentionGAIL(AdversarialModel):
    """Learns to do what several experts did, whose demonstrations are mixed: each value of a latent intention becomes one of the skills.

    A policy pi(a | s, i) is told an intention i, drawn once for an episode; a discriminator D, the probability that a pair (s, a) is an
    expert's, is not; a posterior p(i | s, a) guesses it. With d the logit of D, sp softplus, and each move on the same rollouts:

    - discriminator: `L_D = mean sp(-d)` over demonstrations `+ mean sp(d)` over rollouts;
    - posterior: `L_I = -mean log p(i | s, a)` over rollouts;
    - policy, with the reward of both as they then are, `r = log D(s, a) + information_weight log p(i | s, a)` (Eq. 9): one step of
      trust region policy optimization on `mean pi / pi_old A + entropy_weight mean H(pi(. | s, i))`, A generalized advantages, with
      `mean KL(pi_old || pi) <= kl_limit` exactly (`kgan.control.trust_region_step`);
    - value V(s, i): squared distance to the lambda-returns, which follow V from step to step.

    With `information_weight` 0 this is GAIL (Ho and Ermon, NIPS 2016, arXiv 1606.03476), which imitates as well and need not use i.

    Signs: Eq. 8 prints `1 - log D` for `log(1 - D)`, and its inner problem has no minimum; meant, and used here, is the cross-entropy. It
    rests on `H(a | s, i) = H(i | s, a) + H(a | s) - H(i | s)` with H(i) for H(i | s). Its lambda_H - lambda_I is `entropy_weight` here.

    Args:
        observation_size, action_size: numbers of a state and of an action; default: those of `environment`.
        intentions: K, default 2: values of the intention, equally likely.
        environment: what `kgan.control.describe` says of the environment, kept in the file: `imitate` and `play` refuse another one, and
            warn of another version of its simulator. Default None: any.
        policy: `keras.Model` from observation and one-hot intention side by side `(batch, observation_size + K)` to means and logarithms
            of standard deviations `(batch, 2 action_size)`. value: from the same to `(batch, 1)`. discriminator: from observation and
            action side by side to a logit `(batch, 1)`. posterior: from the same to logits `(batch, K)`. Default: `kgan.networks.control`.
        hidden: default (64, 64), tanh units of these four.
        observation_center, observation_scale: means and standard deviations of observations, which the default networks bring to 0 and 1;
            `Demonstrations.statistics` tells them. Default None: observations as they are.
        information_weight: lambda_I, default 0.5. entropy_weight: default 1e-3.
        reward_form: "non_saturating" (default, the paper's): log D; "minimax": -log(1 - D), for worlds in which a fall ends the episode,
            see `kgan.objectives.imitation_reward`.
        discount: default 0.97, trace_decay: default 0.95, in [0, 1]: gamma and lambda of the advantages.
        kl_limit: default 0.01 nats (TRPO's). damping: default 0.1, conjugate_steps: default 10, backtracks: default 10 (its authors').
        discriminator_steps, posterior_steps, value_steps: default 3, 3, 5: steps on the same rollouts.
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Training: `imitate(environment, demonstrations, epochs=...)`. Input of `fit`, `fit_from`, `train_on_batch`: a dict of float32 arrays
    whose rows are episodes of T steps: "observations" `(batch, T + 1, observation_size)`, "actions" `(batch, T, action_size)` as the
    present policy drew them, "intentions" `(batch, K)` one-hot, "alive" `(batch, T + 1)` (see `kgan.control.Rollouts`), and any pairs
    of experts, "expert_observations" `(batch, T, observation_size)` and "expert_actions" `(batch, T, action_size)`. Actions lie in
    [-1, 1]; what the policy draws is clipped before networks or environments see it.

    `generate(count, condition=...)`: actions for observations, drawn from the policy and not yet clipped; see `generator_inputs`.

    Logs: `discriminator/adversarial`, `discriminator/expert_logit`, `discriminator/policy_logit`; `posterior/cross_entropy`,
    `posterior/information` (`log K` minus it, nats); `policy/surrogate`, minus what the step gained; `policy/kl`, `policy/fraction` of
    the step, `policy/entropy`, `policy/reward`, `policy/log_d`; `value/squared`.

    Default optimizers: Adam(5e-4) for discriminator and posterior, Adam(1e-3) for the value; plain descent of rate 1 for the policy, whose
    gradient is the negative step: with another optimizer the limit does not hold.

    Raises:
        ValueError: for networks or sizes that do not fit, numbers out of range.

    Departures from the paper: it states neither networks nor weights nor steps; all are of this project. V sees the intention.
    Continuous intentions are left out.

    Example:
    >>> import numpy as np, kgan
    >>> world = kgan.control.PointMass(4)
    >>> experts = kgan.control.Demonstrations.record(world, world.expert, np.eye(2)[[0, 1, 0, 1]], seeds=[0, 1, 2, 3])
    >>> model = kgan.IntentionGAIL(environment=kgan.control.describe(world), hidden=(8,), seed=0, **experts.statistics())
    >>> model.compile()
    >>> history = model.imitate(world, experts, epochs=2, verbose=0)
    >>> history.history["policy/kl"][-1] <= 0.01
    True
    """

    def __init__(
        self,
        observation_size: Count | None = None,
        action_size: Count | None = None,
        *,
        intentions: Several = 2,
        environment: Mapping[str, Any] | None = None,
        policy: Network | None = None,
        value: Network | None = None,
        discriminator: Network | None = None,
        posterior: Network | None = None,
        hidden: Counts = (64, 64),
        observation_center: Numbers | None = None,
        observation_scale: Numbers | None = None,
        information_weight: NonNegative = 0.5,
        entropy_weight: NonNegative = 1e-3,
        reward_form: str = "non_saturating",
        discount: NonNegative = 0.97,
        trace_decay: NonNegative = 0.95,
        kl_limit: Positive = 0.01,
        damping: NonNegative = 0.1,
        conjugate_steps: Count = 10,
        backtracks: Count = 10,
        discriminator_steps: Count = 3,
        posterior_steps: Count = 3,
        value_steps: Count = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.environment = None if environment is None else dict(environment)
        self.observation_size = _size("observation_size", observation_size, environment)
        self.action_size = _size("action_size", action_size, environment)
        self.intentions, self.code = intentions, codes.Categorical(intentions)
        self.hidden, self.observation_center, self.observation_scale = hidden, observation_center, observation_scale
        self.information_weight, self.entropy_weight, self.reward_form = information_weight, entropy_weight, reward_form
        self.discount, self.trace_decay = discount, trace_decay
        self.kl_limit, self.damping, self.conjugate_steps, self.backtracks = kl_limit, damping, conjugate_steps, backtracks
        self.discriminator_steps, self.posterior_steps, self.value_steps = discriminator_steps, posterior_steps, value_steps
        self._check_numbers()
        given = dict(zip(_PLAYERS, (policy, value, discriminator, posterior), strict=True))
        _, *networks = given_or_built((self.observation_size,), given, lambda _: self._default_networks())
        self.policy, self.value, self.discriminator, self.posterior = networks
        state, pair = self.observation_size + intentions, self.observation_size + self.action_size
        for network, inputs, outputs in (
            (self.policy, state, 2 * self.action_size),
            (self.value, state, 1),
            (self.discriminator, pair, 1),
            (self.posterior, pair, intentions),
        ):
            check_maps(network, (None, inputs), (None, outputs))

    def _check_numbers(self) -> None:
        for name in ("discount", "trace_decay"):
            if getattr(self, name) > 1.0:
                raise ValueError(f"`{name}` must lie in [0, 1]. Received: {getattr(self, name)!r}.")
        if self.reward_form not in objectives.IMITATION_REWARDS:
            raise ValueError(f"`reward_form` must be one of {objectives.IMITATION_REWARDS}. Received: {self.reward_form!r}.")
        for name in ("observation_center", "observation_scale"):
            numbers = getattr(self, name)
            if numbers is not None and (
                len(numbers) != self.observation_size or (name == "observation_scale" and min(numbers) <= 0)
            ):
                positive = " > 0" if name == "observation_scale" else ""
                raise ValueError(
                    f"`{name}` needs {self.observation_size} numbers{positive}, one for each of an observation. "
                    f"Received: {shown(numbers)}."
                )

    def _default_networks(self) -> dict[str, Any]:
        state, pair = self.observation_size + self.intentions, self.observation_size + self.action_size
        shared: dict[str, Any] = {"hidden": self.hidden, "center": self.observation_center, "scale": self.observation_scale}
        return {
            "policy": lambda: gaussian_policy(state, self.action_size, **shared),
            "value": lambda: perceptron(state, name="value", **shared),
            "discriminator": lambda: perceptron(pair, **shared),
            "posterior": lambda: perceptron(pair, self.intentions, name="posterior", **shared),
        }

    @property
    def generator(self) -> keras.Model:
        """The policy."""
        return self.policy

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rates = {"discriminator": 5e-4, "posterior": 5e-4, "value": 1e-3}
        return {**{move: keras.optimizers.Adam(rate) for move, rate in rates.items()}, "policy": keras.optimizers.SGD(1.0)}

    # Data ------------------------------------------------------------------------------------------------------------

    def check_data(self, batch: Any) -> None:
        sizes = {
            "observations": self.observation_size,
            "actions": self.action_size,
            "intentions": self.intentions,
            "alive": None,
            "expert_observations": self.observation_size,
            "expert_actions": self.action_size,
        }
        if not isinstance(batch, Mapping) or set(batch) != set(sizes):
            received = sorted(batch) if isinstance(batch, Mapping) else type(batch).__name__
            raise ValueError(f"Data of {type(self).__name__} are a dict of {sorted(sizes)}. Received: {received}.")
        arrays = {name: np.asarray(array) for name, array in batch.items()}
        steps = arrays["actions"].shape[1] if arrays["actions"].ndim == 3 else 0
        for name, size in sizes.items():
            length = steps + (name in ("observations", "alive"))
            expected = (size,) if name == "intentions" else (length,) if size is None else (length, size)
            array = arrays[name]
            if not steps or array.shape[1:] != expected or not np.issubdtype(array.dtype, np.floating):
                words = ", ".join(map(str, ("episodes", *expected))) if steps else "episodes, steps, numbers"
                raise ValueError(f"`{name}` must be floats ({words}). Received: {array.dtype} {array.shape}.")
            if not np.isfinite(array).all():
                raise ValueError(f"`{name}` holds NaN or infinite values. Remove or repair those episodes.")

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        def on_these(name: str, loss: Any, steps: int) -> Turn:
            return Turn((Move(name, (name,), loss),), repeats=steps, fresh=False)

        return (
            on_these("discriminator", self.discriminator_loss, self.discriminator_steps),
            on_these("posterior", self.posterior_loss, self.posterior_steps),
            on_these("policy", self.policy_loss, 1),
            on_these("value", self.value_loss, self.value_steps),
        )

    def told(self, observations: Tensor, intentions: Tensor) -> Tensor:
        """Observations `(batch, steps, n)`, and behind each the intention of its episode."""
        intentions = ops.tile(intentions[:, None], (1, ops.shape(observations)[1], 1))
        return ops.concatenate([observations, ops.cast(intentions, observations.dtype)], axis=-1)

    def distribution(self, observations: Tensor, intentions: Tensor, training: bool = False) -> list[Tensor]:
        """Means and logarithms of standard deviations of actions, each with the leading axes of the observations."""
        parameters = self._over_steps(self.policy, self.told(observations, intentions), training)
        return ops.split(parameters, 2, axis=-1)

    def _over_steps(self, network: keras.Model, inputs: Tensor, training: bool | None = None) -> Tensor:
        """What a network of single steps makes of those of episodes."""
        outputs = network(
            ops.reshape(inputs, (-1, inputs.shape[-1])), training=self.in_training if training is None else training
        )
        return backend.full_precision(ops.reshape(outputs, (-1, ops.shape(inputs)[1], outputs.shape[-1])))

    def logits(self, observations: Tensor, actions: Tensor) -> Tensor:
        """The discriminator's logits of steps, actions clipped as the environment has seen them."""
        return self._over_steps(self.discriminator, self._pairs(observations, actions))[..., 0]

    def log_posterior(self, observations: Tensor, actions: Tensor, intentions: Tensor) -> Tensor:
        """`log p(i | s, a)` of steps."""
        found = self._over_steps(self.posterior, self._pairs(observations, actions))
        return ops.sum(backend.full_precision(intentions)[:, None] * ops.log_softmax(found, axis=-1), axis=-1)

    def _pairs(self, observations: Tensor, actions: Tensor) -> Tensor:
        return ops.concatenate([observations, ops.clip(actions, -1.0, 1.0)], axis=-1)

    def values_of(self, batch: Mapping[str, Tensor]) -> Tensor:
        """V of every state, the last included."""
        return self._over_steps(self.value, self.told(batch["observations"], batch["intentions"]))[..., 0]

    def rewards(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The rewards of steps (Eq. 9), and the discriminator's share of them."""
        seen, actions = batch["observations"][:, :-1], batch["actions"]
        imitating = objectives.imitation_reward(self.logits(seen, actions), self.reward_form)
        guessed = self.log_posterior(seen, actions, batch["intentions"])
        return imitating + self.information_weight * guessed, imitating

    def advantages(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Advantages of steps, before they are normalized, and lambda-returns; constants of a move."""
        values = self.values_of(batch)
        rewards, _ = self.rewards(batch)
        found = objectives.generalized_advantages(rewards, values, batch["alive"], self.discount, self.trace_decay)
        return ops.stop_gradient(found), ops.stop_gradient(found + values[:, :-1])

    def discriminator_loss(self, batch: Mapping[str, Tensor]) -> Terms:
        batch = _float32(batch)
        expert = self.logits(batch["expert_observations"], batch["expert_actions"])
        policy = self.logits(batch["observations"][:, :-1], batch["actions"])
        return {
            "adversarial": ops.mean(ops.softplus(-expert)) + _mean(ops.softplus(policy), batch),
            "expert_logit": Observation(ops.mean(expert)),
            "policy_logit": Observation(_mean(policy, batch)),
        }

    def posterior_loss(self, batch: Mapping[str, Tensor]) -> Terms:
        batch = _float32(batch)
        loss = -_mean(self.log_posterior(batch["observations"][:, :-1], batch["actions"], batch["intentions"]), batch)
        return {"cross_entropy": loss, "information": Observation(self.code.entropy - loss)}

    def policy_loss(self, batch: Mapping[str, Tensor]) -> Terms:
        batch = _float32(batch)
        rewards, imitating = self.rewards(batch)
        advantages = _normalized(self.advantages(batch)[0], batch)
        seen, actions, intentions = batch["observations"][:, :-1], batch["actions"], batch["intentions"]
        before = [ops.stop_gradient(part) for part in self.distribution(seen, intentions, self.in_training)]
        density = objectives.gaussian_log_density(actions, *before)

        def evaluate() -> tuple[Tensor, Tensor]:
            after = self.distribution(seen, intentions, self.in_training)
            ratio = ops.exp(objectives.gaussian_log_density(actions, *after) - density)
            gain = _mean(ratio * advantages + self.entropy_weight * objectives.gaussian_entropy(after[1]), batch)
            return gain, _mean(objectives.gaussian_divergence(*before, *after), batch)

        variables = self.policy.trainable_variables
        step = control.trust_region_step(evaluate, variables, self.kl_limit, self.damping, self.conjugate_steps, self.backtracks)
        # A term of value 0 whose gradient is the negative step: what descent of rate 1 makes of it is the step itself.
        weights = backend.flat([ops.convert_to_tensor(v) for v in variables])
        push = -ops.sum((weights - ops.stop_gradient(weights)) * step.direction)
        return {
            "surrogate": push - step.gain,
            "kl": Observation(step.divergence),
            "fraction": Observation(step.fraction),
            "entropy": Observation(_mean(objectives.gaussian_entropy(before[1]), batch)),
            "reward": Observation(_mean(rewards, batch)),
            "log_d": Observation(_mean(imitating, batch)),
        }

    def value_loss(self, batch: Mapping[str, Tensor]) -> Terms:
        batch = _float32(batch)
        _, returns = self.advantages(batch)
        return {"squared": _mean(ops.square(self.values_of(batch)[:, :-1] - returns), batch)}

    # Acting ----------------------------------------------------------------------------------------------------------

    def call(self, inputs: Mapping[str, Tensor], training: bool = False) -> Tensor:
        with backend.Overlay(() if training else self._averages.values(), commit=True):
            means, log_stds = self.distribution(inputs["observations"], inputs["intentions"], training)
        return means + ops.exp(log_stds) * inputs["noise"]

    def generator_inputs(self, count: int, condition: Any = None, seed: SeedLike = None) -> dict[str, Tensor]:
        """What `call` turns into actions.

        Args:
            count: episodes. condition: observations `(count, steps, numbers)`; or a dict of "observations" and, if they are not to be
                drawn, "intentions" `(count, K)`, such as a batch of rollouts; the rest of it is not looked at.
        """
        if condition is None:
            raise ValueError("Actions are for observations: give `condition`, an array (count, steps, numbers).")
        given = condition if isinstance(condition, Mapping) else {"observations": condition}
        seen = np.asarray(given["observations"], "float32")
        if seen.ndim != 3 or len(seen) != count or seen.shape[-1] != self.observation_size or not np.isfinite(seen).all():
            raise ValueError(f"Observations must be finite, ({count}, steps, {self.observation_size}). Received: {seen.shape}.")
        # One stream for all draws: an integer would start each at the same numbers.
        seed = keras.random.SeedGenerator(seed) if isinstance(seed, int) else seed
        told = self.code.sample(count, seed)
        noise = keras.random.normal((*seen.shape[:-1], self.action_size), dtype="float32", seed=seed)
        if "intentions" in given:
            told = np.asarray(given["intentions"], "float32")
            if told.shape != (count, self.intentions):
                raise ValueError(f"Intentions must be one-hot, ({count}, {self.intentions}). Received: {told.shape}.")
        return {"observations": ops.convert_to_tensor(seen), "intentions": ops.convert_to_tensor(told), "noise": noise}

    def imitate(
        self,
        environment: control.Environment,
        demonstrations: control.Demonstrations,
        *,
        epochs: int = 1,
        episodes: int | None = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train: in every round, new episodes by the present policy, and as many pairs of the demonstrations.

        The seeds and the intentions of the episodes follow from the model's seed, the epoch and the round, so that a resumed run goes on
        bit for bit, as far as the environment is a function of its seeds.

        Args:
            environment: as `kgan.control.Environment`. demonstrations: in its units.
            epochs, initial_epoch, steps_per_epoch, callbacks, verbose: as in `fit_from`; an epoch has one round unless told otherwise.
            episodes: in a round, a multiple of the environment's copies; default: as many.

        Returns:
            The history.

        Raises:
            ValueError: for another environment than the model's, demonstrations of another one or of other sizes.
        """
        about = self._checked_world(environment)
        count = environment.num_envs if episodes is None else episodes
        require(COUNT, episodes=count)
        self._check_demonstrations(demonstrations, about)
        experts = control.Demonstrations(
            demonstrations.observations, control.to_unit(demonstrations.actions, environment.single_action_space)
        )
        policy = control.actor(self.policy)

        def make_round(epoch: int, step: int) -> dict[str, Array]:
            rng = np.random.default_rng((self.seed, epoch, step))
            told = np.eye(self.intentions, dtype="float32")[rng.integers(self.intentions, size=count)]
            played = control.rollout(policy, environment, told, rng.integers(2**31, size=count).tolist(), about["horizon"])
            shape = (count, about["horizon"], -1)
            seen, done = (part.reshape(shape) for part in experts.pairs(count * about["horizon"], rng))
            kept = {name: getattr(played, name) for name in ("observations", "actions", "intentions", "alive")}
            return {**kept, "expert_observations": seen, "expert_actions": done}

        return self.fit_from(make_round, epochs=epochs, **kwargs)

    def play(
        self, environment: control.Environment, intentions: Sequence[int] | Array, seeds: Sequence[int], noise: float = 1.0
    ) -> control.Rollouts:
        """Episodes by the policy, with averaged weights if the model keeps averages.

        Args:
            environment: as in `imitate`. intentions: of every episode, a number from 0 to K - 1, or one-hot rows.
            seeds: of every episode, the same one the same episode; as many as the environment has copies, or a multiple.
            noise: default 1.0; 0: the means.
        """
        about = self._checked_world(environment)
        told = np.asarray(intentions)
        if told.ndim == 1 and len(told) and told.min() >= 0 and told.max() < self.intentions:
            told = np.eye(self.intentions, dtype="float32")[told.astype(int)]
        if told.ndim != 2 or told.shape[1] != self.intentions:
            raise ValueError(
                f"`intentions` must be numbers from 0 to {self.intentions - 1}, one an episode. Received: {shown(intentions)}."
            )
        return control.rollout(control.actor(self.averaged("policy")), environment, told, seeds, about["horizon"], noise)

    def _checked_world(self, environment: control.Environment) -> dict[str, Any]:
        """What the environment is; another one than the model's is refused."""
        found = control.describe(environment, (self.environment or {}).get("horizon"))
        sizes = {"observation_size": self.observation_size, "action_size": self.action_size}
        expected = {**sizes, **(self.environment or {})}
        packages = expected.pop("packages", found["packages"])
        if different := control.same_world(expected, found):
            raise ValueError(f"This model acts in another environment: {'; '.join(different)}.")
        if different := control.same_world(packages, found["packages"]):
            warnings.warn(
                f"The environment is simulated by other versions than the run was: {'; '.join(different)}.", stacklevel=3
            )
        return found

    def _check_demonstrations(self, demonstrations: control.Demonstrations, about: Mapping[str, Any]) -> None:
        sizes = demonstrations.observations.shape[1], demonstrations.actions.shape[1]
        if sizes != (self.observation_size, self.action_size):
            raise ValueError(
                f"Demonstrations must have observations of {self.observation_size} and actions of {self.action_size} numbers, as the "
                f"environment has. Received: {sizes[0]} and {sizes[1]}."
            )
        if demonstrations.environment.get("id", about["id"]) != about["id"]:
            raise ValueError(
                f"These are demonstrations in {demonstrations.environment['id']!r}. The environment is {about['id']!r}."
            )


def _size(name: str, given: int | None, environment: Mapping[str, Any] | None) -> int:
    size = (environment or {}).get(name) if given is None else given
    if size is None:
        raise ValueError(f"Give `{name}`, or `environment=kgan.control.describe(environment)`, which tells it.")
    return int(size)


def _float32(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: ops.cast(ops.convert_to_tensor(part), "float32") for name, part in batch.items()}


def _mean(values: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
    """The mean over steps that were taken. Its gradient, averaged over replicas, is that of the mean over all of theirs."""
    taken = batch["alive"][:, :-1]
    return ops.sum(taken * values) / backend.mean_over_replicas(ops.sum(taken))


def _normalized(advantages: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
    """Advantages with mean 0 and deviation 1 over the steps of all replicas."""
    center = backend.mean_over_replicas(_mean(advantages, batch))
    variance = backend.mean_over_replicas(_mean(ops.square(advantages - center), batch))
    return (advantages - center) / (ops.sqrt(variance) + 1e-8)
