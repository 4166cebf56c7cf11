"""The engine's Keras side: construction, compilation, fit, evaluation, generation and files of an adversarial model."""

import contextlib
import inspect
import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import NoneType
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from kgan import backend, presets
from kgan.arguments import COUNT, Seed, as_int, require, shown
from kgan.engine.averages import Averages
from kgan.engine.divergence import DivergenceGuard
from kgan.engine.game import Turn, with_rule
from kgan.engine.optimizers import MoveOptimizers
from kgan.engine.play import Play
from kgan.engine.progress import Following, Progress, Rested
from kgan.engine.rounds import is_arrays, require_end, rounds_asked, to_rounds, validation_part
from kgan.engine.rules import Rule
from kgan.engine.saving import Saving
from kgan.types import Config, FilePath, Nest, SeedLike, Tensor

_COMPILED_BY_KERAS = ("run_eagerly", "jit_compile", "steps_per_execution")


class _Evaluation:
    """Metric objects of `evaluate`, kept out of Keras' attribute tracking: they are no part of the training logs."""

    def __init__(self, metrics: Sequence[Any] = ()) -> None:
        if isinstance(metrics, (str, Mapping)) or not all(map(_compares, metrics)):
            raise TypeError(
                "`metrics` is a list of metrics that compare real with generated examples, objects with `update_state(real, generated)` "
                "such as kgan.metrics.FrechetDistance(kgan.metrics.DigitClassifier()). Keras' own compare predictions with labels, which "
                f"generated examples do not have. Received: {shown(metrics)}."
            )
        self.metrics = list(metrics)
        self.running = False
        self.dated = False
        """Whether the compiled step holds values of variables that are not among its arguments."""


def _compares(metric: Any) -> bool:
    """Whether a metric may compare real with generated examples: a user's own, or an average of such figures."""
    own = type(metric) in (keras.metrics.MeanMetricWrapper, keras.metrics.Metric)
    return isinstance(metric, keras.metrics.Metric) and (
        own or getattr(keras.metrics, type(metric).__name__, None) is not type(metric)
    )


