"""Boosting generative models: Tolstikhin, Gelly, Bousquet, Simon-Gabriel, Schoelkopf, NIPS 2017, arXiv 1701.02386."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Real
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import backend
from kgan.arguments import Count, Network, Positive, Shape
from kgan.callbacks import fit_in_parts
from kgan.engine import Rule
from kgan.families.dcgan import DCGAN
from kgan.families.gan import GAN
from kgan.networks import mlp
from kgan.programs import boosting
from kgan.programs.mixture import Mixture, copy, restart
from kgan.programs.ratio import RatioClassifier
from kgan.types import Array, Logs

_AUTHORS_EPOCHS = 15  # of 64,000 examples in minibatches of 64: 15,000 updates
# Rounds of a component below which a fit that shares its epochs warns: after 210 each the default had learned nothing of 8x8 digits
# (distance 30), after 2,240 it had (3.3).
_LEAST_ROUNDS = 1000


@keras.saving.register_keras_serializable("kgan")
class AdaGAN(Mixture):
    """A mixture of generators, trained one after another, each on data weighted towards what the mixture still misses (Algorithm 1).

    It takes as long as its components together: ten by default, each of which needs the thousands of rounds of a system of its own.

    Every component is a system of its own, trained from a new start for as many epochs as the others. Before component t > 1 a new
    classifier learns to tell the data, uniformly drawn, from samples of the mixture of the t - 1 components before it. Its logit l gives
    the ratio `r = dP_g / dP_d = exp(-l)` at every training example, and the ratios the weights `W` of Theorem 1,
    `W_i = (lambda* - (1 - beta) r_i)_+ / (beta N)`. Component t sees minibatches drawn with replacement by W, and enters the mixture with
    the share `beta_t`; the shares of the others are multiplied by `1 - beta_t`. Component 1 is trained as it would be alone.

    `fit` trains on from where the program stands; all of it takes `total_epochs`, which the first `fit` settles. The component in
    training already counts in `generate`, which draws the component of every example by the shares, or from chosen ones:
    `generate(64, condition=0)`. The whole is one model with one file; its weights hold all generators.

    Args:
        data_shape: shape of one example. May be left out when `component` is given.
        component: a family of `kgan` with a player `generator`, not compiled; its game is the one of every component. Default, for
            points: `kgan.GAN` with two hidden layers of 32 ReLU in both networks and 5 latents; for images:
            `kgan.DCGAN(filters=64)` (the authors' code).
        components: default 10 (the paper's T).
        beta: None (default): 1/t, all shares equal in the end; a float in (0, 1) from the second component on; or a callable
            `(t, ratios) -> float`, such as `kgan.programs.boosting.WeightedShare(0.5)`.
        weighting: "optimal" (default), "dagger" (Theorem 2), "topk" (the half that is covered least), "uniform" (bagging; no classifier is
            trained unless `beta` asks for ratios), or a callable `(ratios, beta) -> (weights, multiplier)`. A callable is saved by name:
            register it with Keras.
        epochs_per_component: default None: an even share of the first `fit`'s epochs, so that it trains all components, whatever the
            size of the data; 15 (the authors', of 64,000 examples) where the first `fit` has fewer epochs than there are components, which
            warns: it ends before the last of them. It warns, too, where an even share is below 1,000 rounds, which tell a component
            little. A number stays as it is given, and nothing warns.
        classifier: `keras.Model` from examples to logits `(batch, 1)`, of which every step trains a new copy. Default: the
            discriminator's shape.
        classifier_epochs: default 5 (the authors'), each on new samples. Too many let it memorize the data, and the ratios go
            to 0.
        classifier_learning_rate: default 1e-3, of Adam.
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input of `fit`: examples, as an array or a data set of minibatches, which is read into memory; labels beside them are ignored. Output
    of `generate`: `(count, *data_shape)`.

    Logs: those of the component. `records` has beta, multiplier, share of examples without weight, and the classifier's loss for every
    component begun.

    Raises:
        ValueError: for a component that is compiled or trains in several parts itself, sizes below 1, a beta outside (0, 1).

    Departures from the paper: Adam instead of SGD, and wider toy networks (the authors' have 16 and 16 units). Minibatches are drawn with
    replacement, as the weights ask for; the authors' code draws without. Samples for the classifier are new in every epoch, the code
    keeps a store. Initializers with a fixed seed give every component the same start: leave their seeds out.

    Example:
    >>> import kgan
    >>> model = kgan.AdaGAN((2,), components=2, epochs_per_component=1, classifier_epochs=1, seed=0)
    >>> model.compile()
    >>> points = kgan.datasets.ring().sample(256, seed=0)
    >>> history = model.fit(points, batch_size=64, epochs=model.total_epochs, verbose=0)
    >>> model.shares.tolist(), model.generate(5, seed=0).shape
    ([0.5, 0.5], (5, 2))
    """

    fixed_arguments = ("figures",)

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        component: Any = None,
        components: Count = 10,
        beta: float | Callable[..., float] | None = None,
        weighting: str | Callable[..., tuple[Array, float]] = "optimal",
        epochs_per_component: Count | None = None,
        classifier: Network | None = None,
        classifier_epochs: Count = 5,
        classifier_learning_rate: Positive = 1e-3,
        **kwargs: Any,
    ) -> None:
        if not (beta is None or callable(beta) or (isinstance(beta, Real) and 0.0 < beta < 1.0)):
            raise ValueError(f"`beta` must be None (1/t), a number between 0 and 1, or a callable. Received: {beta!r}.")
        if not callable(weighting) and not (isinstance(weighting, str) and weighting in boosting.WEIGHTINGS):
            raise ValueError(f"`weighting` must be a callable or one of {list(boosting.WEIGHTINGS)}. Received: {weighting!r}.")
        component = _default_component(data_shape, kwargs.get("seed")) if component is None else component
        super().__init__(component, components, ("beta", "multiplier", "zero_share", "classifier_loss"), **kwargs)
        if data_shape is not None and tuple(data_shape) != self.data_shape:
            raise ValueError(f"`data_shape` is {tuple(data_shape)}, the component makes examples of shape {self.data_shape}.")
        self.beta = beta
        self.weighting = weighting
        self.epochs_per_component = epochs_per_component
        self.classifier = classifier
        self.classifier_epochs = classifier_epochs
        self.classifier_learning_rate = classifier_learning_rate
        self._check_classifier()
        self._epochs_done = self.add_weight((), "zeros", "int32", trainable=False, name="epochs_of_component")
        length = keras.initializers.Constant(_AUTHORS_EPOCHS if epochs_per_component is None else epochs_per_component)
        self._epochs_each = self.add_weight((), length, "int32", trainable=False, name="epochs_of_every_component")
        self.record(beta=1.0, multiplier=1.0, zero_share=0.0, classifier_loss=0.0)

    def _check_classifier(self) -> None:
        judge = getattr(self.component, "discriminator", None) if self.classifier is None else self.classifier
        if judge is None or tuple(judge.compute_output_shape((None, *self.data_shape)))[1:] not in ((1,), ()):
            raise ValueError(
                f"AdaGAN needs a `classifier` from examples {self.data_shape} to one logit; the discriminator of "
                f"{type(self.component).__name__} cannot be copied for it." if self.classifier is None else
                f"The classifier must return one logit per example {self.data_shape}, (batch, 1)."
            )  # fmt: skip

    def compile(
        self,
        optimizers: Mapping[str, Any] | None = None,
        metrics: Sequence[Any] | None = None,
        averages: Mapping[str, float] | None = None,
        rule: Rule | None = None,
        **kwargs: Any,
    ) -> None:
        super().compile(optimizers, metrics, averages, rule, **kwargs)
        self._judge = _Judge()

    # The program -----------------------------------------------------------------------------------------------------

    @property
    def total_epochs(self) -> int:
        """Epochs of the whole program."""
        return self.components * int(ops.convert_to_numpy(self._epochs_each))

    @property
    def part_complete(self) -> bool:
        """Whether the next component is due."""
        return self.step + 1 < self.components and bool(ops.convert_to_numpy(self._epochs_done >= self._epochs_each))

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        batch_size: int | None = None,
        epochs: int = 1,
        initial_epoch: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
        verbose: Any = "auto",
        sampling_weights: None = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """As `kgan.AdversarialModel.fit`; begins the next component when the one before has had its epochs.

        Args:
            epochs: default 1, over all components, which share those of the first `fit` (`epochs_per_component`). After `total_epochs`
                the last one trains on.
            others: as there, except `y` and `sampling_weights`: labels are ignored, weights are the program's own.
        """
        self._require_compiled("fit")
        if sampling_weights is not None:
            raise ValueError("AdaGAN weights the examples itself; leave `sampling_weights` out.")
        data = _in_memory(x)
        batch_size = min(batch_size or 64, len(data)) if not hasattr(x, "element_spec") else len(next(iter(_batches(x))))

        planned = epochs - initial_epoch
        begun = self.step or int(ops.convert_to_numpy(self._epochs_done))
        if self.epochs_per_component is None and not begun:
            self._share_out(planned, kwargs.get("steps_per_epoch") or len(data) // batch_size // self.minibatches_per_round)

        def part(callbacks: Sequence[keras.callbacks.Callback], start: int) -> None:
            if self.part_complete:
                self.start_anew()
                self._epochs_done.assign(0)
            weights = self._weigh(data, batch_size, verbose) if self.step else None
            super(AdaGAN, self).fit(
                data, batch_size=batch_size, epochs=epochs, initial_epoch=start, callbacks=[_CountEpochs(), *callbacks],
                verbose=verbose, sampling_weights=weights, **kwargs,
            )  # fmt: skip

        return fit_in_parts(self, part, epochs=epochs, initial_epoch=initial_epoch, callbacks=callbacks, verbose=verbose)

    def _share_out(self, epochs: int, rounds: int) -> None:
        """Give every component an even share of a first `fit`, of so many rounds an epoch, and tell where that is too little."""
        if epochs < self.components:
            warnings.warn(
                f"This fit ends before the last component: {self.components} components take {self.total_epochs} epochs, "
                f"{_AUTHORS_EPOCHS} each, and it has {epochs}. Give it more, call fit again, or set `epochs_per_component`.",
                stacklevel=3,
            )
            return
        self._epochs_each.assign(epochs // self.components)
        each = epochs // self.components * int(rounds)
        if each < _LEAST_ROUNDS:
            warnings.warn(
                f"Every one of {self.components} components has {each} rounds of this fit; below {_LEAST_ROUNDS} it learns little. Give "
                "more epochs, make fewer `components`, or set `epochs_per_component` where so few are meant.",
                stacklevel=3,
            )

    def _weigh(self, data: Array, batch_size: int, verbose: Any) -> Array:
        """The weights of the examples for the component in training, and its share if that is not settled yet.

        A function of the components before it, the data and the model's seed, so that a resumed run finds the same weights.
        """
        step = self.step
        weighting = boosting.WEIGHTINGS[self.weighting] if isinstance(self.weighting, str) else self.weighting
        ratios, loss = np.ones(len(data)), 0.0
        if weighting is not boosting.uniform or callable(self.beta):
            ratios, loss = self._ratios(data, batch_size)
        beta = self.records[step]["beta"] or (1.0 / (step + 1) if self.beta is None else self.beta)
        # In the precision in which it is kept, so that a resumed run has the same.
        beta = float(np.float32(beta(step + 1, ratios) if callable(beta) else beta))
        if not 0.0 < beta < 1.0:
            raise ValueError(f"`beta` must return a number between 0 and 1. Received: {beta!r} for component {step + 1}.")
        try:
            weights, multiplier = weighting(ratios, beta)
        except ValueError as error:
            warnings.warn(f"Component {step + 1} is trained on uniform weights: {error}", stacklevel=2)
            weights, multiplier = boosting.uniform(np.ones(len(data)), beta)
        self.record(beta=beta, multiplier=multiplier, zero_share=(weights == 0).mean(), classifier_loss=loss)
        if verbose:
            unweighted = (weights == 0).mean()
            print(f"Component {step + 1} of {self.components}: share {beta:.3f}, {unweighted:.1%} of the examples without weight")
        return weights

    def _ratios(self, data: Array, batch_size: int) -> tuple[Array, float]:
        """`dP_g / dP_d` of the mixture of the past components at the examples, and the classifier's last loss."""
        with self.numbers_of(-self.step), backend.strategy_scope(self):
            network = copy(self.discriminator if self.classifier is None else self.classifier)
            fresh = RatioClassifier(
                network, learning_rate=self.classifier_learning_rate, seed=self.number(-self.step), dtype=self.dtype_policy
            )
            fresh.compile(steps_per_execution=self.steps_per_execution, run_eagerly=self.run_eagerly)
        # One object for all steps, so that its round is traced once.
        classifier = self._judge.classifier = self._judge.classifier or fresh
        classifier.seed, classifier.epochs_played = fresh.seed, 0
        restart([*classifier.variables, *classifier.optimizer.variables], [*fresh.variables, *fresh.optimizer.variables])
        past = np.append(self.shares_until(self.step - 1), 0.0)
        for epoch in range(self.classifier_epochs):
            samples = self.generate(len(data), past, self.number(self.step) + 2 * epoch, batch_size=1024)
            history = classifier.fit((data, samples), batch_size=batch_size, epochs=epoch + 1, initial_epoch=epoch, verbose=0)
        return classifier.ratios(data), history.history["loss"][-1]


class _Judge:
    """Keeps the classifier between steps, out of Keras' sight: it is no part of the model."""

    classifier: RatioClassifier | None = None


class _CountEpochs(keras.callbacks.Callback):
    """Counts the epochs of a component, before anything is saved."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        count = self.model._epochs_done
        count.assign(ops.convert_to_numpy(count) + 1)


def _batches(x: Any) -> Iterator[Array]:
    for batch in x:
        yield ops.convert_to_numpy(keras.tree.flatten(batch)[0])


def _in_memory(x: Any) -> Array:
    if hasattr(x, "shape"):
        return np.asarray(x)
    if keras.tree.is_nested(x):
        raise ValueError(f"AdaGAN takes one array of examples, or a data set of minibatches. Received: {type(x).__name__}.")
    return np.concatenate(list(_batches(x)))


def _default_component(data_shape: Sequence[int] | None, seed: int | None) -> GAN:
    if data_shape is None:
        raise ValueError("AdaGAN needs the shape of one example, such as `data_shape=(2,)`, or a `component`.")
    if len(data_shape) == 3:
        return DCGAN(tuple(data_shape), filters=64, seed=seed)
    hidden = (32, 32)
    return GAN(
        tuple(data_shape),
        generator=mlp.generator(data_shape, 5, hidden),
        discriminator=mlp.discriminator(data_shape, hidden),
        seed=seed,
    )
