"""A mixture of generators, made by training one system several times."""

import contextlib
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import backend
from kgan.arguments import Count, as_int
from kgan.engine import AdversarialModel, Rule, Turn
from kgan.engine.optimizers import MoveOptimizers
from kgan.programs import boosting
from kgan.types import Array, Nest, SeedLike, Tensor


class Mixture(AdversarialModel):
    """Base of programs that train a component several times, each time from a new start, and keep every generator in one model.

    The game is the component's. The mixture has one slot for every generator kept and, last, one for the component in training, which
    counts already. A program calls `start_anew` between two components and keeps `beta` of every one begun, its share when it began, in
    `record`.

    Args:
        component: a family with a player `generator`, not compiled. It is taken over: its players and its stream of random numbers become
            the model's.
        components: how many there will be.
        figures: names of what is recorded of every component; the first is "beta".
        seed, name, dtype: as in `kgan.AdversarialModel`.
    """

    def __init__(self, component: Any, components: Count, figures: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_component(component)
        self.component = component
        self.components = components
        self.data_shape = tuple(component.data_shape)
        # The players of the component's game are this model's, and it draws from this model's stream. Past Keras, which tracks the
        # component already and would list everything twice.
        players = {player for turn in component.turns() for move in turn.moves for player in move.players}
        self.__dict__.update({player: getattr(component, player) for player in sorted(players)})
        vars(component)["seed_generator"] = self.seed_generator
        # Weights, so that every kind of file holds them.
        self._step_count = self.add_weight((), "zeros", "int32", trainable=False, name="component_in_training")
        self._shares = self.add_weight((components,), "zeros", "float32", trainable=False, name="shares")
        self._records = self.add_weight((components, len(figures)), "zeros", "float32", trainable=False, name="records")
        self._shares.assign(np.eye(components, dtype="float32")[-1])
        self._figures = tuple(figures)
        self._slots = _Slots(self, components - 1)

    def turns(self) -> tuple[Turn, ...]:
        return self.component.turns()

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return self.component.default_optimizers()

    def unpack(self, data: Any) -> Nest:
        return self.component.unpack(data)

    def check_data(self, batch: Any) -> None:
        self.component.check_data(batch)

    def compile(
        self,
        optimizers: Mapping[str, Any] | None = None,
        metrics: Sequence[Any] | None = None,
        averages: Mapping[str, float] | None = None,
        rule: Rule | None = None,
        **kwargs: Any,
    ) -> None:
        super().compile(optimizers, metrics, averages, rule, **kwargs)
        self.component.optimizer = self.optimizer  # some games count its rounds
        config = self.optimizer.get_config()
        self._fresh_optimizers = lambda: MoveOptimizers.from_config(config)

    # Shares and samples ----------------------------------------------------------------------------------------------

    @property
    def step(self) -> int:
        """Index of the component in training, from 0."""
        return int(ops.convert_to_numpy(self._step_count))

    @property
    def shares(self) -> Array:
        """Shares of the components so far, the one in training last: float64, summing to 1."""
        return self.shares_until(self.step)

    def shares_until(self, step: int) -> Array:
        """The shares when the component of this index was the last."""
        shares = np.ones(1)
        for record in self.records[1 : step + 1]:
            shares = boosting.append_share(shares, record["beta"])
        return shares

    @property
    def records(self) -> list[dict[str, float]]:
        """What was recorded of every component begun: a list of dicts."""
        rows = ops.convert_to_numpy(self._records)[: self.step + 1]
        return [
            {"component": t + 1, **{n: float(v) for n, v in zip(self._figures, row, strict=True)}} for t, row in enumerate(rows)
        ]

    def record(self, **figures: float) -> None:
        """Note the figures of the component in training; its `beta` settles the shares."""
        records = ops.convert_to_numpy(self._records).copy()
        records[self.step] = [figures[name] for name in self._figures]
        self._records.assign(records)
        self._shares.assign(self._in_slots(self.shares))

    def generator_inputs(self, count: int, condition: Any = None, seed: SeedLike = None) -> Nest:
        """Latents, and the slot of every example's generator, sorted: a batch needs few of them.

        `condition`: index of a component, or weights of the components so far; default their shares.
        """
        shares = self._shares if condition is None else self._chosen(condition)
        draws = keras.random.uniform((count, 1), seed=seed + 1 if isinstance(seed, int) else seed)
        # A slot without a share is passed over.
        slots = ops.sum(ops.cast(draws >= ops.cumsum(ops.convert_to_tensor(shares))[:-1], "int32"), axis=-1)
        return {"inputs": self.component.generator_inputs(count, seed=seed), "slot": ops.sort(slots)}

    def _chosen(self, condition: Any) -> Array:
        known, condition = self.step + 1, as_int(condition)
        chosen = (
            np.eye(known)[condition]
            if isinstance(condition, int) and 0 <= condition < known
            else np.asarray(condition, "float64")
        )
        if chosen.shape != (known,) or not (chosen >= 0).all() or not chosen.sum() > 0:
            raise ValueError(
                f"`condition` must be the index of one of {known} components, or weights of all. Received: {condition!r}."
            )
        return self._in_slots(chosen / chosen.sum())

    def _in_slots(self, shares: Array) -> Array:
        """One for every slot, from one for every component so far."""
        slots = np.zeros(self.components, "float32")
        slots[: self.step], slots[-1] = shares[:-1], shares[-1]
        return slots

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        slot, total = inputs["slot"], 0.0
        for index in range(self.components):
            here = ops.equal(slot, index)
            values = self._slots.values(index) if index < self.components - 1 else () if training else self._averages.values()

            def samples(values: Sequence[Any] = values) -> Tensor:
                with backend.Overlay(values):
                    return ops.cast(self.component(inputs["inputs"], training=training), "float32")

            def nothing() -> Tensor:
                return ops.zeros((ops.shape(slot)[0], *self.data_shape), dtype="float32")

            drawn = backend.conditional(ops.any(here), samples, nothing)
            total += ops.where(ops.reshape(here, (-1, *[1] * len(self.data_shape))), drawn, ops.zeros_like(drawn))
        return total

    def generate(self, count: int, condition: Any = None, seed: int | None = None, batch_size: int = 256) -> Array:
        """As `kgan.AdversarialModel.generate`. `condition`: index of one component, or weights of all; default: their shares."""
        samples = super().generate(count, condition, seed, batch_size)
        # They come sorted by component.
        return samples[np.random.default_rng(seed).permutation(count)]

    # Starting anew ---------------------------------------------------------------------------------------------------

    def start_anew(self) -> None:
        """Keep the generator, and give everything that trains new starting values. The share of the new component is not settled yet."""
        step = self.step
        self._slots.keep(step)
        self._step_count.assign(step + 1)
        with self.numbers_of(step + 1):
            fresh = copy(self.component)
        play = self._require_compiled("start_anew")
        with backend.strategy_scope(self):
            optimizers = self._fresh_optimizers()
            optimizers.build_moves(play.moved)
        restart([*self.component.weights, *self.optimizer.variables], [*fresh.weights, *optimizers.variables])
        play.project(*play.moves.values())
        self._averages.restart()

    def number(self, step: int) -> int:
        """A number that depends on the model's seed and the step alone."""
        return int(np.random.default_rng((self.seed, step + self.components)).integers(2**30))

    @contextlib.contextmanager
    def numbers_of(self, step: int) -> Iterator[None]:
        """Starting weights that depend on the model's seed and the step alone: Keras' initializers take their seeds from `random`."""
        state = random.getstate()
        random.seed(self.number(step))
        try:
            yield
        finally:
            random.setstate(state)


class _Slots:
    """Weights of the generators trained so far. A plain object, so that Keras does not list them a second time."""

    def __init__(self, model: Any, count: int) -> None:
        self._model = model
        self._variables = [
            [
                model.add_weight(
                    shape=v.shape, dtype=v.dtype, initializer="zeros", trainable=False, name=f"component_{slot}_{index}"
                )
                for index, v in enumerate(model.generator.weights)
            ]
            for slot in range(count)
        ]

    def values(self, slot: int) -> list[tuple[keras.Variable, Tensor]]:
        """Pairs of a variable of the generator and its value."""
        return [(v, backend.constant(kept)) for v, kept in zip(self._model.generator.weights, self._variables[slot], strict=True)]

    def keep(self, slot: int) -> None:
        """Keep the generator as it draws samples: its average, where there is one."""
        averaged = {id(v): average for v, average in self._model._averages.values()}
        for variable, kept in zip(self._model.generator.weights, self._variables[slot], strict=True):
            kept.assign(ops.convert_to_numpy(averaged.get(id(variable), variable)))


def restart(variables: Iterable[Any], starts: Iterable[Any]) -> None:
    """Give variables the values of others."""
    for variable, start in zip(variables, starts, strict=True):
        if variable is not start:
            variable.assign(ops.convert_to_numpy(start))


def copy(model: Any) -> Any:
    """A new model of the same configuration."""
    return keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))


def check_component(component: Any) -> None:
    """Refuse what cannot be a component."""
    kind = type(component).__name__
    if not isinstance(component, AdversarialModel) or not all(hasattr(component, n) for n in ("data_shape", "generator")):
        raise ValueError(f"`component` must be a family with a generator, such as kgan.GAN((2,)). Received: {kind}.")
    if component.compiled:
        raise ValueError(
            "Pass the component as it was constructed; AdaGAN.compile(optimizers=...) sets the optimizers of all of them."
        )
    if type(component).fit is not AdversarialModel.fit:
        raise ValueError(f"{kind} trains in several parts itself and cannot be a component.")
    if getattr(component, "conditional", False):
        raise ValueError(f"A mixture chooses components, not classes; leave `classes` out of {kind}.")
