"""One optimizer per move, inside one Keras optimizer that trainers, callbacks and files understand."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import keras
from keras import ops

from kgan import backend
from kgan.types import Config, Tensor


@keras.saving.register_keras_serializable("kgan")
class MoveOptimizers(keras.optimizers.MultiOptimizer):
    """The optimizers of a game, keyed by move.

    `iterations` counts rounds. The moves' players may overlap: unlike its base class, which maps a variable to one
    optimizer, this container maps a move to one.

    Args:
        optimizers: dict of move name to Keras optimizer; every move has its own.
        loss_scaling: default False. Scale each move's loss against underflow in float16, dynamically and per move:
            halved where a gradient overflows (the step is skipped), doubled after 2000 good steps.
    """

    initial_scale = 2.0**15
    growth_steps = 2000

    def __init__(
        self, optimizers: Mapping[str, Any], loss_scaling: bool = False, name: str = "move_optimizers", **kwargs: Any
    ) -> None:
        optimizers = {move: keras.optimizers.get(optimizer) for move, optimizer in optimizers.items()}
        if len({id(optimizer) for optimizer in optimizers.values()}) != len(optimizers):
            raise ValueError("Every move needs an optimizer object of its own; one object was given to two moves.")
        mapping = keras.optimizers.OptimizerMap(next(iter(optimizers.values())), dict(optimizers))
        super().__init__(mapping, name=name, **kwargs)
        self.loss_scaling = loss_scaling
        self._by_move = optimizers

    def __getitem__(self, move: str) -> keras.optimizers.Optimizer:
        """The optimizer of a move."""
        return self._by_move[move]

    def build_moves(self, variables: dict[str, list[keras.Variable]]) -> None:
        """Create all optimizer variables.

        Args:
            variables: dict of move name to the variables it moves.
        """
        self._moved, self._scales, self._good_steps = variables, {}, {}
        for move, optimizer in self._by_move.items():
            optimizer.build(variables[move])
            if self.loss_scaling:
                self._scales[move] = self.add_variable(
                    (), keras.initializers.Constant(self.initial_scale), "float32", "only_first_replica", name=f"{move}_scale"
                )
                self._good_steps[move] = self.add_variable((), "zeros", "int32", "only_first_replica", name=f"{move}_good_steps")
        joint = {id(v): v for moved in variables.values() for v in moved}
        keras.optimizers.Optimizer.build(self, list(joint.values()))

    def build(self, variables: Sequence[keras.Variable]) -> None:
        if not self.built:
            raise RuntimeError("The optimizers of a game are built by compile(); call model.compile() first.")

    def loss_scale(self, move: str) -> Tensor:
        """Factor by which the move's loss is multiplied before differentiation."""
        return ops.convert_to_tensor(self._scales[move]) if self.loss_scaling else 1.0

    def apply_move(
        self, move: str, gradients: Sequence[Tensor], variables: Sequence[keras.Variable], gate: Tensor | None = None
    ) -> None:
        """One optimizer step of a move.

        Args:
            move: name of the move.
            gradients: list of tensors, unscaled, one per variable.
            variables: the moved variables.
            gate: boolean scalar or None. Where False nothing changes, the optimizer's own variables included.
        """
        optimizer = self._by_move[move]
        good = None
        if self.loss_scaling:
            # Replicas must agree, or their copies of the weights drift apart.
            finite = ops.cast(ops.all(ops.stack([ops.all(ops.isfinite(g)) for g in gradients])), "float32")
            good = ops.greater(backend.mean_over_replicas(finite), 0.999)
            self._rescale(move, good, gate)
            gate = good if gate is None else ops.logical_and(gate, good)
        share = 1.0 / backend.replica_count()  # Keras sums gradients over replicas; the loss is a mean.
        if share != 1.0:
            gradients = [g * share for g in gradients]
        if gate is None:
            optimizer.apply(gradients, variables)
            return
        touched = [*variables, *optimizer.variables]
        before = [backend.snapshot(v) for v in touched]
        optimizer.apply(gradients, variables)
        for variable, old in zip(touched, before, strict=True):
            variable.assign(ops.where(gate, backend.constant(variable), old))

    def _rescale(self, move: str, good: Tensor, gate: Tensor | None) -> None:
        scale, count = self._scales[move], self._good_steps[move]
        old_scale, old_count = backend.snapshot(scale), backend.snapshot(count)
        grow = ops.logical_and(good, old_count + 1 >= self.growth_steps)
        new_scale = old_scale * ops.where(good, ops.where(grow, 2.0, 1.0), 0.5)
        new_count = ops.where(ops.logical_and(good, ops.logical_not(grow)), old_count + 1, 0)
        if gate is not None:
            new_scale, new_count = ops.where(gate, new_scale, old_scale), ops.where(gate, new_count, old_count)
        scale.assign(new_scale)
        count.assign(new_count)

    def finalize_variable_values(self, var_list: Any) -> None:
        for move, optimizer in self._by_move.items():
            optimizer.finalize_variable_values(self._moved[move])

    def load_own_variables(self, store: Any) -> None:
        if len(store.keys()) != len(self.variables):
            raise ValueError(
                f"The file holds {len(store.keys())} optimizer variables, this model's game has {len(self.variables)}: it was "
                "saved with other optimizers or another game. Compile with the optimizers it was saved with."
            )
        super().load_own_variables(store)

    def get_config(self) -> Config:
        return {
            "optimizers": {move: keras.saving.serialize_keras_object(o) for move, o in self._by_move.items()},
            "loss_scaling": self.loss_scaling,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Self:
        config = dict(config)
        config["optimizers"] = {
            move: keras.saving.deserialize_keras_object(o, custom_objects=custom_objects)
            for move, o in config["optimizers"].items()
        }
        return cls(**config)
