"""Coupled generative adversarial networks: Liu, Tuzel, NIPS 2016, arXiv 1606.07536."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import backend, objectives
from kgan.arguments import BuiltNetwork, Count, Natural, Network, NonNegative, Positive, Several, Shapes
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.bases.conditional import are_classes, check_labels
from kgan.families.bases.domains import check_domains
from kgan.families.bases.generative import GenerativeModel
from kgan.families.gan import count_of
from kgan.networks import coupled, mlp, with_features
from kgan.penalties.weights import weight_decay as decay
from kgan.priors import Uniform
from kgan.types import Array, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class CoGAN(GenerativeModel):
    """A joint distribution of several domains from examples of each alone: corresponding examples from one latent.

    One generator and one discriminator a domain. All generators take the same latent, and their first layers are the same variables, as
    are the discriminators' last (Eq. 2): what the first layers decide, the content, is common to the domains; how it looks is each's own.
    With l_d the logit of domain d's discriminator and sp softplus, on independent examples x_d and one z for all domains:

    - discriminators: `sum_d E sp(-l_d(x_d)) + E sp(l_d(g_d(z)))` (V of Eq. 3);
    - generators: `sum_d E sp(-l_d(g_d(z)))`, on a fresh z.

    Domain adaptation: with `classes`, one domain s has labels y. A classifier c on the last hidden layer h of the shared discriminator and
    the discriminators minimize, in addition,
    `classification_weight * CE(c(h_s(x_s)), y) + feature_weight * sum_{d != s} E |h_s(g_s(z)) - h_d(g_d(z))|^2`;
    `classify` then judges examples of any domain.

    Args:
        data_shape: dict of domain name to the shape of one example, such as `{"digits": (28, 28, 1), "edges": (28, 28, 1)}`. May be left
            out when both networks are given.
        generator: `keras.Model` from `(batch, latent_size)` to a dict of domain to examples. Default: `kgan.networks.coupled.generator`,
            the paper's. Networks of your own are joined by `kgan.networks.coupled.CoupledGenerator`.
        discriminator: `kgan.networks.coupled.CoupledDiscriminator`. Default: `kgan.networks.coupled.discriminator`, the paper's.
        architecture: "mnist", "faces" or "small", default by the images' size; see there.
        shared_generator_layers, shared_discriminator_layers: the paper's k and l; default: all but the domains' own, as in the paper.
            0 gives separate networks. What ties the domains together is k.
        width: default 1.0 (the paper's), factor of the default networks' channel counts.
        epsilon: default 1e-5 (the authors'), of batch norm; narrow networks want 1e-3.
        objective: `kgan.objectives.Objective` or its name, default "non_saturating" (the paper's).
        classes: default None: no adaptation. A number: classes of the labeled domain.
        labeled: name of the domain with labels, default the first of `data_shape`.
        classifier: `keras.Model` from the input of the shared discriminator's last layer to `classes` logits; default one dense layer.
        classification_weight: default 20.0 (the authors' second code, 10 beside half of this loss; in their first 2).
        feature_weight: default 0.02 (both of the authors' codes; the paper does not have the term).
        dropout: rate behind the default discriminator's dense layer; default its own 0.5, with `classes` 0 (the authors').
        weight_decay: default 1e-3 (the authors' second code, 5e-4 beside half of this loss; their first has 2e-3 for digits, 4e-4 for
            faces): `weight_decay / 2 * |W|^2` over the kernels of the player that moves (the classifier's with the discriminator's), no
            biases, slopes or offsets.
        latent_size: default 100 (the paper's). prior: default `Uniform(-1, 1)` (the paper's).
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input of `fit`: a dict of domain to examples, float32, images in [-1, 1]. Domains need not have equally many examples, and examples of
    one index have nothing to do with each other: `kgan.datasets.unpaired` makes minibatches in which every domain cycles on its own. With
    `classes` the labels of the labeled domain come beside the dict. Output of `generate`: a dict of domain to `(count, *shape)`; rows of
    one index come from one z. Metrics given to `compile` would be handed such a dict; compute them from `generate` instead.

    Logs: `discriminator/adversarial`, `discriminator/real_logit`, `discriminator/fake_logit` (means over the domains),
    `generator/adversarial`, `*/weight_decay`; with `classes` `discriminator/classification`, `discriminator/features` and
    `discriminator/accuracy` (on labeled examples).

    Default optimizers: Adam(2e-4, beta_1 0.5) (the paper's).

    Raises:
        ValueError: for fewer than two domains, layers that cannot be shared, networks that do not fit each other, data of another shape or
            range or without labels.

    Departures from the paper: both players' losses are sums over the domains, as printed. The authors' second code averages over the joint
    batch, which is half for two domains, their first over real and generated examples too, a quarter: weights beside them are two and four
    times here what is written there. Two logits and a softmax there are one logit here. Images are in [-1, 1], converted at the borders of
    networks that work in [0, 1]. The classifier's labels belong to one domain. The sharing of the face networks is not printed; see
    `kgan.networks.coupled`.

    Example: two domains of points, the second the first mirrored.

    >>> import numpy as np, kgan
    >>> from kgan.networks import coupled, mlp
    >>> trunk, back = mlp.discriminator((2,), (8,), outputs=8), mlp.discriminator((8,), (8,), name="trunk")
    >>> model = kgan.CoGAN(
    ...     generator=coupled.CoupledGenerator(trunk, {d: mlp.generator((1,), 8, ()) for d in ("left", "right")}),
    ...     discriminator=coupled.CoupledDiscriminator({d: mlp.discriminator((1,), (), outputs=8) for d in ("left", "right")}, back),
    ...     seed=0,
    ... )
    >>> model.compile()
    >>> right = np.random.default_rng(0).exponential(size=(256, 1)).astype("float32")
    >>> data = kgan.datasets.unpaired({"left": -right[:100], "right": right[100:]}, batch_size=32)
    >>> history = model.fit(data, verbose=0)
    >>> {domain: x.shape for domain, x in model.generate(5, seed=1).items()}
    {'left': (5, 1), 'right': (5, 1)}
    """

    default_latent_size = 100
    default_prior = Uniform(-1.0, 1.0)

    def __init__(
        self,
        data_shape: Shapes | None = None,
        *,
        generator: BuiltNetwork | None = None,
        discriminator: BuiltNetwork | None = None,
        architecture: str | None = None,
        shared_generator_layers: Natural | None = None,
        shared_discriminator_layers: Natural | None = None,
        width: Positive = 1.0,
        epsilon: Positive = 1e-5,
        objective: objectives.ObjectiveLike = "non_saturating",
        classes: Several | None = None,
        labeled: str | None = None,
        classifier: Network | None = None,
        classification_weight: NonNegative = 20.0,
        feature_weight: NonNegative = 0.02,
        dropout: NonNegative | None = None,
        weight_decay: NonNegative = 1e-3,
        latent_size: Count | None = None,
        **kwargs: Any,
    ) -> None:
        shapes = _shapes(data_shape, discriminator)
        dropout = 0.0 if classes is not None and dropout is None else dropout
        options: dict[str, Any] = {"architecture": architecture, "width": width, "epsilon": epsilon}
        if generator is None:
            latents = self.latents_of(None, latent_size)
            generator = coupled.generator(shapes, latents, shared=shared_generator_layers, **options)
        if discriminator is None:
            discriminator = coupled.discriminator(shapes, shared=shared_discriminator_layers, dropout=dropout, **options)
        super().__init__(shapes, generator=generator, latent_size=latent_size, **kwargs)
        _check_networks(shapes, generator, discriminator)
        self.architecture, self.width, self.epsilon, self.dropout = architecture, width, epsilon, dropout
        self.shared_generator_layers = shared_generator_layers
        self.shared_discriminator_layers = shared_discriminator_layers
        self.objective = objectives.get(objective)
        self.discriminator = discriminator
        self.weight_decay = weight_decay
        self.classes, self.labeled = classes, labeled
        self.classifier: keras.Model = classifier
        self.classification_weight, self.feature_weight = classification_weight, feature_weight
        self._trunk: Callable[[], Any] = lambda: discriminator.trunk
        if classes is not None:
            self._add_classifier(classes)

    def _add_classifier(self, classes: int) -> None:
        self.labeled = next(iter(self.data_shape)) if self.labeled is None else self.labeled
        if self.labeled not in self.data_shape:
            raise ValueError(f"`labeled` must be one of the domains {self.domains}. Received: {self.labeled!r}.")
        if self.discriminator.trunk is None:
            raise ValueError("The classifier sits on layers that the discriminators share, and these share none.")
        tapped = with_features(self.discriminator.trunk)
        self._trunk = lambda: tapped  # behind a function, so that Keras does not list the trunk a second time
        features = tuple(tapped.outputs[0].shape[1:])
        if self.classifier is None:
            self.classifier = mlp.discriminator(features, (), initializer="he_normal", outputs=classes, name="classifier")
        judged = tuple(self.classifier.compute_output_shape((None, *features)))[1:]
        if judged != (self.classes,):
            raise ValueError(f"The classifier must turn features {features} into {self.classes} logits. It returns {judged}.")

    @property
    def domains(self) -> list[str]:
        """Names of the domains, a list."""
        return list(self.data_shape)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(2e-4, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        players = ("discriminator",) if self.classes is None else ("discriminator", "classifier")
        return (
            Turn((Move("discriminator", players, self.discriminator_loss),)),
            Turn((Move("generator", ("generator",), self.generator_loss),), fresh=False),
        )

    def score(self, examples: Any) -> Any:
        """A list of dicts by domain: with `classes` the features that the classifier sees, and last the logits."""
        return self.discriminator.through(self._trunk(), examples, training=self.in_training)

    def discriminator_loss(self, batch: Any) -> Terms:
        real = {domain: batch[domain] for domain in self.domains}
        fake = self.generated(count_of(real[self.domains[0]]))
        *real_features, real_logits = self.score(real)
        *fake_features, fake_logits = self.score(fake)
        terms = {
            "adversarial": sum(self.objective.discriminator(real_logits[d], fake_logits[d]) for d in self.domains),
            "real_logit": Observation(_mean_over(real_logits)),
            "fake_logit": Observation(_mean_over(fake_logits)),
        }
        if self.classes is not None:
            logits = self.classifier(real_features[0][self.labeled], training=self.in_training)
            cross_entropy = objectives.class_cross_entropy(logits, batch["labels"])
            right = ops.equal(ops.argmax(logits, axis=-1), ops.cast(batch["labels"], "int32"))
            terms["classification"] = self.classification_weight * cross_entropy
            terms["features"] = self.feature_weight * self._feature_distance(fake_features[0])
            terms["accuracy"] = Observation(ops.mean(ops.cast(right, "float32")))
        return terms | self._decay(*self.turns()[0].moves[0].players)

    def _feature_distance(self, features: Mapping[Any, Tensor]) -> Tensor:
        """`sum_{d != s} E |h_s - h_d|^2` of corresponding generated examples: a sum over features, a mean over the batch."""
        first = backend.full_precision(features[self.labeled])
        others = [backend.full_precision(features[d]) for d in self.domains if d != self.labeled]
        return sum(ops.mean(ops.sum(ops.reshape(ops.square(first - h), (count_of(h), -1)), axis=-1)) for h in others)

    def generator_loss(self, batch: Any) -> Terms:
        logits = self.score(self.generated(count_of(batch[self.domains[0]])))[-1]
        terms = {"adversarial": sum(self.objective.generator(logits[domain]) for domain in self.domains)}
        return terms | self._decay("generator")

    def _decay(self, *players: str) -> Terms:
        if not self.weight_decay:
            return {}
        variables = [v for player in players for v in getattr(self, player).trainable_variables]
        return {"weight_decay": decay([v for v in variables if "kernel" in v.name], self.weight_decay)}

    # Data ------------------------------------------------------------------------------------------------------------

    def unpack(self, data: Any) -> Any:
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        return {**x, "labels": y} if self.classes is not None and isinstance(x, dict) else x

    def check_data(self, batch: Any, shape: Sizes | None = None) -> None:
        check_domains(self, batch, self.data_shape, "" if self.classes is None else repr(self.labeled))
        if self.classes is not None:
            check_labels(batch["labels"], self.classes)

    def check_labels(self, x: Any, y: Any) -> None:
        if self.classes is not None:
            check_labels(y, self.classes)

    def labels_in_range(self, batch: Any) -> Tensor | bool:
        return True if self.classes is None else are_classes(batch["labels"], self.classes)

    def _check_domain(self, domain: str, classes: bool = False) -> None:
        if domain not in self.data_shape:
            raise ValueError(f"There is no domain {domain!r}. Domains: {self.domains}.")
        if classes and self.classes is None:
            raise ValueError("This model was built without `classes`; it has no classes to tell apart.")

    # Use -------------------------------------------------------------------------------------------------------------

    def classifier_of(self, domain: str) -> keras.Model:
        """The classifier of one domain, `keras.Model` from examples to logits `(batch, classes)`, with this model's own weights."""
        self._check_domain(domain, classes=True)
        examples = keras.Input(self.data_shape[domain], name="examples")
        trunk = self._trunk()
        features = keras.Model(trunk.input, trunk.outputs[0], name="features")(self.discriminator.stems[domain](examples))
        return keras.Model(examples, self.classifier(features), name=f"{domain}_classifier")

    def classify(self, examples: Array, domain: str, batch_size: int = 256) -> Array:
        """Class probabilities, in inference mode and with averaged weights if the model keeps averages.

        Args:
            examples: array `(count, *shape)` of the domain. domain: its name. batch_size: examples computed at once.

        Returns:
            NumPy array `(count, classes)`.
        """
        self._check_domain(domain, classes=True)

        def probabilities(x: Tensor) -> Tensor:
            features = self.discriminator.through(self._trunk(), {domain: x})[0][domain]
            return ops.softmax(ops.cast(self.classifier(features, training=False), "float32"))

        return self.in_inference(probabilities, examples, batch_size=batch_size)

    def invert(
        self,
        examples: Array,
        domain: str,
        restarts: int = 4,
        steps: int = 200,
        learning_rate: float = 0.05,
        seed: int | None = None,
        batch_size: int = 256,
    ) -> tuple[Array, Array]:
        """Latents whose examples come close to given ones: `argmin_z |g_d(z) - x|^2` by gradient descent.

        Adam (0.9, 0.99) from several draws of the prior, the best of which counts; with a `Uniform` prior latents are kept in its interval.

        Args:
            examples: array `(count, *shape)` of the domain. domain: its name.
            restarts: >= 1, default 4. steps: >= 1, default 200. learning_rate: > 0, default 0.05, falling linearly to 0.
            seed: of the draws. batch_size: searches made at once.

        Returns:
            `(latents, errors)`: NumPy arrays `(count, latent_size)` and `(count,)`, the mean squared error of a pixel.

        Departures from the paper: it uses L-BFGS, and does not say whether latents may leave the prior's interval.
        """
        self._check_domain(domain)
        examples = np.asarray(examples)
        super().check_data(examples, self.data_shape[domain])
        if min(restarts, steps) < 1 or not learning_rate > 0:
            raise ValueError(
                "`restarts` and `steps` must be >= 1 and `learning_rate` > 0. Received: "
                f"{restarts!r}, {steps!r}, {learning_rate!r}."
            )
        draws = self.generator_inputs(len(examples) * restarts, seed=self.generation_noise if seed is None else seed)
        draws, targets = ops.convert_to_numpy(draws), np.repeat(examples, restarts, axis=0)

        def search(starts: Tensor, targets: Tensor) -> Tensor:
            return self._descend(starts, targets, domain, steps, learning_rate)

        found = self.in_inference(search, draws, targets, batch_size=batch_size).reshape(len(examples), restarts, -1)
        best = found[np.arange(len(examples)), found[..., -1].argmin(axis=1)]
        return best[:, :-1], best[:, -1]

    def _descend(self, z: Tensor, targets: Tensor, domain: str, steps: int, rate: float) -> Tensor:
        """Latents and, in a last column, the errors they reach, by Adam; its second moment forgets soon, for the search is short."""
        low, high = (self.prior.low, self.prior.high) if isinstance(self.prior, Uniform) else (-np.inf, np.inf)

        def distance(points: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
            made = backend.full_precision(self.generator(points[0], training=False)[domain])
            errors = ops.mean(ops.reshape(ops.square(made - targets), (len(targets), -1)), axis=-1)
            return ops.sum(errors), errors

        mean = square = ops.zeros_like(z)
        for step in range(1, steps + 1):
            (gradient,) = backend.value_and_gradients(distance, [z])[1]
            mean, square = 0.9 * mean + 0.1 * gradient, 0.99 * square + 0.01 * ops.square(gradient)
            move = mean / (1 - 0.9**step) / (ops.sqrt(square / (1 - 0.99**step)) + 1e-8)
            z = ops.clip(z - rate * (1 - (step - 1) / steps) * move, low, high)
        return ops.concatenate([z, distance([z])[1][:, None]], axis=-1)

    def transform(self, examples: Array, source: str, target: str, **kwargs: Any) -> tuple[Array, Array]:
        """Examples of one domain as they would look in another: `g_target(z)` of the latents that `invert` finds for them.

        Args:
            examples: array `(count, *shape)` of the domain `source`. source, target: names of domains.
            **kwargs: `restarts`, `steps`, `learning_rate`, `seed`, `batch_size` of `invert`.

        Returns:
            `(transformed, errors)`: NumPy arrays `(count, *shape of target)`, and `(count,)`, the mean squared error of a pixel between the
            examples and `g_source(z)`: where it is large, the generator does not reach the example, and its transform means little.
        """
        self._check_domain(target)
        latents, errors = self.invert(examples, source, **kwargs)
        return self.predict(latents, batch_size=min(len(latents), 256), verbose=0)[target], errors


def _mean_over(logits: Mapping[str, Tensor]) -> Tensor:
    return ops.mean(ops.stack([ops.mean(backend.full_precision(value)) for value in logits.values()]))


def _shapes(data_shape: Any, discriminator: keras.Model | None) -> dict[str, tuple[int, ...]]:
    if data_shape is None and isinstance(discriminator, coupled.CoupledDiscriminator):
        data_shape = discriminator.shapes
    if not isinstance(data_shape, dict) or len(data_shape) < 2:
        raise ValueError(
            'Several domains are needed: `data_shape` must be a dict such as {"digits": (28, 28, 1), "edges": (28, 28, 1)}. '
            f"Received: {data_shape!r}."
        )
    if "labels" in data_shape or not all(isinstance(domain, str) and domain for domain in data_shape):
        raise ValueError(f"Domains need names, other than 'labels'. Received: {list(data_shape)}.")
    return {domain: tuple(shape) for domain, shape in data_shape.items()}


def _check_networks(shapes: Mapping[str, Sizes], generator: keras.Model, discriminator: keras.Model) -> None:
    if not isinstance(discriminator, coupled.CoupledDiscriminator):
        raise TypeError(
            "`discriminator` must be a kgan.networks.coupled.CoupledDiscriminator: a stem for every domain and a trunk. Received: "
            f"{type(discriminator).__name__}."
        )
    made = generator.compute_output_shape((None, generator.input_shape[-1]))
    made = {domain: tuple(shape)[1:] for domain, shape in made.items()} if isinstance(made, dict) else tuple(made)
    for player, own in (("generator", made), ("discriminator", discriminator.shapes)):
        if own != shapes:
            raise ValueError(f"The {player} is for {own}, the domains are {shapes}.")