def _first_of(batch: Nest, pieces: int) -> Nest:
    """The first of the minibatches that stand in a batch one behind the other, as tensors."""
    return keras.tree.map_structure(lambda a: ops.convert_to_tensor(a[: len(a) // pieces]), batch)


def signature_of(inputs: Nest) -> list[Nest]:
    """What `export` takes for inputs such as these, in batches of any size."""

    def spec(tensor: Any) -> keras.InputSpec:
        return keras.InputSpec(shape=(None, *tensor.shape[1:]), dtype=keras.backend.standardize_dtype(tensor.dtype))

    return [keras.tree.map_structure(spec, inputs)]


class _Presets:
    """The presets of a class, read when they are asked for; not of its models, whose every attribute Keras looks at when it saves them."""

    def __get__(self, instance: Any, owner: type) -> dict[str, str]:
        if instance is not None:
            raise AttributeError(f"`presets` are those of a class: {owner.__name__}.presets.")
        return presets.of(owner)


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
        presets: of a class, such as `kgan.SNGAN.presets`: names of its trained models that come with kgan to what they are, for
            `from_preset`; of `kgan.AdversarialModel` those of all systems.
        in_training: True while a move is evaluated, False in `evaluate`; losses pass it to their networks as `training=`.
        opening: of a family whose first rounds play a part of the game alone: the name of the argument that counts them. A `fit` that ends
            within them warns.

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

    presets = _Presets()

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
        self._progress = Progress()
        self.built = True

    smallest_batch: int = 1
    """Examples that the losses of a family need at least: of a smaller rest `evaluate` leaves them out."""

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
        """Refuse labels among the arrays that `fit` was given, all of them: of other data the first batch, see `labels_in_range`."""

    def labels_in_range(self, batch: Nest) -> Tensor | bool:
        """Boolean scalar: whether the labels of a batch, as losses see it, are such as the model knows. Asked in every round, since data
        sets may bring others late; a family with labels says so here, and training stops where they are not.
        """
        return True

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
            metrics: list of `keras.metrics.Metric` for `evaluate`, updated with `(real, generated)`. Default none. Logs and callbacks know
                them by their names, `monitor="val_frechet_distance[digits-mlp64]"`, which say what was measured with; a shorter one is the
                metric's own argument, `FrechetDistance(extractor, name="fd")` and `monitor="val_fd"`.
            averages: dict of player name to decay in (0, 1), for example `{"generator": 0.999}`: exponential averages of the
                player's weights and state, moved after each round, used by `generate`, `predict`, `evaluate` and `export`; the attribute
                `generator` keeps the weights that are trained, `averaged("generator")` is the network of the others. Default None: those
                the model already has.
            rule: `kgan.Rule` for the moves that are made at one point, such as `kgan.Consensus(10.0)`. Default None: the family's.
            **kwargs: `run_eagerly`, `jit_compile`, `steps_per_execution` of `keras.Model.compile`.

        Raises:
            ValueError: for a move or player that the game does not have; for a rule in a game without simultaneous moves.
        """
        play = Play(self, self.turns() if rule is None else with_rule(self.turns(), rule))
        names = list(play.moves)
        strangers = sorted(name for name in kwargs if name not in _COMPILED_BY_KERAS)
        if strangers or not isinstance(optimizers, (Mapping, NoneType)):
            example = ", ".join(f'"{name}": keras.optimizers.Adam(1e-4)' for name in names)
            received = f"`{'`, `'.join(strangers)}`" if strangers else f"optimizers={shown(optimizers)}"
            raise TypeError(
                f"A game has one optimizer per move, and its losses are its own. {type(self).__name__} has the moves {names}: "
                f"compile(optimizers={{{example}}}), or compile() for the paper's. Received: {received}."
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
        if not isinstance(decays, Mapping):
            raise TypeError(f'`decays` is a dict of player to decay, such as {{"generator": 0.999}}. Received: {shown(decays)}.')
        if decays == {player: self._averages.decays().get(player) for player in decays}:
            return
        with backend.strategy_scope(self):
            self._averages.set(decays)
        if self._play is not None:
            self._play.bind(self.optimizer, self._averages.variables())
            self.train_function = self.test_function = self.predict_function = None

    def averaged(self, player: str) -> Any:
        """A copy of a network as `generate` uses it: with the averaged weights, or the present ones where no average is kept.

        Args:
            player: name of the network, such as "generator".

        Returns:
            A network that shares nothing with the model: to be saved, exported, or looked into.

        Raises:
            ValueError: the model has no network of this name.

        Example:
        >>> import keras, kgan
        >>> model = kgan.GAN(data_shape=(2,), latent_size=3, seed=0)
        >>> model.compile(averages={"generator": 0.999})
        >>> model.averaged("generator")(keras.ops.zeros((5, 3))).shape[0]
        5
        """
        network = getattr(self, player, None) if isinstance(player, str) else None
        if not isinstance(network, keras.layers.Layer):
            raise ValueError(f"{type(self).__name__} has no network {player!r}.")
        copied = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(network))
        with backend.Overlay(self._averages.values()):
            values = [ops.convert_to_numpy(ops.convert_to_tensor(v)) for v in network.weights]
        copied.set_weights(values)
        return copied

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
            self.train_function = self._progress.passing(backend.in_order(self.train_function), self.steps_per_execution)
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
        validation_split: float = 0.0,
        steps_per_epoch: int | None = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train. As `keras.Model.fit`, with these differences.

        One step of the progress bar is one round of the game: every turn once, each repeat on a fresh minibatch. The data
        are minibatches, regrouped here; an incomplete round at the end of an epoch is dropped.

        Arrays, and data sets of `kgan.datasets`, have another order in every epoch, given by their seed and `epochs_played`: a further
        `fit`, or that of a saved model, goes on where the last one stopped. Whatever else is trained meanwhile changes nothing.

        Args:
            x: array or nest of arrays; or `tf.data.Dataset` of minibatches, `keras.utils.PyDataset`, torch `DataLoader`.
            y: labels, for arrays and for families that use them.
            batch_size: examples of one move, for arrays; default 64.
            validation_data: as x, or `(x, y)`; `evaluate` runs on it.
            validation_batch_size: int or None; default `batch_size`.
            shuffle: default True: shuffle arrays, in an order that depends only on the model's seed and the epoch.
            sampling_weights: array (examples,) or None, for arrays: probabilities, up to a factor, by which examples are drawn with
                replacement, as many in an epoch as there are.
            validation_split: in (0, 1), for arrays: the last examples, by this share, become `validation_data`. Default 0: none.
            steps_per_epoch: rounds of an epoch; default None: one pass over the data. With arrays the next epoch goes on where this one
                stopped, and the pass behind the last one is another order.
            epochs, callbacks, verbose, initial_epoch, validation_steps, validation_freq: as in Keras.

        Raises:
            TypeError: for weights of examples in a loss, which games do not have; see `sampling_weights`.
            ValueError: for data that are empty, endless, too few for a round, or refused by the model.
            kgan.DivergenceError: when a term is no longer finite; see `kgan.callbacks.DivergenceGuard`.
        """
        play, replicas = self._require_compiled("fit"), backend.distributed(self)
        for name in ("sample_weight", "class_weight"):
            if kwargs.pop(name, None) is not None:
                raise TypeError(
                    f"fit() has no `{name}`: the losses of a game are means over minibatches. `sampling_weights=...`, a number an example, "
                    "says how often each is drawn."
                )
        if validation_split:
            (x, y, sampling_weights), validation_data = validation_part(validation_split, x, y, sampling_weights)
        steps = rounds_asked(steps_per_epoch, "steps_per_epoch")
        require_end(x, steps, "steps_per_epoch")
        if validation_data is not None:
            require_end(
                keras.utils.unpack_x_y_sample_weight(validation_data)[0], kwargs.get("validation_steps"), "validation_steps"
            )
        rounds, first = to_rounds(
            x, y, batch_size, play.per_round, self.seed, shuffle, replicas, weights=sampling_weights, steps=steps
        )
        if is_arrays(x):
            steps = None  # the rounds are as many already
        self._prepare(play, first, play.per_round)
        if is_arrays(x):
            self.check_labels(x, y)
        self._start(play, first)
        callbacks = self._first_callbacks(callbacks, rounds)
        try:
            with warnings.catch_warnings():
                if steps is None:
                    # Data of unknown length end their first epoch with this warning, which is no news.
                    warnings.filterwarnings("ignore", "Your input ran out of data", UserWarning)
                history = super().fit(
                    rounds,
                    epochs=as_int(epochs),
                    steps_per_epoch=steps,
                    callbacks=callbacks,
                    validation_data=validation_data,
                    validation_batch_size=as_int(validation_batch_size or batch_size),
                    shuffle=False,
                    **kwargs,
                )
            self._warn_of_opening()
            return history
        except Exception as error:
            failure = getattr(rounds, "failure", None)
            if failure is None or failure is error:
                raise
            raise failure from error
        finally:
            for callback in callbacks:
                if hasattr(callback, "on_fit_exit"):
                    callback.on_fit_exit()

    @property
    def opening(self) -> str | None:
        """The name of an argument, or None: see above."""
        return None

    def _warn_of_opening(self) -> None:
        if self.opening is None:
            return
        opening, played = getattr(self, self.opening), int(ops.convert_to_numpy(self.rounds))
        if played <= opening:
            warnings.warn(
                f"This fit ended within the opening: {played} rounds are played, and in the first {opening}, `{self.opening}`, only a part "
                "of the game is played. Train longer: a further fit goes on. Or give the constructor fewer.",
                stacklevel=3,
            )

    def fit_from(
        self,
        make_round: Callable[[int, int], Any],
        *,
        epochs: int = 1,
        steps_per_epoch: int = 1,
        initial_epoch: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
        verbose: Any = "auto",
    ) -> keras.callbacks.History:
        """Train on rounds that are made when they are asked for, by the model as it then stands: rollouts of a policy, a pool of samples.

        As `fit`, whose data sets are read ahead, and so would come from an older model. Logs, callbacks, `stop_training`, checkpoints and
        what `kgan.callbacks.restore` resumes are those of `fit`; a run goes on bit for bit if `make_round` follows from its arguments.

        Args:
            make_round: callable `(epoch, round) -> x` as `train_on_batch` takes it, both counted from 0, the epoch over all fits.
            epochs, initial_epoch, callbacks, verbose: as in `fit`. steps_per_epoch: default 1: rounds of an epoch.

        Returns:
            The history.

        Raises:
            ValueError: as `train_on_batch`. kgan.DivergenceError: as `fit`.

        Example: points around the present samples' mean.

        >>> import numpy as np, kgan
        >>> model = kgan.GAN((2,), seed=0)
        >>> model.compile()
        >>> def near(epoch, step):
        ...     rng = np.random.default_rng((epoch, step))
        ...     return (model.generate(32, seed=epoch).mean(0) + rng.normal(size=(32, 2))).astype("float32")
        >>> len(model.fit_from(near, epochs=3, steps_per_epoch=2, verbose=0).history["loss"])
        3
        """
        play = self._require_compiled("fit_from")
        require(COUNT, epochs=epochs, steps_per_epoch=steps_per_epoch)
        if not callable(make_round):
            raise TypeError(
                f"`make_round` must be callable, (epoch, round) -> arrays of one round. Received: {shown(make_round)}."
            )
        first = self._progress.skip
        if first > steps_per_epoch:
            raise ValueError(
                f"The run to be resumed was stopped after {first} rounds of an epoch. Received: steps_per_epoch={steps_per_epoch}."
            )
        # Looked at before the first epoch, whose logs need the names of all terms.
        ready = make_round(self.epochs_played, min(first, steps_per_epoch - 1))
        self._look(play, ready, None, play.per_round)
        listed, verbose = self._first_callbacks(callbacks, None), 1 if verbose == "auto" else verbose
        followed = keras.callbacks.CallbackList(
            listed, add_history=True, add_progbar=verbose != 0, verbose=verbose, epochs=epochs, steps=steps_per_epoch, model=self
        )
        logs: dict[str, float] = {}
        self.stop_training = False
        try:
            followed.on_train_begin()
            for epoch in range(initial_epoch, as_int(epochs)):
                self.reset_metrics()
                followed.on_epoch_begin(epoch)
                self._progress.skip = 0
                for step in range(first, as_int(steps_per_epoch)):
                    followed.on_train_batch_begin(step)
                    self._one_more(make_round(self.epochs_played, step) if ready is None else ready)
                    ready = None
                    followed.on_train_batch_end(step, {metric.name: metric.result() for metric in self.metrics})
                    if self.stop_training:
                        break
                first, logs = 0, {metric.name: float(metric.result()) for metric in self.metrics}
                followed.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
            followed.on_train_end(logs)
        finally:
            for callback in listed:
                if hasattr(callback, "on_fit_exit"):
                    callback.on_fit_exit()
        return self.history

    def _one_more(self, x: Any) -> None:
        """A round by hand, whose losses are added to what the epoch has summed up."""
        summed = [variable for metric in self.metrics for variable in metric.variables]
        before = [ops.convert_to_numpy(variable).copy() for variable in summed]
        self.train_on_batch(x)
        for variable, value in zip(summed, before, strict=True):
            variable.assign(variable + value)

    def _first_callbacks(self, callbacks: Sequence[keras.callbacks.Callback] | None, data: Any) -> list[Any]:
        """The callbacks of a fit, behind what counts and what guards."""
        callbacks = list(callbacks or [])
        # The guard goes first: what it refuses must not be saved.
        guards = [c for c in callbacks if isinstance(c, DivergenceGuard)] or [DivergenceGuard()]
        callbacks = [*guards, *(c for c in callbacks if c not in guards)]
        self._progress.begin()
        if self._progress.skip:
            callbacks = [Rested(callbacks, self._progress)]
        return [Following(self._progress, data), *callbacks]

    @property
    def epochs_played(self) -> int:
        """Complete epochs over all fits, saved with the model: what the order of the data follows. May be set."""
        return self._progress.epochs

    @epochs_played.setter
    def epochs_played(self, epochs: int) -> None:
        self._progress.epochs = epochs

    @property
    def within_epoch(self) -> bool:
        """Whether the next rounds, or the present ones, are those of an epoch that an interrupted run has played in part."""
        return self._progress.skip > 0

    def resume_epoch(self) -> None:
        """Let the next `fit` finish the epoch in which the model was saved, on the rest of its data; `kgan.callbacks.restore` does."""
        self._progress.skip = self._progress.rounds

    def _require_compiled(self, method: str) -> Play:
        if self._play is None:
            raise ValueError(f"Call compile() before {method}().")
        return self._play

    def _prepare(self, play: Play, data: Nest, pieces: int) -> None:
        """Check a first batch and learn from one minibatch of it what the losses report."""
        batch = self.unpack(data)
        self.check_data(batch)
        if not play.terms:
            play.discover(_first_of(batch, pieces))

    def _start(self, play: Play, data: Nest) -> None:
        """Before the first round: layers whose starting values come from data, and averages of them."""
        if not play.started and play.start(_first_of(self.unpack(data), play.per_round)):
            self._averages.restart()

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
        for name in ("batch_size", "steps"):
            kwargs[name] = rounds_asked(kwargs.get(name), name)
        require_end(x, kwargs["steps"], "steps")
        if not play.terms and x is not None:
            # Only the first minibatch is looked at; Keras iterates over the data itself.
            size = kwargs["batch_size"]
            if is_arrays(x):
                size = max(1, min(size or 32, len(keras.tree.flatten(x)[0])))
            _, first = to_rounds(x, y, size, 1, self.seed, False)
            self._prepare(play, first, 1)
        with self._evaluating():
            return super().evaluate(x, y, **kwargs)

    @contextlib.contextmanager
    def _evaluating(self) -> Iterator[None]:
        """The metrics of `compile` are asked, and the noise is that of every evaluation."""
        self._evaluation.running = True
        if self._evaluation.dated:
            self.test_function = None
        try:
            noise = self.evaluation_noise.state
            noise.assign(ops.convert_to_tensor([self.seed + 1, 0], dtype=noise.dtype))
            yield
        finally:
            self._evaluation.running = False

    # By hand -----------------------------------------------------------------------------------------------------------

    def train_on_batch(self, x: Any, y: Any = None, *, return_dict: bool = False) -> Any:
        """Play one round, for loops of one's own.

        Args:
            x: array or nest of arrays: the minibatches of a round one behind the other, `minibatches_per_round` of equal size.
            y: labels, for families that use them.
            return_dict: default False: a list, the loss first. True: a dict of `<move>/<term>`, as `fit` logs them.

        Returns:
            The losses of this round. The optimizers' counts, averages and random states move on as in `fit`; `epochs_played` does not.

        Raises:
            ValueError: for examples that are refused by the model, or cannot be cut into the minibatches of a round.
        """
        play = self._require_compiled("train_on_batch")
        self._start(play, self._look(play, x, y, play.per_round))
        return super().train_on_batch(x, y, return_dict=return_dict)

    def test_on_batch(self, x: Any, y: Any = None, *, return_dict: bool = False) -> Any:
        """Losses and the metrics of `compile` on one minibatch, as `evaluate` gives them. Args, returns: as `train_on_batch`."""
        self._look(self._require_compiled("test_on_batch"), x, y, 1)
        with self._evaluating():
            return super().test_on_batch(x, y, return_dict=return_dict)

    @property
    def minibatches_per_round(self) -> int:
        """Fresh minibatches that one round takes."""
        return self._require_compiled("minibatches_per_round").per_round

    def _look(self, play: Play, x: Any, y: Any, pieces: int) -> Nest:
        """Check what a loop of a user's own gives, the first time as `fit` does. Returns it as `fit` has it."""
        if not is_arrays(x):
            raise ValueError(
                f"One round takes an array of examples or a nest of arrays. Received: {shown(x)}. Data sets go to fit()."
            )
        count = len(keras.tree.flatten(x)[0])
        if not count or count % pieces:
            raise ValueError(
                f"One round of this game takes {pieces} minibatch(es) of equal size, one behind the other. Received {count} examples."
            )
        data = x if y is None else (x, y)
        if not play.terms:
            self._prepare(play, keras.tree.map_structure(ops.convert_to_numpy, data), pieces)
        self.check_labels(x, y)
        return data

    def _test(self, data: Nest) -> dict[str, Tensor]:
        play, batch = self._require_compiled("evaluate"), self.unpack(data)
        examples = keras.tree.flatten(batch)[0]
        count = ops.shape(examples)[0]
        noise, drawn, total = self.evaluation_noise.state, self.seed_generator.state, 0.0
        named: dict[str, Tensor] = {}
        with play.point(training=False):
            drawn.assign(ops.convert_to_tensor(noise) + backend.replica_offset(noise.dtype))
            for move in play.moves.values() if not isinstance(count, int) or count >= self.smallest_batch else ():
                with backend.Overlay(moving=frozenset()) as overlay:
                    terms, observed = play.loss_terms(move, batch, overlay)
                named |= {f"{move.name}/{key}": value for key, value in {**terms, **observed}.items()}
                total += sum(terms.values())
            generated = None
            if self._evaluation.metrics:
                generated = self(self.generator_inputs(count, seed=self.seed_generator))
        # The next minibatch draws other noise; no loss draws this often.
        noise.assign(noise + ops.convert_to_tensor([0, 4096], dtype=noise.dtype))
        # Means over examples, however they are cut; a rest that is too small for the losses is left out.
        enough = ops.convert_to_tensor(count) >= self.smallest_batch
        weight = ops.where(enough, ops.cast(count, "float32"), 0.0)
        for name, value in named.items():
            play.terms[name].update_state(ops.where(enough, value, ops.zeros_like(value)), sample_weight=weight)
        if named:
            self.metrics[0].update_state(ops.where(enough, total, ops.zeros_like(total)), sample_weight=weight)
        for metric in self._evaluation.metrics:
            metric.update_state(examples, generated)
        # A metric that is costly to compute (a Frechet distance) does so once, at the end, not in every step.
        return {m.name: ops.zeros(()) if getattr(m, "deferred", False) else m.result() for m in self.metrics}

    def generate(self, count: int, condition: Any = None, seed: int | None = None, batch_size: int = 256) -> Any:
        """Samples, in inference mode and with averaged weights if the model keeps averages.

        Args:
            count: >= 1.
            condition: what to condition on, for families that are conditional.
            seed: the same seed gives the same samples; None (default) draws new ones at each call, from a stream
                of its own that training does not share.
            batch_size: default 256: samples computed at once.

        Returns:
            NumPy array of shape `(count, ...)`, images in [-1, 1].
        """
        count, seed, batch_size = as_int(count), as_int(seed), as_int(batch_size)
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(f"`count` must be an integer >= 1. Received: {count!r}.")
        require(COUNT, batch_size=batch_size)
        if condition is not None and "condition" not in inspect.signature(self.generator_inputs).parameters:
            raise ValueError(f"{type(self).__name__} is not conditional.")
        inputs = self.generator_inputs(count, condition, self.generation_noise if seed is None else seed)
        if backend.cuts_predictions(self):
            parts = range(0, count, batch_size)
            cut = [keras.tree.map_structure(lambda t, i=i: t[i : i + batch_size], inputs) for i in parts]
            made = [keras.tree.map_structure(ops.convert_to_numpy, self(part)) for part in cut]
            return keras.tree.map_structure(lambda *leaves: np.concatenate(leaves), *made)
        return self.predict(inputs, batch_size=min(count, batch_size), verbose=0)

    # What leaves the house ---------------------------------------------------------------------------------------------

    @classmethod
    def from_preset(cls, preset: FilePath) -> Self:
        """A trained model, not compiled.

        Args:
            preset: a name that comes with kgan (`kgan list --presets`), or a folder that `save_to_preset` wrote.

        Raises:
            ValueError: an unknown name, a folder that is none or whose files differ from their SHA-256 sums, another family.
        """
        model = presets.load(preset)
        if not isinstance(model, cls):
            raise ValueError(f"The preset {str(preset)!r} holds a {type(model).__name__}, not a {cls.__name__}.")
        return model

    def save_to_preset(self, folder: FilePath, half: bool = False) -> str:
        """Write configuration, weights (averages too) and their SHA-256 sums to a folder, see `kgan.presets.save`.

        Args:
            folder: made if missing; a preset in it is replaced. half: default False; True stores kernels in half precision.

        Returns:
            str, the fingerprint of the files.

        Raises:
            ValueError: with `half`, a weight beyond 65,504.
        """
        return presets.save(self, folder, half=half)

    def export(self, filepath: FilePath, format: str = "tf_saved_model", input_signature: Any = None, **kwargs: Any) -> None:
        """Write what `generate` uses, from generator inputs to samples, with averaged weights if the model keeps averages.

        As `keras.Model.export`; the artifact's one endpoint `serve` takes what `generator_inputs` returns, such as latents
        `(batch, latent_size)`, and Keras prints its signature. It draws nothing itself. A single network: `averaged("generator").export`.

        Args:
            filepath, format, **kwargs: as there.
            input_signature: list of one nest of `keras.InputSpec`; default None: that of `generator_inputs`.

        Raises:
            ValueError: the inputs have to be given, as they depend on a condition.
        """
        if input_signature is None:
            try:
                inputs = self.generator_inputs(1, seed=0)
            except (NotImplementedError, ValueError) as error:
                raise ValueError(
                    f"What {type(self).__name__} generates from is not known without being asked for something: give `input_signature`, a "
                    f"list of one nest of keras.InputSpec as `generator_inputs` returns tensors. It says: {error}"
                ) from error
            input_signature = signature_of(inputs)
        super().export(filepath, format=format, input_signature=input_signature, **kwargs)
