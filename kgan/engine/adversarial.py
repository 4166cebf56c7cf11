"""The engine's Keras side: construction, compilation, fit, evaluation, generation and files of an adversarial model."""

import inspect
import random
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import backend
from kgan.arguments import Seed
from kgan.backend.feeding import EpochClock
from kgan.engine.averages import Averages
from kgan.engine.divergence import DivergenceGuard
from kgan.engine.game import Turn, with_rule
from kgan.engine.optimizers import MoveOptimizers
from kgan.engine.play import Play
from kgan.engine.rounds import is_arrays, to_rounds
from kgan.engine.rules import Rule
from kgan.engine.saving import Saving
from kgan.types import Config, Nest, SeedLike, Tensor


class _Evaluation:
    """Metric objects of `evaluate`, kept out of Keras' attribute tracking: they are no part of the training logs."""

    def __init__(self, metrics: Sequence[Any] = ()) -> None:
        self.metrics = [keras.metrics.get(metric) for metric in metrics]
        self.running = False
        self.dated = False
        """Whether the compiled step holds values of variables that are not among its arguments."""


class AdversarialModel(Saving):
    """Base of every system: networks that play a game.

    A family writes a constructor that keeps each argument as an attribute of the same name, `turns()`, `default_optimizers()`
    and the losses its moves name. The engine does the rest: rounds of fresh minibatches, one optimizer per move, gradients
    of exactly the moved players, state, logs, generation, evaluation, files, exact resumption, replicas, precision.

    Args:
        seed: default None (drawn and kept): start of the model's own random numbers, and of the weights of the networks that it builds:
            one seed, one model. Networks of your own are drawn by you.
        name: str or None.
        dtype: Keras dtype policy or None (the global one). The networks keep their own; under "mixed_float16" losses are scaled.

    Attributes:
        seed_generator: the `keras.random.SeedGenerator` from which losses draw.
        in_training: True while a move is evaluated, False in `evaluate`; losses pass it to their networks as `training=`.

    Example: a generator of one weight against a linear critic.

    >>> import keras, kgan
    >>> from kgan import AdversarialModel, Move, Turn
    >>> class Dirac(AdversarialModel):
    ...     def __init__(self, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.generator = keras.layers.Dense(1, use_bias=False, name="generator")
    ...         self.discriminator = keras.layers.Dense(1, use_bias=False, name="discriminator")
    ...         self.generator.build((None, 1)), self.discriminator.build((None, 1))
    ...     def turns(self):
    ...         return (Turn((Move("discriminator", ("discriminator",), lambda x: self.gap(x)),)),
    ...                 Turn((Move("generator", ("generator",), lambda x: -self.gap(x)),), fresh=False))
    ...     def gap(self, x):
    ...         return keras.ops.mean(self.discriminator(self.generator(x))) - keras.ops.mean(self.discriminator(x))
    ...     def default_optimizers(self):
    ...         return {"discriminator": keras.optimizers.SGD(0.1), "generator": keras.optimizers.SGD(0.1)}
    >>> model = Dirac(seed=0)
    >>> model.compile()
    >>> history = model.fit(keras.ops.ones((64, 1)), batch_size=16, epochs=2, verbose=0)
    >>> sorted(history.history)
    ['discriminator/loss', 'generator/loss', 'loss']
    """

    def __init__(self, *, seed: Seed | None = None, name: str | None = None, dtype: Any = None) -> None:
        # Not Keras' numbered default: the name is part of the configuration, and must not depend on what was built before.
        super().__init__(name=name or type(self).__name__.lower(), dtype=dtype)
        self.seed = random.randrange(2**30) if seed is None else seed
        # Three streams: what a user generates or evaluates between two epochs must not change the training that follows.
        self.seed_generator = keras.random.SeedGenerator(self.seed, name="training_noise")
        self.evaluation_noise = keras.random.SeedGenerator(self.seed + 1, name="evaluation_noise")
        self.generation_noise = keras.random.SeedGenerator(self.seed + 2, name="generation_noise")
        self._play: Play | None = None
        self._rule: Rule | None = None
        self._averages = Averages(self)
        self._evaluation = _Evaluation()
        self.built = True

    # What a family defines -------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        """The game: a tuple of `Turn`, played in this order in every round."""
        raise NotImplementedError(f"{type(self).__name__} must define turns().")

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """The paper's optimizers: a dict of move name to Keras optimizer."""
        return {}

    def unpack(self, data: Any) -> Nest:
        """The batch that losses see. Default: the examples alone, labels and weights dropped."""
        return keras.utils.unpack_x_y_sample_weight(data)[0]

    def check_data(self, batch: Any) -> None:
        """Refuse a batch (a nest of NumPy arrays) whose type, shape or range the networks were not made for."""

    def check_labels(self, x: Nest, y: Nest) -> None:
        """Refuse labels among the arrays that `fit` was given, all of them: of other data only the first batch is looked at."""

    def generator_inputs(self, count: int, condition: Any = None, seed: SeedLike = None) -> Nest:
        """What `call` turns into `count` samples: latents, conditions."""
        raise NotImplementedError(f"{type(self).__name__} does not generate.")

    def call(self, inputs: Nest, training: bool = False) -> Nest:
        """Samples from generator inputs, in inference with the averaged weights if there are any."""
        with backend.Overlay(() if training else self._averages.values(), commit=True):
            return self.generator(inputs, training=training)

    # Compilation -----------------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizers: Mapping[str, Any] | None = None,
        metrics: Sequence[Any] | None = None,
        averages: Mapping[str, float] | None = None,
        rule: Rule | None = None,
        **kwargs: Any,
    ) -> None:
        """Prepare for `fit` and `evaluate`.

        Args:
            optimizers: dict of move name to optimizer; moves left out keep the paper's. Default None: all the paper's.
            metrics: list of `keras.metrics.Metric` for `evaluate`, updated with `(real, generated)`. Default none.
            averages: dict of player name to decay in (0, 1), for example `{"generator": 0.999}`: exponential averages of the
                player's weights and state, moved after each round, used by `generate`, `predict` and `evaluate`. Default
                None: those the model already has.
            rule: `kgan.Rule` for the moves that are made at one point, such as `kgan.Consensus(10.0)`. Default None: the family's.
            **kwargs: `run_eagerly`, `jit_compile`, `steps_per_execution` of `keras.Model.compile`.

        Raises:
            ValueError: for a move or player that the game does not have; for a rule in a game without simultaneous moves.
        """
        play = Play(self, self.turns() if rule is None else with_rule(self.turns(), rule))
        names = list(play.moves)
        if "optimizer" in kwargs or "loss" in kwargs:
            raise TypeError(
                "A game has one optimizer per move, and its losses are its own: pass `optimizers={move: optimizer}`. "
                f"{type(self).__name__} has the moves {names}."
            )
        chosen = {**self.default_optimizers(), **(optimizers or {})}
        unknown, missing = sorted(set(chosen) - set(names)), sorted(set(names) - set(chosen))
        if unknown or missing:
            raise ValueError(
                f"compile() needs one optimizer per move. {type(self).__name__} has the moves {names}; "
                f"unknown: {unknown}; without optimizer: {missing}."
            )
        self._evaluation = _Evaluation(metrics or ())
        with backend.strategy_scope(self):
            self._averages.set(averages or {})
            optimizer = MoveOptimizers({name: chosen[name] for name in names}, self.dtype_policy.name == "mixed_float16")
            optimizer.build_moves(play.moved)
            super().compile(optimizer=optimizer, auto_scale_loss=False, **kwargs)
            play.project(*play.moves.values())  # training starts inside the set it is kept in
        play.bind(optimizer, self._averages.variables())
        self._play, self._rule = play, rule
        if backend.distributed(self) > 1:
            for layer in backend.all_layers(self):
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.synchronized = True

    def keep_averages(self, decays: Mapping[str, float]) -> None:
        """Keep exponential averages of players from now on; `decays` as `averages` in `compile`."""
        if decays == {player: self._averages.decays().get(player) for player in decays}:
            return
        with backend.strategy_scope(self):
            self._averages.set(decays)
        if self._play is not None:
            self._play.bind(self.optimizer, self._averages.variables())
            self.train_function = self.test_function = self.predict_function = None

    def get_compile_config(self) -> Config:
        if not self.compiled:
            return {}
        return keras.saving.serialize_keras_object(
            {
                "optimizers": {name: self.optimizer[name] for name in self._require_compiled("get_compile_config").moves},
                "metrics": list(self._evaluation.metrics),
                "rule": self._rule,
                "run_eagerly": self.run_eagerly,
                "steps_per_execution": self.steps_per_execution,
            }
        )

    def compile_from_config(self, config: Config) -> None:
        self.compile(**keras.saving.deserialize_keras_object(config))

    # Training --------------------------------------------------------------------------------------------------------

    def make_train_function(self, force: bool = False) -> Any:
        present = self.train_function
        super().make_train_function(force)
        if self.train_function is not present:
            self.train_function = backend.in_order(self.train_function)
        return self.train_function

    @property
    def in_training(self) -> bool:
        return backend.training(default=False)

    @property
    def rounds(self) -> Tensor:
        """Rounds played, a scalar tensor; 0 before `compile`. Schedules of weights and of noise are functions of it."""
        return ops.convert_to_tensor(self.optimizer.iterations if self._play is not None else 0)

    @property
    def metrics(self) -> list[Any]:
        """Trackers of the losses; during `evaluate` also the metrics given to `compile`."""
        metrics = [*super().metrics, *(self._play.terms.values() if self._play else ())]
        return [*metrics, *self._evaluation.metrics] if self._evaluation.running else metrics

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        batch_size: int | None = None,
        epochs: int = 1,
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
        validation_data: Any = None,
        validation_batch_size: int | None = None,
        shuffle: bool = True,
        sampling_weights: Any = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train. As `keras.Model.fit`, with these differences.

        One step of the progress bar is one round of the game: every turn once, each repeat on a fresh minibatch. The data
        are minibatches, regrouped here; an incomplete round at the end of an epoch is dropped.

        Args:
            x: array or nest of arrays; or `tf.data.Dataset` of minibatches, `keras.utils.PyDataset`, torch `DataLoader`.
            y: labels, for arrays and for families that use them.
            batch_size: examples of one move, for arrays; default 64.
            validation_data: as x, or `(x, y)`; `evaluate` runs on it.
            validation_batch_size: int or None; default `batch_size`.
            shuffle: default True: shuffle arrays, in an order that depends only on the model's seed and the epoch.
            sampling_weights: array (examples,) or None, for arrays: probabilities, up to a factor, by which examples are drawn with
                replacement, as many in an epoch as there are.
            epochs, callbacks, verbose, initial_epoch, steps_per_epoch (in rounds), validation_steps, validation_freq: as in
                Keras.

        Raises:
            ValueError: for data that are empty, too few for a round, or refused by the model.
            kgan.DivergenceError: when a term is no longer finite; see `kgan.callbacks.DivergenceGuard`.
        """
        play, replicas = self._require_compiled("fit"), backend.distributed(self)
        rounds, first = to_rounds(x, y, batch_size, play.per_round, self.seed, shuffle, replicas, sampling_weights)
        self._prepare(play, first, play.per_round)
        if is_arrays(x):
            self.check_labels(x, y)
        callbacks = list(callbacks or [])
        # The guard goes first: what it refuses must not be saved.
        guards = [c for c in callbacks if isinstance(c, DivergenceGuard)] or [DivergenceGuard()]
        callbacks = [EpochClock(), *guards, *(c for c in callbacks if c not in guards)]
        try:
            with warnings.catch_warnings():
                if kwargs.get("steps_per_epoch") is None:
                    # Data of unknown length end their first epoch with this warning, which is no news.
                    warnings.filterwarnings("ignore", "Your input ran out of data", UserWarning)
                return super().fit(
                    rounds,
                    epochs=epochs,
                    callbacks=callbacks,
                    validation_data=validation_data,
                    validation_batch_size=validation_batch_size or batch_size,
                    shuffle=False,
                    **kwargs,
                )
        except Exception as error:
            failure = getattr(rounds, "failure", None)
            if failure is None or failure is error:
                raise
            raise failure from error
        finally:
            for callback in callbacks:
                if hasattr(callback, "on_fit_exit"):
                    callback.on_fit_exit()

    def _require_compiled(self, method: str) -> Play:
        if self._play is None:
            raise ValueError(f"Call compile() before {method}().")
        return self._play

    def _prepare(self, play: Play, data: Nest, pieces: int) -> None:
        """Check a first batch and learn from one minibatch of it what the losses report."""
        batch = self.unpack(data)
        self.check_data(batch)
        if not play.terms:
            minibatch = keras.tree.map_structure(lambda a: ops.convert_to_tensor(a[: len(a) // pieces]), batch)
            play.discover(minibatch)

    def train_step(self, *arguments: Any) -> Any:
        """One round. Called by Keras: `(data)` on TensorFlow and torch, `(state, data)` on JAX."""
        return self._step(self._train, arguments, [self.optimizer.variables])

    def test_step(self, *arguments: Any) -> Any:
        """One minibatch of `evaluate`. Called by Keras, as `train_step`."""
        return self._step(self._test, arguments, [])

    def _step(self, step: Callable[[Nest], dict[str, Tensor]], arguments: tuple[Any, ...], optimizer_variables: list[Any]) -> Any:
        if backend.name() != "jax":
            with backend.no_gradient():
                return backend.reducible_logs(self, step(arguments[0]))
        state, data = arguments
        groups = [self.trainable_variables, self.non_trainable_variables, *optimizer_variables, self.metrics_variables]
        values = [pair for group, given in zip(groups, state, strict=True) for pair in zip(group, given, strict=True)]
        with backend.Overlay(values) as overlay:
            logs = step(data)
        if not optimizer_variables:
            # JAX hands the optimizer's variables to no evaluation: what a loss reads of them is a constant of the compiled step.
            self._evaluation.dated = bool(overlay.fell_through)
        return logs, tuple([overlay.get_current_value(v) for v in group] for group in groups)

    def _train(self, data: Nest) -> dict[str, Tensor]:
        self._require_compiled("fit").round(self.unpack(data), self.metrics[0])
        self._averages.update()
        return {metric.name: metric.result() for metric in self.metrics}

    # Evaluation and generation ---------------------------------------------------------------------------------------

    def evaluate(self, x: Any = None, y: Any = None, **kwargs: Any) -> Any:
        """Losses on held-out data in inference mode, and the metrics of `compile` between it and generated samples.

        As `keras.Model.evaluate`; `x` also as in `fit`. The noise is the same at every call; nothing of the model changes.
        """
        play = self._require_compiled("evaluate")
        if not play.terms:
            # Only the first minibatch is looked at; Keras iterates over the data itself.
            _, first = to_rounds(x, y, kwargs.get("batch_size"), 1, self.seed, False)
            self._prepare(play, first, 1)
        self._evaluation.running = True
        if self._evaluation.dated:
            self.test_function = None
        try:
            noise = self.evaluation_noise.state
            noise.assign(ops.convert_to_tensor([self.seed + 1, 0], dtype=noise.dtype))
            return super().evaluate(x, y, **kwargs)
        finally:
            self._evaluation.running = False

    def _test(self, data: Nest) -> dict[str, Tensor]:
        play, batch = self._require_compiled("evaluate"), self.unpack(data)
        examples = keras.tree.flatten(batch)[0]
        noise, drawn, total = self.evaluation_noise.state, self.seed_generator.state, 0.0
        named: dict[str, Tensor] = {}
        with play.point(training=False):
            drawn.assign(ops.convert_to_tensor(noise) + backend.replica_offset(noise.dtype))
            for move in play.moves.values():
                with backend.Overlay(moving=frozenset()) as overlay:
                    terms, observed = play.loss_terms(move, batch, overlay)
                named |= {f"{move.name}/{key}": value for key, value in {**terms, **observed}.items()}
                total += sum(terms.values())
            generated = None
            if self._evaluation.metrics:
                generated = self(self.generator_inputs(ops.shape(examples)[0], seed=self.seed_generator))
        # The next minibatch draws other noise; no loss draws this often.
        noise.assign(noise + ops.convert_to_tensor([0, 4096], dtype=noise.dtype))
        for name, value in named.items():
            play.terms[name].update_state(value)
        self.metrics[0].update_state(total)
        for metric in self._evaluation.metrics:
            metric.update_state(examples, generated)
        # A metric that is costly to compute (a Frechet distance) does so once, at the end, not in every step.
        return {m.name: ops.zeros(()) if getattr(m, "deferred", False) else m.result() for m in self.metrics}

    def generate(self, count: int, condition: Any = None, seed: int | None = None, batch_size: int = 256) -> Any:
        """Samples, in inference mode and with averaged weights if the model keeps averages.

        Args:
            count: int >= 1.
            condition: what to condition on, for families that are conditional.
            seed: the same seed gives the same samples; None (default) draws new ones at each call, from a stream
                of its own that training does not share.
            batch_size: default 256: samples computed at once.

        Returns:
            NumPy array of shape `(count, ...)`, images in [-1, 1].
        """
        if not isinstance(count, int) or count < 1:
            raise ValueError(f"`count` must be an integer >= 1. Received: {count!r}.")
        if condition is not None and "condition" not in inspect.signature(self.generator_inputs).parameters:
            raise ValueError(f"{type(self).__name__} is not conditional.")
        inputs = self.generator_inputs(count, condition, self.generation_noise if seed is None else seed)
        if backend.cuts_predictions(self):
            parts = range(0, count, batch_size)
            cut = [keras.tree.map_structure(lambda t, i=i: t[i : i + batch_size], inputs) for i in parts]
            made = [keras.tree.map_structure(ops.convert_to_numpy, self(part)) for part in cut]
            return keras.tree.map_structure(lambda *leaves: np.concatenate(leaves), *made)
        return self.predict(inputs, batch_size=min(count, batch_size), verbose=0)
