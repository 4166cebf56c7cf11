"""Rules: how the gradients of the moves of one turn become the directions in which they step."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

import keras
from keras import ops

from kgan import backend
from kgan.arguments import Checked, NonNegative
from kgan.types import Config, Tensor


class Evaluation(NamedTuple):
    """What one move amounts to at the present point.

    Attributes:
        terms: dict of the loss's terms and observations, float32 scalars.
        gradients: list of tensors, one per moved variable; a rule may replace them by other directions of descent.
        updates: dict of the state that the evaluation changed.
    """

    terms: dict[str, Tensor]
    gradients: list[Tensor]
    updates: dict[str, Tensor]


class Rule(Checked):
    """Base of all rules. Stateless; two of one class and equal attributes are interchangeable."""

    def __call__(
        self, evaluate: Callable[[Any], Evaluation], moves: Sequence[Any], variables: Sequence[list[keras.Variable]]
    ) -> list[Evaluation]:
        """Directions for every move of a turn.

        Args:
            evaluate: callable `(move) -> Evaluation` at the present values of the variables, differentiable in them.
            moves: the moves of the turn.
            variables: for every move, the list of variables it moves.

        Returns:
            A list of `Evaluation`, one per move.
        """
        raise NotImplementedError(f"{type(self).__name__} must define __call__(evaluate, moves, variables).")

    def get_config(self) -> Config:
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)


@keras.saving.register_keras_serializable("kgan")
class Descent(Rule):
    """Each move follows the gradient of its own loss. With several moves in a turn: simultaneous gradient descent."""

    def __call__(
        self, evaluate: Callable[[Any], Evaluation], moves: Sequence[Any], variables: Sequence[list[keras.Variable]]
    ) -> list[Evaluation]:
        return [evaluate(move) for move in moves]


@keras.saving.register_keras_serializable("kgan")
class Consensus(Rule):
    """Consensus optimization: Mescheder, Nowozin, Geiger, NIPS 2017, arXiv 1705.10461, Algorithm 2.

    With u the joint vector of all moves' gradients, every move steps against `u + weight * grad(1/2 ||u||^2)`. The second
    part is the product of u with the transposed Jacobian of u, taken over all moved variables.

    Args:
        weight: default 10.0 (the paper's gamma).

    Every variable must belong to one move of the turn. The optimizers act on the sum; the paper uses one optimizer for both
    players, so give the moves equal ones. Over replicas, u is averaged before the product: the rule on the joint batch.
    """

    def __init__(self, weight: NonNegative = 10.0) -> None:
        self.weight = weight

    def get_config(self) -> Config:
        return {"weight": self.weight}

    def __call__(
        self, evaluate: Callable[[Any], Evaluation], moves: Sequence[Any], variables: Sequence[list[keras.Variable]]
    ) -> list[Evaluation]:
        if self.weight == 0:
            return [evaluate(move) for move in moves]
        joint = [v for moved in variables for v in moved]
        if len({id(v) for v in joint}) != len(joint):
            raise ValueError(f"Consensus needs moves with disjoint players. Moves {[move.name for move in moves]} share some.")

        def field(tensors: list[Tensor]) -> tuple[Tensor, list[Evaluation]]:
            with backend.Overlay(zip(joint, tensors, strict=True), commit=True):
                evaluations = [evaluate(move) for move in moves]
            # <u, stop(u)> has the gradient J^T u, that of 1/2 ||u||^2, and lets u be averaged over replicas first.
            product = sum(ops.sum(g * ops.stop_gradient(backend.mean_over_replicas(g))) for e in evaluations for g in e.gradients)
            return product, evaluations

        (_, evaluations), curvature = backend.value_and_gradients(field, [backend.constant(v) for v in joint])
        rest = iter(curvature)
        return [e._replace(gradients=[g + self.weight * next(rest) for g in e.gradients]) for e in evaluations]
