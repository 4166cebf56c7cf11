"""Exponential averages of players: the weights that samples are drawn with."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import keras
from keras import ops

from kgan import backend
from kgan.types import Tensor


@runtime_checkable
class FollowsWeights(Protocol):
    """A layer with state that belongs to the present values of its weights and is no average of earlier states, such as the singular
    vectors of a kernel. Averages keep such state of their own, and let the layer renew it for the averaged weights.
    """

    @property
    def following(self) -> Sequence[keras.Variable]:
        """The state."""

    def follow_weights(self) -> None:
        """Assign the state anew, from its present value and the present weights: one step a round, by weights that move slowly."""


class Averages:
    """Averages of a model's players, moved after every round and saved with the model.

    What is averaged: trainable weights, and the moving statistics of batch normalization. State of layers that are `FollowsWeights` is
    theirs to renew. All other state (counters, a reference batch, frozen weights, whatever is no float) is taken as it is at present.

    A plain object, so that Keras does not track the averaged variables as the model's own a second time.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._decay: dict[str, float] = {}
        self._moved: dict[str, set[int]] = {}
        self._followers: dict[str, list[FollowsWeights]] = {}
        self._pairs: dict[str, list[tuple[keras.Variable, keras.Variable]]] = {}

    def set(self, decays: Mapping[str, float]) -> None:
        """Keep averages with these decays: dict of player name to a number in (0, 1). Averages present already go on."""
        for player, decay in decays.items():
            network = getattr(self._model, player, None)
            if not isinstance(network, keras.layers.Layer):
                raise ValueError(f"`averages` names {player!r}, which is not a network of {type(self._model).__name__}.")
            if not 0.0 < decay < 1.0:
                raise ValueError(f"The decay of an average lies between 0 and 1. Received: {player!r}: {decay!r}.")
            self._decay[player] = decay
            if player not in self._pairs:
                self._pairs[player] = [(v, self._add(player, index, v)) for index, v in enumerate(network.weights)]
                flat = list({id(layer): layer for layer in backend.all_layers(network)}.values())
                norms = [layer for layer in flat if isinstance(layer, keras.layers.BatchNormalization)]
                means = [*network.trainable_variables, *(v for norm in norms for v in norm.non_trainable_variables)]
                self._moved[player] = {id(v) for v in means if keras.backend.is_float_dtype(v.dtype)}
                self._followers[player] = [layer for layer in flat if isinstance(layer, FollowsWeights)]

    def _add(self, player: str, index: int, variable: keras.Variable) -> keras.Variable:
        average = self._model.add_weight(
            shape=variable.shape,
            dtype=variable.dtype,
            initializer="zeros",
            trainable=False,
            name=f"{player}_average_{index}",
        )
        average.assign(ops.convert_to_numpy(variable))  # a copy: JAX donates buffers, and no two may be one
        return average

    def decays(self) -> dict[str, float]:
        return dict(self._decay)

    def variables(self) -> list[keras.Variable]:
        return [average for pairs in self._pairs.values() for _, average in pairs]

    def values(self) -> list[tuple[keras.Variable, Tensor]]:
        """Pairs of a variable and its averaged value."""
        return [(v, backend.constant(average)) for pairs in self._pairs.values() for v, average in pairs]

    def restart(self) -> None:
        """Begin every average anew at the present values."""
        for variable, average in (pair for pairs in self._pairs.values() for pair in pairs):
            average.assign(ops.convert_to_numpy(variable))

    def update(self) -> None:
        """Move every average: `average <- decay * average + (1 - decay) * value`, or what it means; see the class."""
        for player, pairs in self._pairs.items():
            decay, moved, followers = self._decay[player], self._moved[player], self._followers[player]
            theirs = {id(v) for layer in followers for v in layer.following}
            values = []
            for variable, average in pairs:
                value = backend.constant(average if id(variable) in theirs else variable)
                if id(variable) in moved:
                    value = decay * backend.constant(average) + (1.0 - decay) * value
                values.append((variable, value))
            with backend.Overlay(values) as overlay:
                for layer in followers:
                    layer.follow_weights()
            for variable, average in pairs:
                average.assign(overlay.get_current_value(variable))
