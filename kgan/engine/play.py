"""Playing a compiled game: evaluate the moves of a turn at one point, then let them step."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol, runtime_checkable

import keras
from keras import ops

from kgan import backend
from kgan.engine.game import Move, Observation, Turn, check_game, minibatches_per_round, moved_variables, projections
from kgan.engine.optimizers import MoveOptimizers
from kgan.engine.rounds import split_round
from kgan.engine.rules import Evaluation
from kgan.types import Nest, Tensor


@runtime_checkable
class StartsFromData(Protocol):
    """A layer whose starting values come from the first inputs that it is called with while `take_start` is set."""

    take_start: bool

    def waits(self) -> bool:
        """Whether it wants them, and has not had them."""

    def starting(self) -> list[keras.Variable]:
        """What such a call assigns."""


class Play:
    """A model's game, resolved to variables. Holds no Keras state of its own, only references and metric objects.

    Attributes:
        turns: the game.
        moves: dict of move name to `Move`, in the order of play.
        moved: dict of move name to the variables it moves.
        terms: dict of `<move>/<term>` to the `keras.metrics.Mean` that logs it; empty until `discover`.
        per_round: fresh minibatches in one round.
    """

    def __init__(self, model: Any, turns: Sequence[Turn]) -> None:
        self.model = model
        self.turns = tuple(turns)
        self.moves = {move.name: move for move in check_game(model, self.turns)}
        self.moved = {name: moved_variables(model, move) for name, move in self.moves.items()}
        self.per_round = minibatches_per_round(self.turns)
        self.terms: dict[str, keras.metrics.Mean] = {}
        self._observed: set[str] = set()
        self.started = False

    def bind(self, optimizer: MoveOptimizers, averaged: Sequence[keras.Variable]) -> None:
        """Note the optimizer, and which state each move may change: its players' and the model's own.

        The state of a network at rest stays: the batch norm averages of the generator while the discriminator moves, and in every move
        those of a network that the model owns and no move names, however it is called. Seeds always advance, or noise would repeat.
        """
        model = self.model
        self.optimizer = optimizer
        seeds = {id(v) for v in seed_states(model)}
        excluded = {id(v) for v in averaged}
        self._state = [v for v in model.variables if not v.trainable and id(v) not in excluded]
        self._seeds = [v for v in self._state if id(v) in seeds]
        self._known = {id(v) for v in [*model.variables, *optimizer.variables]}
        layers = backend.all_layers(model)[1:]
        # Networks, and players of any kind: what else keeps a state or adds a loss, a penalty with a memory, belongs to the moves that
        # call it.
        named = {id(getattr(model, player)) for move in self.moves.values() for player in move.players}
        networks = [layer for layer in layers if isinstance(layer, keras.Model) or id(layer) in named]
        states = {id(v) for network in networks for v in network.variables}
        inside = {id(layer) for network in networks for layer in backend.all_layers(network)}
        self._kept, self._strangers = {}, {}
        for name, move in self.moves.items():
            players = [getattr(model, player) for player in move.players]
            at_rest = states - {id(v) for player in players for v in player.variables} - seeds
            own = {id(layer) for player in players for layer in backend.all_layers(player)}
            self._strangers[name] = inside - own
            self._kept[name] = {str(i): v for i, v in enumerate(self._state) if id(v) not in at_rest}

    # Evaluation ------------------------------------------------------------------------------------------------------

    def point(self, training: bool) -> backend.Overlay:
        """An overlay in which losses see the present point and may draw and assign without consequence."""
        values = []
        if backend.name() == "torch":
            # Weights at rest must not record history; elsewhere only what is differentiated is recorded.
            values += [(v, backend.constant(v)) for v in self.model.trainable_variables]
        if backend.replica_count() > 1:
            values += [(v, self._read(v)) for v in self._seeds]
        return backend.Overlay(values, known=self._known, training=training)

    def _read(self, variable: keras.Variable) -> Tensor:
        """The value of a state; that of a seed differs from replica to replica."""
        value = backend.snapshot(variable)
        if any(variable is seed for seed in self._seeds) and backend.replica_count() > 1:
            value = value + backend.replica_offset(value.dtype)
        return value

    def evaluate(self, move: Move, minibatch: Nest) -> Evaluation:
        """An `Evaluation` of a move at the present point."""
        moved, kept = self.moved[move.name], self._kept[move.name]
        scale = self.optimizer.loss_scale(move.name)

        def objective(tensors: list[Tensor]) -> tuple[Tensor, Any]:
            values = zip(moved, tensors, strict=True)
            with backend.Overlay(values, moving=frozenset(id(v) for v in kept.values())) as overlay:
                terms, observed = self.loss_terms(move, minibatch, overlay)
                total = sum(terms.values())
            updates = {i: overlay.updates[id(v)][1] for i, v in kept.items() if id(v) in overlay.updates}
            return total * scale, ({**terms, **observed}, updates)

        (_, (terms, updates)), gradients = backend.value_and_gradients(objective, [backend.constant(v) for v in moved])
        if self.optimizer.loss_scaling:
            gradients = [g / scale for g in gradients]
        return Evaluation(terms, gradients, updates)

    def loss_terms(self, move: Move, minibatch: Nest, overlay: backend.Overlay) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The terms of a move's loss and its observations: two dicts of scalars.

        Regularizers of the moved weights, and losses that layers add to `overlay` while networks are called, make one more term. What
        layers of a network at rest add belongs to the moves of that network, and to none if no move names it; what a layer outside of all
        networks adds, to the moves that call it.
        """
        result = move.loss(minibatch)
        result = dict(result) if isinstance(result, dict) else {"loss": result}
        extra = [v.regularizer(ops.convert_to_tensor(v)) for v in self.moved[move.name] if v.regularizer is not None]
        extra += [loss for layer, loss in overlay.added_losses if id(layer) not in self._strangers[move.name]]
        if extra:
            result["regularization"] = sum(extra)
        terms: dict[str, Tensor] = {}
        observed: dict[str, Tensor] = {}
        for key, value in result.items():
            observation = isinstance(value, Observation)
            tensor = backend.full_precision(value.value if observation else value)
            if len(tensor.shape):
                raise ValueError(
                    f"The term {key!r} of move {move.name!r} must be a scalar. Received the shape {tuple(tensor.shape)}; "
                    "take the mean over the batch."
                )
            (observed if observation else terms)[key] = ops.stop_gradient(tensor) if observation else tensor
        if not terms:
            raise ValueError(f"The loss of move {move.name!r} returned no term to minimize.")
        return terms, observed

    def start(self, minibatch: Nest) -> bool:
        """Let layers that wait for data take their starting values from what a first minibatch makes of them. Whether there were any.

        Every layer takes them from its first call in the moves' losses, and hands on what it then returns. Workers, each with data of its
        own, take the mean.
        """
        self.started = True
        waiting = [layer for layer in backend.all_layers(self.model) if isinstance(layer, StartsFromData) and layer.waits()]
        if not waiting:
            return False
        for layer in waiting:
            layer.take_start = True
        with self.point(training=True), backend.Overlay(moving=frozenset()) as overlay, backend.no_gradient():
            for move in self.moves.values():
                self.loss_terms(move, minibatch, overlay)
        for layer in waiting:
            layer.take_start = False
        found = [v for layer in waiting for v in layer.starting() if id(v) in overlay.updates]
        if found:
            values = backend.mean_over_workers(self.model, backend.flat([overlay.updates[id(v)][1] for v in found]))
            for variable, value in zip(found, backend.split_like(values, found), strict=True):
                variable.assign(value)
        return True

    def discover(self, minibatch: Nest) -> None:
        """Learn the names of all terms from a minibatch, without changing anything, and make their metrics."""
        names = {}

        def look() -> Iterator[Tensor]:
            for move in self.moves.values():
                with self.point(training=True), backend.Overlay(moving=frozenset()) as overlay:
                    terms, observed = self.loss_terms(move, minibatch, overlay)
                names.update({f"{move.name}/{key}": key in observed for key in (*terms, *observed)})
                yield from (*terms.values(), *observed.values())

        backend.dry_run(lambda: list(look()))
        with backend.strategy_scope(self.model):
            self.terms = {name: keras.metrics.Mean(name=name) for name in names}
        self._observed = {name for name, observed in names.items() if observed}

    # Steps -----------------------------------------------------------------------------------------------------------

    def round(self, batch: Nest, loss_metric: keras.metrics.Metric) -> None:
        """Every turn once, `repeats` times each."""
        minibatches = split_round(batch, self.per_round)
        minibatch, fresh = minibatches[0], iter(minibatches)
        total = _nan_unless_finite(batch, self.model.labels_in_range(batch))
        for turn in self.turns:
            gate = self._gate(turn)
            step: Callable[[Nest], Any] = partial(self._step, turn, gate)
            if turn.repeats > 1:
                step = backend.traced_once(step)
            for _ in range(turn.repeats):
                if turn.fresh:
                    minibatch = next(fresh)
                total += ops.cast(self._log(turn, step(minibatch), gate), "float32") / turn.repeats
        loss_metric.update_state(total)
        self.optimizer.iterations.assign_add(1)

    def _gate(self, turn: Turn) -> Tensor | None:
        gate = None
        if turn.every > 1:
            gate = ops.equal(ops.mod(ops.convert_to_tensor(self.optimizer.iterations), turn.every), 0)
        if turn.when is not None:
            when = ops.cast(turn.when(), "bool")
            gate = when if gate is None else ops.logical_and(gate, when)
        return gate

    def _step(self, turn: Turn, gate: Tensor | None, minibatch: Nest) -> list[dict[str, Tensor]]:
        """Play a turn once. Returns, for each of its moves, the terms of its loss."""
        variables = [self.moved[move.name] for move in turn.moves]

        def compute() -> list[Evaluation]:
            with self.point(training=True):
                return turn.rule(lambda move: self.evaluate(move, minibatch), turn.moves, variables)

        if gate is None:
            evaluations = compute()
        else:
            evaluations = backend.conditional(
                gate, lambda: self._with_state(turn, compute()), lambda: self._with_state(turn, self._nothing(turn))
            )
        for move, moved, evaluation in zip(turn.moves, variables, evaluations, strict=True):
            self.optimizer.apply_move(move.name, evaluation.gradients, moved, gate)
            self.project(move, gate=gate)
        self._keep(evaluations)
        return [e.terms for e in evaluations]

    def project(self, *moves: Move, gate: Tensor | None = None) -> None:
        """Bring the players of moves back into the sets they are kept in."""
        for variable, project in (pair for move in moves for pair in projections(self.model, move)):
            before = backend.snapshot(variable)
            variable.assign(project(before) if gate is None else ops.where(gate, project(before), before))

    def _with_state(self, turn: Turn, evaluations: list[Evaluation]) -> list[Evaluation]:
        """Evaluations that list every state a move may change, changed or not: one structure for both ways of a gate."""
        return [
            e._replace(updates={**{i: self._read(v) for i, v in self._kept[move.name].items()}, **e.updates})
            for move, e in zip(turn.moves, evaluations, strict=True)
        ]

    def _nothing(self, turn: Turn) -> list[Evaluation]:
        return [
            Evaluation(
                {key.split("/", 1)[1]: ops.zeros((), "float32") for key in self.terms if key.split("/", 1)[0] == move.name},
                [ops.zeros_like(backend.constant(v)) for v in self.moved[move.name]],
                {},
            )
            for move in turn.moves
        ]

    def _keep(self, evaluations: list[Evaluation]) -> None:
        for index in sorted({i for e in evaluations for i in e.updates}, key=int):
            variable = self._state[int(index)]
            values = [e.updates[index] for e in evaluations if index in e.updates]
            if any(variable is seed for seed in self._seeds):
                # Counters only grow, so the move that drew most decides; the replica's offset stays out of the state.
                for value in values[:-1]:
                    values[-1] = ops.maximum(values[-1], value)
                if backend.replica_count() > 1:
                    values[-1] = values[-1] - backend.replica_offset(values[-1].dtype)
            variable.assign(values[-1])

    def _log(self, turn: Turn, terms: list[dict[str, Tensor]], gate: Tensor | None) -> Tensor:
        weight = None if gate is None else ops.cast(gate, "float32")
        total = 0.0
        for move, values in zip(turn.moves, terms, strict=True):
            for key, value in values.items():
                name = f"{move.name}/{key}"
                self.terms[name].update_state(value, sample_weight=weight)
                if name not in self._observed:
                    total += value if weight is None else value * weight
        return total


def _nan_unless_finite(batch: Nest, in_range: Tensor | bool) -> Tensor:
    """0, or NaN where the data hold NaN, infinity or unknown labels: networks can swallow any (ReLU of NaN may be 0)."""
    floats = [t for t in map(ops.convert_to_tensor, keras.tree.flatten(batch)) if keras.backend.is_float_dtype(t.dtype)]
    good = [ops.all(ops.isfinite(t)) for t in floats] + ([] if in_range is True else [ops.cast(in_range, "bool")])
    return ops.cast(ops.where(ops.all(ops.stack(good)), 0.0, float("nan")), "float32") if good else 0.0


def seed_states(model: Any) -> list[keras.Variable]:
    """The states of all seed generators of a model, its layers' included: what Keras lists but does not save."""
    weights = {id(v) for v in model.weights}
    return [v for v in model.non_trainable_variables if id(v) not in weights]
