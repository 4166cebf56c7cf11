"""The causal controller: Kocaoglu et al., "CausalGAN", ICLR 2018, arXiv 1709.02023, section 4 and the authors' code."""

from typing import Any

import keras
from keras import ops

from kgan import backend
from kgan.arguments import Count, Counts, Level, Network
from kgan.causal import CausalGraph, LabelSamples, graphs
from kgan.causal.graphs import Assignment, GraphLike
from kgan.families.bases.generative import given_or_built
from kgan.families.gan import GAN
from kgan.networks import CausalNetwork, mlp
from kgan.penalties import GradientPenalty
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class CausalController(GAN):
    """A generator of binary labels, wired along a causal graph, that answers interventions as well as conditions.

    Each label is made by a small network from its causes and noise of its own; the labels together are judged by a Wasserstein critic
    with gradient penalty. With the true graph, samples under `do` follow the true interventional distribution, though only observations
    were seen (the paper's section 4).
    `L_W = E W(l_g) - E W(l) + penalty_weight E (||grad W(l^)||_2 - 1)^2`, `l^ = eps l + (1 - eps) l_g`; `L_C = -E W(l_g)`. The critic
    sees the generator's outputs in (0, 1) as they are; `sample` rounds them.

    Args:
        graph: `kgan.causal.CausalGraph`, `networkx.DiGraph`, list of edges, or a name or file for `kgan.causal.graph`. May be left out
            when `generator` is given.
        noise_size: default 10 (the paper's): numbers of noise for every label.
        hidden: default five layers of 10 (the paper's), of every label's network.
        critic_hidden: default five layers of 15 (the authors').
        penalty_weight: default 0.1 (the authors' code; 10 in the paper of the penalty).
        discriminator_steps: default 20 (the authors' code).
        generator: `kgan.networks.CausalNetwork` of your own, which holds the prior of its noise.
        discriminator: critic of your own, from `(batch, labels)` to `(batch, 1)`.
        **kwargs: of `kgan.GAN`.

    Input of `fit`: labels of 0 and 1, an array `(batch, labels)` in the order of `graph.nodes`, or a dict or data frame of label to
    `(batch,)`, in any order. Output of `sample`: a dict of label to array; of `generate`: `(count, labels)` in (0, 1), not rounded.

    Logs: as `kgan.GAN`, with the term `discriminator/gradient_penalty`.

    Default optimizers: Adam(8e-5), epsilon 1e-8, for both (the authors' code; the appendix is said to have 8e-4 and 25 critic steps).

    Raises:
        ValueError: for a cyclic graph, unknown nodes, labels other than 0 and 1, columns that do not match the graph.

    Warns: for labels that never take one of their values where their causes have some combination of values.

    Departures from the code: its 21st critic step, made at one point with the controller's, is left out. Labels of more than two values
    must be coded as several binary ones.

    Example:
    >>> import kgan
    >>> truth = kgan.causal.structural_model("faces")
    >>> model = kgan.CausalController("faces", discriminator_steps=2, seed=0)
    >>> model.compile()
    >>> history = model.fit(truth.sample(1000, seed=0), batch_size=100, verbose=0)
    >>> labels = model.sample(5, do={"Mustache": 1}, seed=1)
    >>> labels["Mustache"]
    array([1, 1, 1, 1, 1])
    """

    fixed_arguments = (*GAN.fixed_arguments, *GAN.unconditional, "data_shape", "objective", "penalties", "latent_size", "prior")

    def __init__(
        self,
        graph: GraphLike = None,
        *,
        noise_size: Count = 10,
        hidden: Counts = (10,) * 5,
        critic_hidden: Counts = (15,) * 5,
        penalty_weight: Level = 0.1,
        discriminator_steps: Count = 20,
        generator: Network | None = None,
        discriminator: Network | None = None,
        **kwargs: Any,
    ) -> None:
        graph = _graph_of(graph, generator)
        makers = {
            "generator": lambda: CausalNetwork(graph, noise_size, hidden),
            "discriminator": lambda: mlp.discriminator((len(graph),), tuple(critic_hidden), 0.2),
        }
        given = {"generator": generator, "discriminator": discriminator}
        shape, generator, discriminator = given_or_built((len(graph),), given, lambda _: makers)
        own = [GradientPenalty(penalty_weight)]
        passed = {"discriminator": discriminator, "discriminator_steps": discriminator_steps, "prior": generator.prior}
        super().__init__(shape, generator=generator, objective="wasserstein", own_penalties=own, **passed, **kwargs)
        self.graph = generator.graph
        self.noise_size = noise_size
        self.hidden, self.critic_hidden = tuple(hidden), tuple(critic_hidden)
        self.penalty_weight = penalty_weight

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(8e-5, epsilon=1e-8) for move in ("discriminator", "generator")}

    def fit(self, x: Any, y: Any = None, **kwargs: Any) -> keras.callbacks.History:
        """As in `kgan.AdversarialModel`, all labels checked first where they are in memory."""
        x = self.graph.checked(x)
        self.graph.warn_of_gaps(x)
        return super().fit(x, y, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, **kwargs: Any) -> Any:
        return super().evaluate(self.graph.checked(x), y, **kwargs)

    def unpack(self, data: Any) -> Any:
        labels = super().unpack(data)
        if hasattr(labels, "keys"):
            labels = ops.stack([ops.cast(column, "float32") for column in self.graph.columns(labels)], axis=-1)
        return ops.cast(labels, "float32")

    def check_data(self, batch: Any, shape: Sizes | None = None) -> None:
        self.graph.check_discrete(ops.convert_to_numpy(batch))

    def labels_in_range(self, batch: Any) -> Tensor:
        return are_binary(batch)

    def sample(
        self,
        count: int,
        do: Assignment | None = None,
        condition: Assignment | None = None,
        seed: int | None = None,
        max_draws: int = 1_000_000,
    ) -> LabelSamples:
        """Labels from the observational, an interventional or a conditional distribution, or a conditional of an interventional one.

        Args:
            count: >= 1.
            do: dict of label to 0 or 1: the label is set, its own network skipped, and what it causes follows; its causes do not.
            condition: dict of label to 0 or 1: samples that differ from it are rejected.
            seed: the same seed draws the same samples; None (default) draws new ones at each call.
            max_draws: default 1,000,000: what rejection may cost; 100 draws for every sample asked for are allowed in any case.

        Returns:
            `kgan.causal.LabelSamples`: a dict of label to int64 array `(count,)`, with the attribute `acceptance_rate`.

        Raises:
            ValueError: for unknown labels, values other than 0 and 1, a condition against the intervention, one that is (nearly) never met.
        """
        noise = self.generation_noise if seed is None else keras.random.SeedGenerator(seed)
        with backend.Overlay(self._averages.values(), commit=True):
            return self.generator.sample(count, do, condition, noise, max_draws)

    def network(self) -> CausalNetwork:
        """A copy of the network as `sample` uses it, with the averaged weights if the model keeps averages."""
        return self.generator.copy("controller", self._averages.values())


def are_binary(labels: Tensor) -> Tensor:
    """Boolean scalar: whether all labels are 0 or 1."""
    return ops.all(ops.logical_or(ops.equal(labels, 0), ops.equal(labels, 1)))


def _graph_of(graph: GraphLike, generator: keras.Model | None) -> CausalGraph:
    """The graph that a user gave, or that of a given generator."""
    if generator is None:
        if graph is None:
            raise ValueError("Give `graph`, the causal graph of the labels: edges, a networkx.DiGraph, a name or a file.")
        return graphs.graph(graph)
    if not isinstance(generator, CausalNetwork):
        raise TypeError(f"`generator` must be a kgan.networks.CausalNetwork. Received: {type(generator).__name__}.")
    if graph is not None and graphs.graph(graph) != generator.graph:
        raise ValueError("`graph` and the graph of `generator` differ. Leave `graph` out.")
    return generator.graph
