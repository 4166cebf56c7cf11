"""A game as data: who moves, on what loss, in what order."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras

from kgan.engine.rules import Descent, Rule
from kgan.types import Tensor


class Move(NamedTuple):
    """One optimizer acts once.

    Attributes:
        name: key of the move's optimizer and prefix of its logs.
        players: names of the model's attributes (networks or layers) whose trainable variables move. The players of
            different moves may overlap.
        loss: callable `(batch) -> scalar` or `-> {term: scalar}`; the sum of the terms is minimized. A term wrapped in
            `Observation` is logged and not minimized.
        project: what keeps players in a set, such as weight clipping: a callable `(value) -> value`, applied to each moved variable at
            `compile` and after each step; or a dict of player name to such a callable, where the others are free; or None.
    """

    name: str
    players: tuple[str, ...]
    loss: Callable[..., Any]
    project: Callable[[Tensor], Tensor] | Mapping[str, Callable[[Tensor], Tensor]] | None = None


class Turn(NamedTuple):
    """Moves evaluated at the same point: the same variables, the same minibatch, the same random draws.

    Attributes:
        moves: tuple of `Move`. State that two moves of a turn both change (a moving average of a shared player) is taken
            from the later one.
        rule: how gradients become directions, default `Descent()`.
        repeats: >= 1, how often the turn is played in a round, each time on a fresh minibatch.
        every: >= 1, play in every n-th round only.
        when: callable `() -> boolean scalar` over the model's variables, or None. Where it is False, variables, optimizer
            and random state stay untouched.
        fresh: default True: take a fresh minibatch. False: see the one of the turn before (in the first turn: the
            round's first), for losses that only ask a minibatch for its size, or that the paper evaluates on the same examples.
    """

    moves: tuple[Move, ...]
    rule: Rule = Descent()
    repeats: int = 1
    every: int = 1
    when: Callable[[], Tensor] | None = None
    fresh: bool = True


class Observation(NamedTuple):
    """A figure that a loss reports beside its terms: logged as `<move>/<name>`, not minimized."""

    value: Tensor


Terms = dict[str, Any]
"""What a move's loss returns: name to scalar tensor, or to `Observation`."""


def minibatches_per_round(turns: Sequence[Turn]) -> int:
    """How many fresh minibatches one round consumes."""
    return max(1, sum(turn.repeats for turn in turns if turn.fresh))


def with_rule(turns: Sequence[Turn], rule: Rule) -> tuple[Turn, ...]:
    """The same game with another rule in its simultaneous turns, those of several moves."""
    if not isinstance(rule, Rule):
        raise TypeError(f"`rule` must be a kgan.Rule, such as kgan.Consensus(10.0). Received: {rule!r}.")
    if all(len(turn.moves) == 1 for turn in turns):
        raise ValueError(
            f"{type(rule).__name__} acts on moves that are made at one point, and the moves of this game are made in turn. Where the "
            "family has the argument, build the model with `simultaneous=True`."
        )
    return tuple(turn._replace(rule=rule) if len(turn.moves) > 1 else turn for turn in turns)


def check_game(model: Any, turns: Sequence[Turn]) -> list[Move]:
    """Refuse a game that cannot be played, saying why. Returns the moves in the order of play."""
    if not turns or not all(isinstance(turn, Turn) and turn.moves for turn in turns):
        raise ValueError(f"turns() must return at least one Turn, each with at least one Move. Received: {turns!r}.")
    moves = [move for turn in turns for move in turn.moves]
    names = [move.name for move in moves]
    if len(set(names)) != len(names):
        raise ValueError(f"Every move needs a name of its own. Received: {names}.")
    for turn in turns:
        for field in ("repeats", "every"):
            if not isinstance(getattr(turn, field), int) or getattr(turn, field) < 1:
                raise ValueError(f"Turn.{field} must be an integer >= 1. Received: {getattr(turn, field)!r}.")
    for move in moves:
        if "/" in move.name:
            raise ValueError(f"The name of a move must not contain '/'. Received: {move.name!r}.")
        for player in move.players:
            if not hasattr(model, player):
                raise ValueError(
                    f"Move {move.name!r} names the player {player!r}, which is not an attribute of {type(model).__name__}."
                )
        strangers = sorted(set(move.project) - set(move.players)) if isinstance(move.project, Mapping) else []
        if strangers:
            raise ValueError(
                f"Move {move.name!r} projects {strangers}, which it does not move; its players are {list(move.players)}."
            )
        if not moved_variables(model, move):
            raise ValueError(
                f"The players {list(move.players)} of move {move.name!r} have no trainable variables. Build the networks "
                "before compile(), and do not set `trainable = False` on a player: the engine moves only the players of "
                "the move in play."
            )
    return moves


def moved_variables(model: Any, move: Move) -> list[keras.Variable]:
    """The trainable variables of the players of a move, each once, in order."""
    variables = [v for player in move.players for v in getattr(model, player).trainable_variables]
    return list({id(v): v for v in variables}.values())


def projections(model: Any, move: Move) -> list[tuple[keras.Variable, Callable[[Tensor], Tensor]]]:
    """Pairs of a moved variable and the callable that keeps it in its set; a variable without one is left out."""
    if move.project is None:
        return []
    project = move.project
    by_player = project if isinstance(project, Mapping) else dict.fromkeys(move.players, project)
    return [(v, project) for player, project in by_player.items() for v in getattr(model, player).trainable_variables]
