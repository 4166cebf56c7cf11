"""The table of families: one row each. A family without a row fails the suite.

Everything in `test_conformance.py` follows from a row.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import keras
import numpy as np

import kgan
from kgan.networks import optical_flow, video


class Adam(NamedTuple):
    learning_rate: float
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    global_clipnorm: float | None = None


class SGD(NamedTuple):
    learning_rate: float


class RMSprop(NamedTuple):
    learning_rate: float
    rho: float
    epsilon: float


class Defaults(NamedTuple):
    """Optimizers that `compile()` takes, move by move, and whose they are."""

    moves: dict
    source: str


@dataclass(frozen=True)
class Spec:
    """One configuration of a family, small enough for a round to take milliseconds.

    Attributes:
        family: the class.
        build: `() -> model`, not compiled, weights from the global seed.
        example: shape of one example, or a dict of domain to shape.
        schedule: optimizer steps of every move in one round.
        terms: names of the terms that are minimized, `<move>/<term>`.
        smallest_batch: examples of the smallest legal minibatch.
        tolerance: largest difference of a weight after one round between backends.
        classes: number of classes of a semi-supervised game or an adaptation, None for games without labels.
        averaged: name of the player whose average samples are drawn with.
        arguments: `(rng, count) -> tuple of arguments of fit`, for data that are not images in [-1, 1].
        default: what `benchmarks.defaults` runs, in one row of every family: a kind of data, and `(seed) -> model` as briefly as a user
            would make it.
        optimizers: the default ones, in one row of every family; see `tests/families/test_default_optimizers.py`.
        conditional: whether samples need a condition, which the first of these arguments then is.
        replicas: why its update on replicas is not that of one device, where it is not.
    """

    family: type
    build: Callable
    example: tuple | dict
    schedule: dict
    terms: set = field(default_factory=lambda: {"discriminator/adversarial", "generator/adversarial"})
    smallest_batch: int = 1
    tolerance: float = 1e-4
    classes: int | None = None
    averaged: str = "generator"
    arguments: Callable | None = None
    conditional: bool = False
    default: tuple[str, Callable] | None = None
    optimizers: Defaults | None = None
    replicas: str | None = None

    def data(self, count, seed=0):
        """Arguments of `fit`: a tuple of examples, and of labels where there are classes."""
        rng = np.random.default_rng(seed)
        if self.arguments is not None:
            return self.arguments(rng, count)

        def examples(shape=self.example):
            if isinstance(shape, dict):
                return {domain: examples(own) for domain, own in shape.items()}
            return rng.uniform(-1, 1, (count, *shape)).astype("float32")

        if self.classes is None:
            return (examples(),)
        if isinstance(self.example, dict):
            return examples(), rng.integers(0, self.classes, count)
        return {"unlabeled": examples(), "labeled": examples()}, rng.integers(0, self.classes, count)

    def samples(self, model, count, seed):
        """Generated examples."""
        return model.generate(count, condition=self.data(count)[0] if self.conditional else None, seed=seed)

    @property
    def images(self):
        """Whether examples are images or volumes."""
        shapes = self.example.values() if isinstance(self.example, dict) else [self.example]
        return any(len(shape) >= 3 for shape in shapes)


IMAGE = (8, 8, 1)
POINTS = {"line": (1,), "plane": (2,), "space": (3,)}
RGBD = {"color": (8, 8, 3), "depth": IMAGE}
ONE_TO_ONE = {"discriminator": 1, "generator": 1}
LABELED = {f"{move}/{term}" for move in ONE_TO_ONE for term in ("adversarial", "labeler", "anti_labeler")}
STEGANOGRAPHY = {"eve/adversarial", *(f"alice_bob/{term}" for term in ("image", "message", "adversarial"))}
DUAL = {"discriminator/forward", "discriminator/reverse", "generator/adversarial"}
FISHER = {"generator/adversarial", *(f"discriminator/{term}" for term in ("adversarial", "constraint", "weight_decay"))}
TRIPLE = {"discriminator": 1, "generator": 1, "classifier": 1}
TRIPLE_TERMS = {
    "discriminator/adversarial", "generator/adversarial", *(f"classifier/{t}" for t in ("supervised", "adversarial", "generated"))
}  # fmt: skip
STRUCTURED = {"classifier": 1, "discriminator": 1, "encoder": 1, "generator": 1}
STRUCTURED_TERMS = {
    "classifier/supervised", "classifier/generated", "discriminator/adversarial", "discriminator/latents", "encoder/adversarial",
    "encoder/reconstruction", *(f"generator/{term}" for term in ("adversarial", "latents", "reconstruction", "classes")),
}  # fmt: skip
TWO_GAMES = {"discriminator": 0.5, "generator": 0.5, "classifier": 0.5, "matcher": 0.5}
CLASSIFIER_TERMS = {f"classifier/{term}" for term in ("supervised", "adversarial", "tangents", "jacobian")}
PIXELGAN = {"autoencoder": 1, "discriminator": 1, "encoder": 1}
CATEGORICAL = {
    "discriminator/generated", *(f"{move}/{term}" for move in ONE_TO_ONE for term in ("conditional", "marginal", "weight_decay"))
}  # fmt: skip
REGULARIZED = {"discriminator/adversarial", "generator/adversarial"}
MANIFOLD = {"manifold_discriminator": 1, "manifold": 1, **ONE_TO_ONE}
THREE_PLAYERS = ("discriminator", "generator", "classifier")
THREE_MOVES = {"denoiser": 1, **ONE_TO_ONE}
DENOISED = {"discriminator/adversarial", "denoiser/denoising", "generator/adversarial", "generator/feature_denoising"}
INFORMATION = {f"{move}/{term}" for move in ONE_TO_ONE for term in ("adversarial", "information")}


PIXELGAN_OPTIMIZERS = {"autoencoder": Adam(1e-3), "discriminator": Adam(3e-3, 0.5), "encoder": Adam(1e-3, 0.5)}
STORY_OPTIMIZER = Adam(2e-4, 0.8, 0.999, 1e-8, 10.0)
# Reasons of `Spec.replicas`; docs/scale.md says so.
DROPOUT, MINIBATCH, WEIGHTS = "dropout", "a statistic of the replica's own examples", "noise for weights, not for examples"
SECOND = "second derivatives through synchronized batch norm: 2e-5 apart after steps of 8e-3"


def both(optimizer, *moves):
    return dict.fromkeys(moves or ("discriminator", "generator"), optimizer)


def progan(phase=0, **kwargs):
    model = kgan.ProGAN(IMAGE, images_per_phase=100, base_maps=8, max_maps=4, latent_size=4, group_size=3, seed=0, **kwargs)
    model.grow_to(phase)
    return model


def batch_norm(name):
    return keras.layers.BatchNormalization(name=name)


def causal_began():
    model = kgan.CausalBEGAN(kgan.causal.structural_model("faces"), IMAGE, filters=2, noise_size=3, seed=0)
    model._factors.assign([0.5, 0.5, 0.5])  # from 0, where they start, terms are dead until the margins open
    return model


def dual_agents():
    judge = kgan.networks.autoencoders.perceptron(IMAGE, (6, 4), (6,), "elu", classes=3)
    model = kgan.DualAgentGAN(classes=3, filters=2, blocks=1, discriminator=judge, seed=0)
    model._factors.assign([0.5])  # from 0, where it starts, its term is dead until the margin opens
    return model


def simulated_and_real(rng, count):
    domains = ("simulated", "real")
    return (
        {domain: rng.uniform(-1, 1, (count, *IMAGE)).astype("float32") for domain in domains},
        {domain: rng.integers(0, 3, count) for domain in domains},
    )


def triple_networks():
    return {
        "generator": kgan.networks.triple.perceptron_generator((5,), 4, 3, (6,)),
        "discriminator": kgan.networks.triple.perceptron_discriminator((5,), 3, (6,), (0.1, 0.1)),
        "classifier": kgan.networks.improved.perceptron_classifier((5,), 3, (6,), (0.1, 0.1), name="classifier"),
    }


def thresholded(*args, **kwargs):
    model = kgan.BadGAN(*args, **kwargs)
    model.threshold.assign(-1000.0)  # below all, so that the term is alive
    return model


def four(networks):
    return dict(zip(("generator", "discriminator", "labeler", "anti_labeler"), networks, strict=True))


def rollouts(rng, count):
    """Episodes of four steps in a world of no laws, the last one ended after two; and pairs of an expert."""
    alive = np.ones((count, 5), "float32")
    alive[-1, 3:] = 0.0
    shapes = {"observations": (5, 3), "actions": (4, 2), "expert_observations": (4, 3), "expert_actions": (4, 2)}
    drawn = {name: rng.normal(size=(count, *shape)).astype("float32") for name, shape in shapes.items()}
    return ({**drawn, "alive": alive, "intentions": np.eye(2, dtype="float32")[np.arange(count) % 2]},)


def coupled_points():
    """Three domains of points of different sizes, networks of a user's own."""
    mlp, coupled, shapes = kgan.networks.mlp, kgan.networks.coupled, POINTS
    return {
        "generator": coupled.CoupledGenerator(
            mlp.discriminator((3,), (6,), outputs=5, name="trunk"), {d: mlp.generator(s, 5, ()) for d, s in shapes.items()}
        ),
        "discriminator": coupled.CoupledDiscriminator(
            {d: mlp.discriminator(s, (), outputs=6) for d, s in shapes.items()}, mlp.discriminator((6,), (5,), name="trunk")
        ),
    }


def fixed_features():
    """A network that is at rest, with batch norm and dropout: called in training it would change, and be no function."""
    layers = [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(5, name="dense"), batch_norm("norm")]
    return keras.Sequential([*layers, keras.layers.Dropout(0.5, seed=3, name="dropout")], name="features")


def two_domains(rng, count):
    return (
        {domain: rng.uniform(-1, 1, (count, 8, 8, maps)).astype("float32") for domain, maps in (("source", 3), ("target", 1))},
    )


@functools.cache
def photo_features():
    """Of a classifier of digits on photographs, those of the proof."""
    from benchmarks.proofs.dtn import domains

    return kgan.networks.transfer.trained_features(*domains(0)["source"], width=0.25, epochs=8)


def three(networks):
    return dict(zip(("encoder", "generator", "discriminator"), networks, strict=True))


def labels(rng, count, columns=5):
    return rng.integers(0, 2, (count, columns))


def labeled_images(rng, count):
    return rng.uniform(-1, 1, (count, *IMAGE)).astype("float32"), labels(rng, count)


def classes_of(shape, classes=3):
    """Examples of some classes, and their labels."""
    return lambda rng, count: (rng.uniform(-1, 1, (count, *shape)).astype("float32"), rng.integers(0, classes, count))


AUXILIARY = {"discriminator/real_classes", "generator/classes"}


def binary_images(rng, count):
    return (rng.integers(0, 2, (count, 4, 4, 1)) * 2 - 1).astype("float32")


def voxels(rng, count, size=8):
    return (rng.random((count, size, size, size, 1)) < 0.2).astype("int8")


def albums(rng, count, photos=5, size=4, vocabulary=9, length=7):
    """Features of photos, and sentences of four to six words."""
    stories = rng.integers(2, vocabulary, (count, photos, length))
    stories[np.arange(length) >= rng.integers(4, length, (count, photos, 1))] = 0
    return rng.normal(size=(count, photos, size)).astype("float32"), stories


@keras.saving.register_keras_serializable("conformance")
class SharedWords:
    """A metric of stories: the share of places where a sample has the reference's word."""

    def __call__(self, samples, references):
        return ((samples == references) & (samples > 0)).mean((1, 2))

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


REINFORCED = {"policy/action", "policy/value", "policy/cross_entropy"}
STORIES = {"photo_size": 4, "sentence_length": 7, "units": 6, "seed": 0}
SHORT = {**STORIES, "num_photos": 3, "sentence_length": 6}


def short_albums(rng, count):
    return albums(rng, count, photos=3, length=6)


SPECS = {
    "GAN": Spec(
        kgan.GAN,
        lambda: kgan.GAN(
            (2,),
            generator=kgan.networks.mlp.generator((2,), 3, (8,), batch_norm=True),
            discriminator=kgan.networks.mlp.discriminator((2,), (8,)),
            seed=0,
        ),
        (2,),
        ONE_TO_ONE,
        default=("digits", lambda seed: kgan.GAN(IMAGE, seed=seed)),
        optimizers=Defaults(both(Adam(1e-3, 0.5)), "ours: the paper has momentum SGD"),
    ),
    "GAN, labels joined": Spec(
        kgan.GAN,
        lambda: kgan.GAN(
            (2,), classes=3, seed=0,
            generator=kgan.conditioning.Joined().enter(kgan.networks.mlp.generator((2,), 3, (8,)), 3),
            discriminator=kgan.conditioning.Joined("activation_0", 4).judge(kgan.networks.mlp.discriminator((2,), (8,)), 3),
        ),
        (2,),
        ONE_TO_ONE,
        arguments=classes_of((2,)),
    ),
    "GAN, minimax, simultaneous": Spec(
        kgan.GAN,
        lambda: kgan.GAN(
            (2,),
            generator=kgan.networks.mlp.generator((2,), 3, (8,)),
            discriminator=kgan.networks.mlp.maxout_discriminator((2,), (4, 4), 2),
            objective="minimax",
            simultaneous=True,
            prior=kgan.priors.Uniform(),
            seed=0,
        ),
        (2,),
        ONE_TO_ONE,
    ),
    "GAN with penalties": Spec(
        kgan.GAN,
        lambda: kgan.GAN(
            (2,),
            generator=kgan.networks.mlp.generator((2,), 3, (8,)),
            discriminator=kgan.networks.mlp.discriminator((2,), (8,), "tanh"),
            objective="wasserstein",
            penalties=[kgan.penalties.GradientPenalty(1.0), kgan.penalties.R1(1.0), kgan.penalties.Orthonormal(0.1)],
            discriminator_steps=2,
            seed=0,
        ),
        (2,),
        {"discriminator": 2, "generator": 1},
        {
            "discriminator/adversarial",
            "discriminator/gradient_penalty",
            "discriminator/r1",
            "discriminator/orthonormal",
            "generator/adversarial",
        },
    ),
    "SNGAN": Spec(
        kgan.SNGAN, lambda: kgan.SNGAN(IMAGE, width=0.05, latent_size=4, setting="D", discriminator_steps=2, seed=0), IMAGE,
        {"discriminator": 2, "generator": 1},
        default=("digits", lambda seed: kgan.SNGAN(IMAGE, seed=seed)),
    ),
    "SNGAN, augmented": Spec(
        kgan.SNGAN,
        # In two batches: draws belong to the places of examples, which replicas share otherwise when real and generated ones are joined.
        lambda: kgan.SNGAN(IMAGE, width=0.03, latent_size=4, augment="color,translation,cutout", joint_batch=False, seed=0),
        IMAGE,
        ONE_TO_ONE,
    ),
    "SNGAN, residual": Spec(
        kgan.SNGAN,
        lambda: kgan.SNGAN(IMAGE, architecture="resnet", width=0.03, latent_size=4, discriminator_steps=2, seed=0),
        IMAGE,
        {"discriminator": 2, "generator": 1},
        optimizers=Defaults(both(Adam(2e-4, 0.0, 0.9)), "pfnet-research/sngan_projection, configs (Chainer)"),
    ),
    "SNGAN, projection": Spec(
        kgan.SNGAN, lambda: kgan.SNGAN(IMAGE, width=0.05, latent_size=4, classes=["a", "b", "c"], seed=0), IMAGE, ONE_TO_ONE,
        arguments=classes_of(IMAGE),
    ),
    "DCGAN": Spec(
        kgan.DCGAN, lambda: kgan.DCGAN(IMAGE, filters=3, latent_size=4, weight_decay=1e-4, seed=0), IMAGE, ONE_TO_ONE,
        {"discriminator/adversarial", "discriminator/weight_decay", "generator/adversarial", "generator/weight_decay"},
        default=("digits", lambda seed: kgan.DCGAN(IMAGE, seed=seed)),
        optimizers=Defaults(both(Adam(2e-4, 0.5)), "Newmu/dcgan_code, train_uncond_dcgan.py, lib/updates.py (Theano)"),
    ),
    "DCGAN, 4x4 kernels": Spec(
        kgan.DCGAN, lambda: kgan.DCGAN(IMAGE, filters=3, latent_size=4, variant="torch", seed=0), IMAGE, ONE_TO_ONE,
    ),
    "ImprovedGAN": Spec(
        kgan.ImprovedGAN,
        lambda: kgan.ImprovedGAN(
            (16, 16, 1),
            generator=kgan.networks.improved.generator((16, 16, 1), 4, 2, reference_size=3),
            discriminator=kgan.networks.improved.classifier((16, 16, 1), 1, 3, minibatch_kernels=4),
            feature_matching=False, history_weight=0.1, generator_steps=2, seed=0,
        ),
        (16, 16, 1),
        {"discriminator": 1, "generator": 2},
        {"discriminator/adversarial", "discriminator/history", "generator/adversarial", "generator/history"},
        smallest_batch=2,
        default=("digits", lambda seed: kgan.ImprovedGAN(IMAGE, seed=seed)),
        replicas=MINIBATCH,
        optimizers=Defaults(
            both(Adam(3e-4, 0.5)),
            "openai/improved-gan, train_cifar_feature_matching.py, but for the epsilon's place",
        ),
    ),
    "ImprovedGAN, semi-supervised": Spec(
        kgan.ImprovedGAN,
        lambda: kgan.ImprovedGAN(
            (5,), classes=3,
            generator=kgan.networks.improved.perceptron_generator((5,), 4, (6, 6)),
            discriminator=kgan.networks.improved.perceptron_classifier((5,), 3, (8, 7), (0.1, 0.1, 0.1)),
            feature_layer="activation_1", seed=0,
        ),
        (5,),
        ONE_TO_ONE,
        {"discriminator/adversarial", "discriminator/supervised", "generator/feature_matching"},
        classes=3,
        replicas=DROPOUT,
    ),
    "WGAN": Spec(
        kgan.WGAN,
        lambda: kgan.WGAN(IMAGE, filters=3, latent_size=4, discriminator_steps=2, warmup=(1, 2, 4), seed=0),
        IMAGE,
        {"discriminator": 2, "generator": 0.5},
        default=("digits", lambda seed: kgan.WGAN(IMAGE, seed=seed)),
        optimizers=Defaults(
            both(RMSprop(5e-5, 0.99, 1e-16)),
            "martinarjovsky/WassersteinGAN, main.py (PyTorch: 1e-8 beside the root)",
        ),
    ),
    "WGANGP": Spec(
        kgan.WGANGP, lambda: kgan.WGANGP(IMAGE, width=0.03, latent_size=4, discriminator_steps=2, seed=0), IMAGE,
        {"discriminator": 2, "generator": 1},
        {"discriminator/adversarial", "discriminator/gradient_penalty", "generator/adversarial"},
        default=("digits", lambda seed: kgan.WGANGP(IMAGE, seed=seed)),
        optimizers=Defaults(
            both(Adam(1e-4, 0.0, 0.9)),
            "Algorithm 1; igul222/improved_wgan_training, gan_64x64.py (TensorFlow 1)",
        ),
    ),
    "WGANGP, auxiliary classifier": Spec(
        kgan.WGANGP,
        # A double minibatch of the generator would pair labels and latents otherwise on two replicas.
        lambda: kgan.WGANGP(IMAGE, width=0.03, latent_size=4, discriminator_steps=2, generator_batch=1, classes=3, seed=0),
        IMAGE,
        {"discriminator": 2, "generator": 1},
        {"discriminator/adversarial", "discriminator/gradient_penalty", "generator/adversarial", *AUXILIARY},
        arguments=classes_of(IMAGE),
    ),
    "WGANGP, consistency": Spec(
        kgan.WGANGP,
        lambda: kgan.WGANGP(
            IMAGE, architecture="dcgan", width=0.03, latent_size=4, discriminator_steps=2, consistency=2.0, seed=0
        ),
        IMAGE,
        {"discriminator": 2, "generator": 1},
        {"discriminator/adversarial", "discriminator/gradient_penalty", "discriminator/consistency", "generator/adversarial"},
        replicas=DROPOUT,
    ),
    "DRAGAN": Spec(
        kgan.DRAGAN, lambda: kgan.DRAGAN(IMAGE, filters=3, latent_size=4, seed=0), IMAGE, ONE_TO_ONE,
        {"discriminator/adversarial", "discriminator/gradient_penalty", "generator/adversarial"},
        default=("digits", lambda seed: kgan.DRAGAN(IMAGE, seed=seed)),
        optimizers=Defaults(both(Adam(1e-4, 0.5, 0.9)), "the authors' notebook (TensorFlow 1)"),
    ),
    "ProGAN": Spec(
        kgan.ProGAN, lambda: progan(start_resolution=8), IMAGE, ONE_TO_ONE,
        {"discriminator/adversarial", "discriminator/gradient_penalty", "discriminator/drift", "generator/adversarial"},
        default=("digits", lambda seed: kgan.ProGAN(IMAGE, seed=seed)),
        replicas=MINIBATCH,
        optimizers=Defaults(both(Adam(1e-3, 0.0, 0.99)), "tkarras/progressive_growing_of_gans, config.py (TensorFlow 1)"),
    ),
    "ProGAN, fading": Spec(
        kgan.ProGAN, lambda: progan(phase=1), IMAGE, ONE_TO_ONE,
        {"discriminator/adversarial", "discriminator/gradient_penalty", "discriminator/drift", "generator/adversarial"},
        replicas=MINIBATCH,
    ),
    "ProGAN, fading, classes": Spec(
        kgan.ProGAN, lambda: progan(phase=1, classes=3), IMAGE, ONE_TO_ONE,
        {
            "discriminator/adversarial", "discriminator/gradient_penalty", "discriminator/drift", "discriminator/fake_classes",
            "generator/adversarial", *AUXILIARY,
        },
        arguments=classes_of(IMAGE),
        replicas=MINIBATCH,
    ),
    "ThreeDGAN": Spec(
        kgan.ThreeDGAN,
        lambda: kgan.ThreeDGAN((8, 8, 8, 1), filters=3, latent_size=4, epsilon=1e-3, accuracy_gate=1.0, seed=0),
        (8, 8, 8, 1),
        ONE_TO_ONE,
        arguments=lambda rng, count: (voxels(rng, count),),
        default=("shapes", lambda seed: kgan.ThreeDGAN((16, 16, 16, 1), seed=seed)),
        optimizers=Defaults(
            {"discriminator": Adam(1e-5, 0.5), "generator": Adam(0.0025, 0.5)},
            "the paper; its ports; Lua torch",
        ),
    ),
    "ThreeDVAEGAN": Spec(
        kgan.ThreeDVAEGAN,
        lambda: kgan.ThreeDVAEGAN(
            (8, 8, 8, 1), image_shape=(16, 16, 1), filters=2, base=2, latent_size=4, epsilon=1e-3, accuracy_gate=0.0,
            reconstruction_weight=0.1, seed=0,
        ),
        (8, 8, 8, 1),
        {"discriminator": 0.5, "encoder": 1, "generator": 1},  # a gate of 0 shuts after the first round
        {
            "discriminator/adversarial", "encoder/divergence", "encoder/reconstruction", "generator/adversarial",
            "generator/reconstruction",
        },
        arguments=lambda rng, count: (
            {"shapes": voxels(rng, count), "views": rng.uniform(-1, 1, (count, 16, 16, 1)).astype("float32")},
        ),
        default=("shapes and views", lambda seed: kgan.ThreeDVAEGAN((16, 16, 16, 1), image_shape=(32, 32, 1), seed=seed)),
        optimizers=Defaults(
            {"discriminator": Adam(1e-5, 0.5), "generator": Adam(0.0025, 0.5), "encoder": Adam(1e-4, 0.5)},
            "as ThreeDGAN; the ports",
        ),
    ),
    "RenderGAN": Spec(
        kgan.RenderGAN,
        lambda: kgan.RenderGAN(kgan.layers.TagRenderer(16, radii=(5, 6)), noise_size=3, filters=2, seed=0),
        (16, 16, 1),
        ONE_TO_ONE,
        {"discriminator/adversarial", "generator/adversarial", "generator/regularization"},
        default=("tags", lambda seed: kgan.RenderGAN(kgan.layers.TagRenderer(), filters=8, seed=seed)),
        optimizers=Defaults(both(Adam(4e-4, 0.5)), "berleon/deepdecoder, rendergan configs (Keras 1); the paper has 2e-4"),
    ),
    "UnrolledGAN": Spec(
        kgan.UnrolledGAN,
        lambda: kgan.UnrolledGAN(
            (2,), steps=2,
            generator=kgan.networks.mlp.generator((2,), 3, (8,)),
            discriminator=kgan.networks.mlp.discriminator((2,), (8,), "tanh"), seed=0,
        ),
        (2,),
        ONE_TO_ONE,
        default=("digits", lambda seed: kgan.UnrolledGAN(IMAGE, seed=seed)),
        optimizers=Defaults(both(Adam(1e-4, 0.5)), "the paper's ring; epsilon of poolio/unrolled_gan (TensorFlow 1, Keras)"),
    ),
    "UnrolledGAN, images": Spec(
        kgan.UnrolledGAN,
        lambda: kgan.UnrolledGAN(
            IMAGE, steps=1, objective="non_saturating",
            generator=kgan.networks.unrolled.generator(IMAGE, 3, 2),
            discriminator=kgan.networks.unrolled.discriminator(IMAGE, 2), seed=0,
        ),
        IMAGE,
        ONE_TO_ONE,
        replicas=SECOND,
    ),
    "ConsensusGAN": Spec(
        kgan.ConsensusGAN, lambda: kgan.ConsensusGAN((2,), latent_size=3, seed=0), (2,), ONE_TO_ONE,
        default=("digits", lambda seed: kgan.ConsensusGAN(IMAGE, seed=seed)),
        optimizers=Defaults(
            both(RMSprop(1e-4, 0.9, 1e-10)),
            "LMescheder/TheNumericsOfGANs, experiments (TensorFlow 1: under the root, as Keras)",
        ),
    ),
    "GradientRegularizedGAN": Spec(
        kgan.GradientRegularizedGAN,
        lambda: kgan.GradientRegularizedGAN(
            (2,), generator=kgan.networks.mlp.generator((2,), 3, (8,)),
            discriminator=kgan.networks.mlp.discriminator((2,), (8,), "tanh"), seed=0,
        ),
        (2,),
        ONE_TO_ONE,
        {"discriminator/adversarial", "generator/adversarial", "generator/opponent_gradient"},
        default=("ring", lambda seed: kgan.GradientRegularizedGAN((2,), seed=seed)),
        optimizers=Defaults(
            both(Adam(1e-4, 0.5)),
            "locuslab/gradient_regularized_gan, gaussian-toy-regularized.py (TensorFlow 1)",
        ),
    ),
    "GradientRegularizedGAN, wasserstein, simultaneous": Spec(
        kgan.GradientRegularizedGAN,
        lambda: kgan.GradientRegularizedGAN(
            (2,), generator=kgan.networks.mlp.generator((2,), 3, (8,)), objective="wasserstein", simultaneous=True,
            discriminator=kgan.networks.mlp.discriminator((2,), (8,), "tanh"), weight=keras.optimizers.schedules.PolynomialDecay(0.5, 9),
            seed=0,
        ),
        (2,),
        ONE_TO_ONE,
        {"discriminator/adversarial", "generator/adversarial", "generator/opponent_gradient"},
    ),
    "GAN, Jensen-Shannon regularizer annealed, instance noise": Spec(
        kgan.GAN,
        lambda: kgan.GAN(
            (2,), generator=kgan.networks.mlp.generator((2,), 3, (8,)), discriminator=kgan.networks.mlp.discriminator((2,), (8,), "tanh"),
            penalties=[kgan.penalties.JensenShannonRegularizer(kgan.optimizers.HoldThenDecay(2.0, 9, hold=0.0))],
            instance_noise=keras.optimizers.schedules.PolynomialDecay(0.5, 9, 0.0), seed=0,
        ),
        (2,),
        ONE_TO_ONE,
        {"discriminator/adversarial", "discriminator/js_regularizer", "generator/adversarial"},
    ),
    "FGAN, regularizer": Spec(
        kgan.FGAN,
        lambda: kgan.FGAN(
            (2,), divergence="squared_hellinger", penalties=[kgan.penalties.FDivergenceRegularizer(0.5)],
            generator=kgan.networks.mlp.generator((2,), 3, (8,)),
            discriminator=kgan.networks.mlp.discriminator((2,), (8,), "elu"), seed=0,
        ),
        (2,),
        ONE_TO_ONE,
        {"discriminator/adversarial", "discriminator/f_regularizer", "generator/adversarial"},
    ),
    "FGAN": Spec(
        kgan.FGAN,
        lambda: kgan.FGAN(
            (2,), divergence="jeffrey",
            generator=kgan.networks.mlp.generator((2,), 3, (8,), kgan.layers.MuReLU(0.3)),
            discriminator=kgan.networks.mlp.discriminator((2,), (8,), "elu"), seed=0,
        ),
        (2,),
        ONE_TO_ONE,
        default=("digits", lambda seed: kgan.FGAN(IMAGE, seed=seed)),
        optimizers=Defaults(both(Adam(2e-4, 0.5)), "the paper's MNIST; Chainer"),
    ),
    "FGAN, link and trick": Spec(
        kgan.FGAN,
        lambda: kgan.FGAN(
            (2,), divergence="alpha", alpha=0.5, link="matsushita", trick=True, simultaneous=False,
            generator=kgan.networks.mlp.generator((2,), 3, (8,), kgan.layers.LSU()),
            discriminator=kgan.networks.mlp.discriminator((2,), (8,), "elu"), seed=0,
        ),
        (2,),
        ONE_TO_ONE,
    ),
    "FisherGAN": Spec(
        kgan.FisherGAN,
        lambda: kgan.FisherGAN(
            IMAGE, filters=3, latent_size=4, generator_extra_layers=1, discriminator_extra_layers=1, rho=0.1, seed=0
        ),
        IMAGE,
        {"discriminator": 2, "generator": 1},
        FISHER,
        smallest_batch=2,
        default=("digits", lambda seed: kgan.FisherGAN(IMAGE, seed=seed)),
        optimizers=Defaults(both(Adam(2e-4, 0.5)), "the paper; tomsercu/FisherGAN, main.py (PyTorch)"),
    ),
    "FisherGAN, semi-supervised": Spec(
        kgan.FisherGAN,
        lambda: kgan.FisherGAN(
            (2,), classes=3, rho=0.1, seed=0,
            generator=kgan.networks.mlp.generator((2,), 3, (8,)),
            discriminator=kgan.networks.mlp.discriminator((2,), (8,), outputs=4, output_bias=False),
        ),
        (2,),
        {"discriminator": 2, "generator": 1},
        FISHER | {"discriminator/supervised"},
        classes=3,
    ),
    "EBGAN": Spec(
        kgan.EBGAN,
        lambda: kgan.EBGAN(
            (2,), generator=kgan.networks.mlp.generator((2,), 3, (8,)), margin=6.0, seed=0,
            discriminator=kgan.networks.autoencoders.perceptron((2,), (8, 3), (7,), "tanh"),
        ),
        (2,),
        ONE_TO_ONE,
        {"discriminator/adversarial", "generator/adversarial", "generator/pulling_away"},
        smallest_batch=2,
        default=("digits", lambda seed: kgan.EBGAN(IMAGE, seed=seed)),
        replicas=MINIBATCH,
        optimizers=Defaults(both(Adam(1e-3, 0.5)), "the rate of the paper's grid; beta_1 is ours (DCGAN's)"),
    ),
    "EBGAN, ladder": Spec(
        kgan.EBGAN,
        lambda: kgan.EBGAN(
            (5,), classes=3, margin=keras.optimizers.schedules.PolynomialDecay(9.0, 9, 0.0), energy_kind="sum_squares", seed=0,
            pulling_away_weight=0.0, generator=kgan.networks.mlp.generator((5,), 3, (8,)),
            discriminator=kgan.networks.autoencoders.ladder((5,), 3, (6,), 0.1),
        ),
        (5,),
        ONE_TO_ONE,
        {"discriminator/adversarial", "discriminator/supervised", "generator/adversarial"},
        classes=3,
        replicas=DROPOUT,
    ),
    "CalibratedEBGAN": Spec(
        kgan.CalibratedEBGAN,
        lambda: kgan.CalibratedEBGAN(
            (2,), neighbors=2, gap_bounds=None, smoothness=0.01, generator=kgan.networks.mlp.generator((2,), 3, (8,)), seed=0,
            discriminator=kgan.networks.mlp.discriminator((2,), (8,), "tanh"),
        ),
        (2,),
        ONE_TO_ONE,
        {"discriminator/adversarial", "discriminator/smoothness", "generator/adversarial", "generator/entropy"},
        smallest_batch=3,
        default=("ring", lambda seed: kgan.CalibratedEBGAN((2,), seed=seed)),
        replicas=MINIBATCH,
        optimizers=Defaults(
            {"discriminator": Adam(2e-4, 0.0), "generator": Adam(2e-3, 0.0)},
            "zihangdai/cegan_iclr2017, the synthetic sets (TensorFlow 1)",
        ),
    ),
    "CalibratedEBGAN, variational": Spec(
        kgan.CalibratedEBGAN,
        lambda: kgan.CalibratedEBGAN(
            (2,), entropy="variational", posterior_noise=0.1, gap_bounds=None, cost_margin=9.0, seed=0,
            generator=kgan.networks.mlp.generator((2,), 3, (8,)), discriminator=kgan.networks.mlp.discriminator((2,), (8,), "tanh"),
            posterior=kgan.networks.mlp.discriminator((2,), (8,), "tanh", outputs=6, name="posterior"),
        ),
        (2,),
        ONE_TO_ONE,
        {"discriminator/adversarial", "generator/adversarial", "generator/entropy"},
    ),
    "CatGAN": Spec(
        kgan.CatGAN,
        lambda: kgan.CatGAN(
            (2,), classes=3, generator=kgan.networks.mlp.generator((2,), 3, (8,), batch_norm=True), seed=0,
            discriminator=kgan.networks.categorical.classifier((2,), 3, (8,), 0.1),
        ),
        (2,),
        ONE_TO_ONE,
        CATEGORICAL,
        smallest_batch=3,
        default=("categories", lambda seed: kgan.CatGAN(IMAGE, seed=seed)),
        replicas=MINIBATCH,
        optimizers=Defaults(both(Adam(2e-4, 0.5)), "smayru/catgan (Chainer)"),
    ),
    "CatGAN, semi-supervised": Spec(
        kgan.CatGAN,
        lambda: kgan.CatGAN(
            (5,), classes=3, semi_supervised=True, seed=0, generator=kgan.networks.mlp.generator((5,), 3, (8,)),
            discriminator=kgan.networks.categorical.classifier((5,), 3, (8,), 0.1),
        ),
        (5,),
        ONE_TO_ONE,
        CATEGORICAL | {"discriminator/supervised"},
        smallest_batch=3,
        classes=3,
        replicas=MINIBATCH,
    ),
    "D2GAN": Spec(
        kgan.D2GAN,
        lambda: kgan.D2GAN(
            (2,), alpha=0.5, beta=0.3, seed=0,
            generator=kgan.networks.mlp.generator((2,), 3, (8,)),
            discriminator=kgan.networks.mlp.discriminator((2,), (8,)),
            reverse_discriminator=kgan.networks.mlp.discriminator((2,), (7,), name="reverse"),
        ),
        (2,),
        ONE_TO_ONE,
        DUAL,
        default=("digits", lambda seed: kgan.D2GAN(IMAGE, seed=seed)),
        optimizers=Defaults(both(Adam(2e-4, 0.5)), "tund/D2GAN, main.py, models.py (TensorFlow 1)"),
    ),
    "D2GAN, images": Spec(
        kgan.D2GAN, lambda: kgan.D2GAN(IMAGE, filters=3, latent_size=4, seed=0), IMAGE, ONE_TO_ONE, DUAL,
    ),
    "DomainTransferNetwork": Spec(
        kgan.DomainTransferNetwork,
        lambda: kgan.DomainTransferNetwork(
            fixed_features(), IMAGE, filters=3, constancy_weight=1.0, identity_weight=2.0, variation_weight=0.01, seed=0
        ),
        IMAGE,
        ONE_TO_ONE,
        {"discriminator/adversarial", *(f"generator/{term}" for term in ("adversarial", "constancy", "identity", "variation"))},
        arguments=two_domains,
        conditional=True,
        default=("transfer", lambda seed: kgan.DomainTransferNetwork(photo_features(), (16, 16, 1), filters=16, seed=seed)),
        optimizers=Defaults(
            both(Adam(3e-4, 0.5)), "rate of yunjey/domain-transfer-network, solver.py, beta_1 of DCGAN; the paper names none"
        ),
    ),
    "DualAgentGAN": Spec(
        kgan.DualAgentGAN,
        dual_agents,
        IMAGE,
        ONE_TO_ONE,
        {
            *(f"discriminator/{term}" for term in ("real_error", "fake_error", "real_classes", "fake_classes")),
            *(f"generator/{term}" for term in ("error", "classes", "pose")),
        },
        arguments=simulated_and_real,
        conditional=True,
        default=(
            "refined",
            lambda seed: kgan.DualAgentGAN(
                IMAGE, classes=10, filters=16, blocks=2, discriminator_filters=16, code_size=16, seed=seed
            ),
        ),
        optimizers=Defaults(both(Adam(1e-4, 0.5)), "BEGAN's rate; the paper's supplement could not be read"),
    ),
    "DualingGAN": Spec(
        kgan.DualingGAN,
        lambda: kgan.DualingGAN(
            (2,),
            generator=kgan.networks.mlp.generator((2,), 3, (8,)),
            features=kgan.networks.mlp.discriminator((2,), (8,), "tanh", outputs=5, name="features"), seed=0,
        ),
        (2,),
        {"generator": 1},
        {"generator/dual"},
        default=("digits", lambda seed: kgan.DualingGAN(IMAGE, seed=seed)),
        replicas=MINIBATCH,
        optimizers=Defaults({"generator": Adam(1e-3, 0.5)}, "ours"),
    ),
    "ModeRegularizedGAN": Spec(
        kgan.ModeRegularizedGAN,
        lambda: kgan.ModeRegularizedGAN(
            (2,), seed=0,
            generator=kgan.networks.mlp.generator((2,), 3, (8,), batch_norm=True),
            discriminator=kgan.networks.mlp.discriminator((2,), (8,)),
            encoder=kgan.networks.mlp.discriminator((2,), (8,), outputs=3, name="encoder"), prior=kgan.priors.Normal(),
        ),
        (2,),
        ONE_TO_ONE,
        REGULARIZED | {"generator/reconstruction", "generator/mode"},
        default=("digits", lambda seed: kgan.ModeRegularizedGAN(IMAGE, seed=seed)),
        optimizers=Defaults(both(Adam(1e-3, 0.5)), "ours"),
    ),
    "MDGAN": Spec(
        kgan.MDGAN,
        lambda: kgan.MDGAN(
            (2,), seed=0,
            generator=kgan.networks.mlp.generator((2,), 3, (8,)),
            discriminator=kgan.networks.mlp.discriminator((2,), (8,)),
            manifold_discriminator=kgan.networks.mlp.discriminator((2,), (7,), name="manifold_discriminator"),
            encoder=kgan.networks.mlp.generator((3,), 2, (8,), output_activation="sigmoid", name="encoder"),
        ),
        (2,),
        MANIFOLD,
        REGULARIZED | {"manifold_discriminator/adversarial", "manifold/reconstruction", "manifold/mode"},
        default=("digits", lambda seed: kgan.MDGAN(IMAGE, seed=seed)),
        optimizers=Defaults(both(Adam(1e-3, 0.5), "manifold_discriminator", "manifold", "discriminator", "generator"), "ours"),
    ),
    "DFMGAN": Spec(
        kgan.DFMGAN,
        lambda: kgan.DFMGAN(
            (2,), denoising_weight=0.5, denoiser_layers=1, seed=0,
            generator=kgan.networks.mlp.generator((2,), 3, (8,)),
            discriminator=kgan.networks.mlp.discriminator((2,), (8,)),
        ),
        (2,),
        THREE_MOVES,
        DENOISED,
        smallest_batch=2,
        default=("digits", lambda seed: kgan.DFMGAN(IMAGE, seed=seed)),
        optimizers=Defaults(both(Adam(1e-3, 0.5), "discriminator", "denoiser", "generator"), "ours"),
    ),
    "DFMGAN, images, in turn, corruption that falls": Spec(
        kgan.DFMGAN,
        lambda: kgan.DFMGAN(
            IMAGE, filters=3, latent_size=4, feature_size=5, denoiser_layers=1, feature_layer="units", simultaneous=False,
            corruption=keras.optimizers.schedules.PolynomialDecay(1.0, 9, 0.0), seed=0,
        ),
        IMAGE,
        THREE_MOVES,
        DENOISED,
        smallest_batch=2,
        optimizers=Defaults(both(Adam(2e-4, 0.5), "discriminator", "denoiser", "generator"), "ours"),
    ),
    "TrustRegionDualingGAN": Spec(
        kgan.TrustRegionDualingGAN,
        lambda: kgan.TrustRegionDualingGAN(
            (2,), seed=0,
            generator=kgan.networks.mlp.generator((2,), 3, (6,)), discriminator=kgan.networks.mlp.discriminator((2,), (5,), "tanh"),
        ),
        (2,),
        ONE_TO_ONE,
        {"discriminator/cost", "generator/adversarial", "generator/opponent_gradient"},
        default=("digits", lambda seed: kgan.TrustRegionDualingGAN(IMAGE, seed=seed)),
        optimizers=Defaults({"discriminator": SGD(1.0), "generator": Adam(1e-3, 0.5)}, "steps of the length of the paper; ours"),
    ),
    "TrustRegionDualingGAN, scores, a ball that shrinks": Spec(
        kgan.TrustRegionDualingGAN,
        lambda: kgan.TrustRegionDualingGAN(
            (2,), linearization="scores", inner_steps=1, simultaneous=True, seed=0,
            trust_region=keras.optimizers.schedules.PolynomialDecay(0.05, 9, 0.01),
            generator=kgan.networks.mlp.generator((2,), 3, (6,)), discriminator=kgan.networks.mlp.discriminator((2,), (5,), "tanh"),
        ),
        (2,),
        ONE_TO_ONE,
        {"discriminator/cost", "generator/adversarial"},
    ),
    "GMMN": Spec(
        kgan.GMMN,
        lambda: kgan.GMMN(
            IMAGE, generator=kgan.networks.mlp.generator(IMAGE, 3, (8,), batch_norm=True, output_activation="tanh"), seed=0
        ),
        IMAGE,
        {"generator": 1},
        {"generator/mmd"},
        smallest_batch=2,
        default=("digits", lambda seed: kgan.GMMN(IMAGE, seed=seed)),
        replicas=MINIBATCH,
        optimizers=Defaults(
            {"generator": RMSprop(1e-3, 0.99, 1e-16)},
            "ours, PyTorch's decay and epsilon. The paper has momentum SGD",
        ),
    ),
    "GMMN, codes": Spec(
        kgan.GMMN,
        lambda: kgan.GMMN(
            encoder=kgan.networks.mlp.discriminator((2,), (8,), name="encoder", outputs=3),
            decoder=kgan.networks.mlp.generator((2,), 3, (8,), name="decoder"),
            generator=kgan.networks.mlp.generator((3,), 4, (8,)),
            squared=True, loss_weight=2.0, seed=0,
        ),
        (2,),
        {"generator": 1},
        {"generator/mmd"},
        smallest_batch=2,
        replicas=MINIBATCH,
    ),
    "LRGAN": Spec(
        kgan.LRGAN,
        lambda: kgan.LRGAN(IMAGE, filters=2, discriminator_filters=3, noise_size=3, start_scale=1.5, seed=0),
        IMAGE,
        ONE_TO_ONE,
        default=("placed digits", lambda seed: kgan.LRGAN((16, 16, 1), filters=8, discriminator_filters=32, noise_size=32, seed=seed)),
        optimizers=Defaults(both(Adam(2e-4, 0.5)), "jwyang/lr-gan.pytorch, train.py (PyTorch)"),
    ),
    "LRGAN, two foregrounds": Spec(
        kgan.LRGAN,
        lambda: kgan.LRGAN(
            (16, 16, 1), foregrounds=2, filters=2, discriminator_filters=3, noise_size=3, start_scale=1.5, simultaneous=True, seed=0
        ),
        (16, 16, 1),
        ONE_TO_ONE,
        smallest_batch=2,
    ),
    "MMDGAN": Spec(
        kgan.MMDGAN,
        lambda: kgan.MMDGAN(IMAGE, filters=3, latent_size=4, encoder_steps=2, warmup=(1, 2, 4), seed=0),
        IMAGE,
        {"encoder": 2, "generator": 0.5},
        {"encoder/mmd", "encoder/reconstruction", "encoder/feasible_set", "generator/mmd", "generator/feasible_set"},
        smallest_batch=2,
        default=("digits", lambda seed: kgan.MMDGAN(IMAGE, seed=seed)),
        replicas=MINIBATCH,
        optimizers=Defaults(
            both(RMSprop(5e-5, 0.99, 1e-16), "encoder", "generator"),
            "OctoberChang/MMD-GAN, mmd_gan.py (PyTorch: 1e-8 beside the root)",
        ),
    ),
    "MMDGAN, points": Spec(
        kgan.MMDGAN,
        lambda: kgan.MMDGAN(
            generator=kgan.networks.mlp.generator((2,), 3, (8,)),
            encoder=kgan.networks.mlp.discriminator((2,), (8,), 0.2, name="encoder", outputs=5),
            decoder=kgan.networks.mlp.generator((2,), 5, (8,), name="decoder"),
            clip=0.1, clip_scope="kernels", feasible_set_weight=0.0, encoder_steps=2, warmup=None, seed=0,
        ),
        (2,),
        {"encoder": 2, "generator": 1},
        {"encoder/mmd", "encoder/reconstruction", "generator/mmd"},
        smallest_batch=2,
        replicas=MINIBATCH,
    ),
    "InfoGAN": Spec(
        kgan.InfoGAN,
        lambda: kgan.InfoGAN(
            IMAGE, noise_size=3, codes=[kgan.codes.Categorical(3), kgan.codes.Continuous(2, learn_variance=True)],
            generator=kgan.networks.infogan.generator(IMAGE, 8, 3, 8, epsilon=1e-3),
            discriminator=kgan.networks.infogan.discriminator(IMAGE, 3, 8, epsilon=1e-3),
            recognizer=kgan.networks.infogan.recognizer((8,), 7, 6, epsilon=1e-3),
            seed=0,
        ),
        IMAGE,
        ONE_TO_ONE,
        INFORMATION,
        smallest_batch=2,
        default=("digits", lambda seed: kgan.InfoGAN(IMAGE, seed=seed)),
        optimizers=Defaults(
            {"discriminator": Adam(2e-4, 0.5), "generator": Adam(1e-3, 0.5)},
            "openai/InfoGAN, run_mnist_exp.py (TensorFlow 1)",
        ),
    ),
    "InfoGAN, trunk at rest": Spec(
        kgan.InfoGAN,
        lambda: kgan.InfoGAN((2,), noise_size=3, information_weight=[1.0, 0.1], info_updates_trunk=False, seed=0),
        (2,),
        ONE_TO_ONE,
        INFORMATION,
    ),
    "AdaGAN": Spec(
        kgan.AdaGAN,
        lambda: kgan.AdaGAN(
            component=kgan.GAN(
                generator=kgan.networks.mlp.generator((2,), 3, (8,), batch_norm=True),
                discriminator=kgan.networks.mlp.discriminator((2,), (8,)),
            ),
            components=3, epochs_per_component=2, classifier_epochs=2, seed=0,
        ),
        (2,),
        ONE_TO_ONE,
        default=("digits", lambda seed: kgan.AdaGAN(IMAGE, seed=seed)),
        optimizers=Defaults(both(Adam(1e-3, 0.5)), "its component's: GAN's"),
    ),
    "AdaGAN of WGANs": Spec(
        kgan.AdaGAN,
        lambda: kgan.AdaGAN(
            component=kgan.WGAN(
                generator=kgan.networks.mlp.generator((2,), 3, (8,)),
                discriminator=kgan.networks.mlp.discriminator((2,), (8,)),
                discriminator_steps=2, warmup=(1, 2, 4),
            ),
            components=3, epochs_per_component=2, classifier_epochs=1, seed=0,
        ),
        (2,),
        {"discriminator": 2, "generator": 0.5},
        optimizers=Defaults(both(RMSprop(5e-5, 0.99, 1e-16)), "its component's: WGAN's"),
    ),
    "BiGAN": Spec(
        kgan.BiGAN, lambda: kgan.BiGAN((5,), size=1, latent_size=3, seed=0), (5,), ONE_TO_ONE,
        {"discriminator/adversarial", "discriminator/weight_decay", "generator/adversarial", "generator/weight_decay"},
        default=("digits", lambda seed: kgan.BiGAN(IMAGE, seed=seed)),
        optimizers=Defaults(both(Adam(2e-4, 0.5)), "jeffdonahue/bigan, train_gan.py, lib/updates.py (Theano)"),
    ),
    "BiGAN, convolutional": Spec(
        kgan.BiGAN, lambda: kgan.BiGAN((16, 16, 1), size=6, latent_size=3, weight_decay=0.0, seed=0), (16, 16, 1), ONE_TO_ONE,
    ),
    "AugmentedBiGAN": Spec(
        kgan.AugmentedBiGAN,
        lambda: kgan.AugmentedBiGAN(
            seed=0, **three(kgan.networks.bidirectional.veegan_perceptrons((5,), 3, 0, (6,), (7,), nonlinearity=0.1))
        ),
        (5,),
        ONE_TO_ONE,
        {"discriminator/adversarial", "generator/feature_matching"},
        default=("digits", lambda seed: kgan.AugmentedBiGAN(IMAGE, seed=seed)),
        replicas=MINIBATCH,
        optimizers=Defaults(both(Adam(1e-3, 0.5)), "ours"),
    ),
    "AugmentedBiGAN, images": Spec(
        kgan.AugmentedBiGAN,
        lambda: kgan.AugmentedBiGAN(
            feature_matching=False, weight_decay=0.01, seed=0, **three(kgan.networks.bidirectional.veegan_convolutional(IMAGE, 3, 2, 6))
        ),
        IMAGE,
        ONE_TO_ONE,
        {f"{move}/{term}" for move in ONE_TO_ONE for term in ("adversarial", "weight_decay")},
    ),
    "ManifoldSSL": Spec(
        kgan.ManifoldSSL,
        lambda: kgan.ManifoldSSL(
            classes=3, inference_rounds=1, seed=0,
            **three(kgan.networks.bidirectional.veegan_perceptrons((5,), 3, 0, (6,), (7,), nonlinearity="tanh")),
            classifier=kgan.networks.improved.perceptron_classifier((5,), 3, (6,), (0.1, 0.1), name="classifier"),
            matcher=kgan.networks.improved.perceptron_generator((5,), 3, (6,), name="matcher"),
        ),
        (5,),
        TWO_GAMES,
        {"discriminator/adversarial", "generator/feature_matching", "matcher/feature_matching", *CLASSIFIER_TERMS},
        classes=3,
        averaged="classifier",
        default=("labeled digits", lambda seed: kgan.ManifoldSSL((64,), classes=10, seed=seed)),
        replicas=DROPOUT,
        optimizers=Defaults(both(Adam(1e-3, 0.5), "discriminator", "generator", "classifier", "matcher"), "ours"),
    ),
    "ManifoldSSL, images": Spec(
        kgan.ManifoldSSL,
        lambda: kgan.ManifoldSSL(
            classes=3, inference_rounds=0, drawn_tangents=None, seed=0,
            **three(kgan.networks.bidirectional.veegan_perceptrons(IMAGE, 3, 0, (6,), (7,), nonlinearity="tanh")),
            classifier=kgan.networks.mlp.discriminator(IMAGE, (5,), "tanh", outputs=3, name="classifier"),
            matcher=kgan.networks.mlp.generator(IMAGE, 3, (6,), name="matcher"),
        ),
        IMAGE,
        {"classifier": 1, "matcher": 1},
        {"matcher/feature_matching", *CLASSIFIER_TERMS},
        classes=3,
        averaged="classifier",
        replicas=MINIBATCH,
        optimizers=Defaults(both(Adam(3e-4, 0.5), "classifier", "matcher"), "ours"),
    ),
    "ALI": Spec(
        kgan.ALI,
        lambda: kgan.ALI(
            seed=0,
            **three(kgan.networks.bidirectional.stochastic_perceptrons((2,), 2, 3, (6,), (6,), (5,), 2)),
        ),
        (2,),
        ONE_TO_ONE,
        default=("digits", lambda seed: kgan.ALI(IMAGE, seed=seed)),
        optimizers=Defaults(both(Adam(1e-4, 0.8)), "the paper's mixture; Blocks"),
    ),
    "ALI, images": Spec(
        kgan.ALI, lambda: kgan.ALI(IMAGE, width=0.04, latent_size=3, joint_batch=False, seed=0), IMAGE, ONE_TO_ONE,
        optimizers=Defaults(both(Adam(1e-4, 0.5)), "IshmaelBelghazi/ALI, ali_cifar10.py (Blocks)"),
    ),
    "ALI, semi-supervised": Spec(
        kgan.ALI,
        lambda: kgan.ALI(
            classes=3, seed=0,
            **three(kgan.networks.bidirectional.stochastic_perceptrons((5,), 2, 2, (6,), (6,), (5,), 2, outputs=3)),
        ),
        (5,),
        ONE_TO_ONE,
        {"discriminator/adversarial", "discriminator/supervised", "generator/adversarial"},
        classes=3,
    ),
    "VEEGAN": Spec(
        kgan.VEEGAN,
        lambda: kgan.VEEGAN(
            extra_noise=1, adversarial_reconstructor=True, seed=0,
            **three(kgan.networks.bidirectional.veegan_perceptrons((2,), 4, 1, (6,), (6,))),
        ),
        (2,),
        ONE_TO_ONE,
        {"discriminator/adversarial", "generator/adversarial", "generator/reconstruction", "generator/inference"},
        default=("ring", lambda seed: kgan.VEEGAN((2,), seed=seed)),
        optimizers=Defaults(both(Adam(1e-3, 0.5)), "the authors' ring (TensorFlow 1)"),
    ),
    "VEEGAN, images": Spec(
        kgan.VEEGAN,
        lambda: kgan.VEEGAN(
            deterministic=True, seed=0, **three(kgan.networks.bidirectional.veegan_convolutional(IMAGE, 4, 2, 6)),
        ),
        IMAGE,
        ONE_TO_ONE,
        {"discriminator/adversarial", "generator/adversarial", "generator/reconstruction"},
        optimizers=Defaults(both(Adam(1e-3, 0.7)), "akashgit/VEEGAN, veegan_julia_mnist.ipynb"),
    ),
    "CoGAN": Spec(
        kgan.CoGAN, lambda: kgan.CoGAN(RGBD, width=0.1, epsilon=1e-3, latent_size=4, seed=0), RGBD, ONE_TO_ONE,
        {"discriminator/adversarial", "discriminator/weight_decay", "generator/adversarial", "generator/weight_decay"},
        default=("domains", lambda seed: kgan.CoGAN({"digits": IMAGE, "negatives": IMAGE}, seed=seed)),
        replicas=DROPOUT,
        optimizers=Defaults(both(Adam(2e-4, 0.5)), "mingyuliutw/CoGAN, solver files, alter_adam_solver.cpp (Caffe)"),
    ),
    "CoGAN, adaptation": Spec(
        kgan.CoGAN, lambda: kgan.CoGAN(classes=3, labeled="plane", weight_decay=0.0, seed=0, **coupled_points()), POINTS, ONE_TO_ONE,
        {"discriminator/adversarial", "discriminator/classification", "discriminator/features", "generator/adversarial"},
        classes=3,
    ),
    "BadGAN": Spec(
        kgan.BadGAN,
        lambda: thresholded(
            (5,), classes=3, density=kgan.networks.KernelDensity(4, 5, bandwidth=1.0), density_weight=0.1, variational_weight=0.1,
            conditional_entropy_weight=0.1, max_sigma=0.9, feature_layer="activation_1", seed=0,
            generator=kgan.networks.improved.perceptron_generator((5,), 4, (6, 6)),
            discriminator=kgan.networks.improved.perceptron_classifier((5,), 3, (8, 7), (0.1, 0.1, 0.1)),
            encoder=kgan.networks.mlp.discriminator((5,), (6,), outputs=8, name="encoder"),
        ),
        (5,),
        ONE_TO_ONE,
        {
            "discriminator/adversarial", "discriminator/supervised", "discriminator/conditional_entropy",
            *(f"generator/{term}" for term in ("feature_matching", "pull_away", "variational", "low_density")),
        },
        smallest_batch=2,
        classes=3,
        default=("labeled digits", lambda seed: kgan.BadGAN((64,), classes=10, seed=seed)),
        replicas=DROPOUT,
        optimizers=Defaults(
            {"discriminator": Adam(3e-3, 0.5, 0.9999), "generator": Adam(1e-3, 0.0, 0.9999)},
            "kimiyoung/ssl_bad_gan, MNIST (PyTorch)",
        ),
    ),
    "BadGAN, images": Spec(
        kgan.BadGAN,
        lambda: thresholded(
            IMAGE, classes=3, density=kgan.networks.PixelCNNPlusPlus(IMAGE, filters=2, blocks=1, resolutions=1), density_samples=2,
            pull_away_weight=0.0, seed=0, generator=kgan.networks.improved.generator(IMAGE, 4, 2),
            discriminator=kgan.networks.mlp.discriminator(IMAGE, (5,), outputs=3), feature_layer="activation_0",
        ),
        IMAGE,
        ONE_TO_ONE,
        {"discriminator/adversarial", "discriminator/supervised", "generator/feature_matching", "generator/low_density"},
        smallest_batch=2,
        classes=3,
        replicas=MINIBATCH,
        optimizers=Defaults(
            {"discriminator": Adam(6e-4, 0.5), "generator": Adam(3e-4, 0.0)},
            "kimiyoung/ssl_bad_gan, CIFAR-10 (PyTorch)",
        ),
    ),
    "BayesianGAN": Spec(
        kgan.BayesianGAN,
        lambda: kgan.BayesianGAN(
            generator=kgan.networks.Ensemble.of(lambda: kgan.networks.mlp.generator((2,), 3, (4,), batch_norm=True), 2),
            discriminator=[kgan.networks.mlp.discriminator((2,), (4,))],
            burn_in=0, keep_every=1, samples_kept=2, data_size=64, seed=0,
        ),
        (2,),
        {"generator": 2, "discriminator": 2},
        {"generator/adversarial", "generator/prior", "discriminator/adversarial", "discriminator/prior"},
        default=("digits", lambda seed: kgan.BayesianGAN(IMAGE, seed=seed)),
        replicas=WEIGHTS,
    ),
    "BayesianGAN, semi-supervised": Spec(
        kgan.BayesianGAN,
        lambda: kgan.BayesianGAN(
            generator=[kgan.networks.mlp.generator((2,), 3, (4,))],
            discriminator=[kgan.networks.mlp.discriminator((2,), (4,), outputs=3, norm=batch_norm) for _ in range(2)],
            classes=3, marginal="mean", sghmc_steps=1, burn_in=0, keep_every=1, data_size=64, labeled_size=64, seed=0,
        ),
        (2,),
        ONE_TO_ONE,
        {
            "generator/adversarial", "generator/prior", "discriminator/adversarial", "discriminator/prior",
            "discriminator/supervised",
        },
        classes=3,
    ),
    "PixelGANAutoencoder": Spec(
        kgan.PixelGANAutoencoder,
        lambda: kgan.PixelGANAutoencoder(
            (4, 4, 1), latent_size=3, pretraining_rounds=0, seed=0,
            encoder=kgan.networks.mlp.discriminator((4, 4, 1), (6,), outputs=3, name="encoder"),
            generator=kgan.networks.PixelCNN((4, 4, 1), 3, filters=3, depth=1, first_kernel_width=3, head_maps=4),
            discriminator=kgan.networks.mlp.discriminator((3,), (5,)),
        ),
        (4, 4, 1),
        PIXELGAN,
        {"autoencoder/reconstruction", "discriminator/adversarial", "encoder/adversarial"},
        arguments=lambda rng, count: (binary_images(rng, count),),
        default=("binary digits", lambda seed: kgan.PixelGANAutoencoder(IMAGE, seed=seed)),
        optimizers=Defaults(PIXELGAN_OPTIMIZERS, "ours: the paper's are not known to us"),
    ),
    "PixelGANAutoencoder, semi-supervised": Spec(
        kgan.PixelGANAutoencoder,
        lambda: kgan.PixelGANAutoencoder(
            (4, 4, 1), classes=3, pretraining_rounds=1, likelihood=kgan.objectives.LogisticMixture(2), filters=3, depth=1, seed=0,
            encoder=kgan.networks.mlp.discriminator((4, 4, 1), (6,), outputs=3, name="encoder"),
        ),
        (4, 4, 1),
        {"autoencoder": 1, "discriminator": 0.5, "encoder": 0.5, "supervised": 1},
        {"autoencoder/reconstruction", "discriminator/adversarial", "encoder/adversarial", "supervised/supervised"},
        classes=3,
        optimizers=Defaults({**PIXELGAN_OPTIMIZERS, "supervised": Adam(1e-3)}, "ours, likewise"),
    ),
    "PixelGANAutoencoder, normal codes": Spec(
        kgan.PixelGANAutoencoder,
        lambda: kgan.PixelGANAutoencoder(
            (4, 4, 1), prior=kgan.priors.Normal(), stochastic=True, pretraining_rounds=0, filters=3, depth=0, seed=0,
            encoder=kgan.networks.mlp.discriminator((4, 4, 1), (6,), outputs=4, name="encoder"),
        ),
        (4, 4, 1),
        PIXELGAN,
        {"autoencoder/reconstruction", "discriminator/adversarial", "encoder/adversarial"},
        arguments=lambda rng, count: (binary_images(rng, count),),
    ),
    "SteganographyGAN": Spec(
        kgan.SteganographyGAN,
        lambda: kgan.SteganographyGAN(
            IMAGE, 5, quantize=True, seed=0,
            alice=kgan.networks.steganography.hider(IMAGE, 5, 4, epsilon=1e-3),
            bob=kgan.networks.steganography.reader(IMAGE, 5, 3, epsilon=1e-3, output_activation="tanh", name="bob"),
            eve=kgan.networks.steganography.reader(IMAGE, 1, 3, epsilon=1e-3),
        ),
        IMAGE,
        {"eve": 1, "alice_bob": 1},
        STEGANOGRAPHY,
        smallest_batch=2,
        averaged="alice",
        default=("messages", lambda seed: kgan.SteganographyGAN(seed=seed)),
        optimizers=Defaults(both(Adam(2e-4), "eve", "alice_bob"), "jhayes14/advsteg, main.py (TensorFlow 1)"),
    ),
    "SteganographyGAN, residual": Spec(
        kgan.SteganographyGAN,
        lambda: kgan.SteganographyGAN(
            IMAGE, residual=True, seed=0, eve=kgan.networks.steganography.analyzer(filters=2, name="eve"),
            alice=kgan.networks.steganography.residual_hider(units=4, maps=2),
            bob=kgan.networks.steganography.residual_reader(units=4),
        ),
        IMAGE,
        {"eve": 1, "alice_bob": 1},
        STEGANOGRAPHY,
        averaged="alice",
        optimizers=Defaults({"eve": Adam(1e-3), "alice_bob": Adam(2e-3)}, "ours"),
    ),
    "VideoPredictor": Spec(
        kgan.VideoPredictor,
        lambda: kgan.VideoPredictor(
            IMAGE, past_frames=2, patch=4, coherence_start=0, seed=0,
            coarse_generator=video.stage((2, 4, 4, 1), 2, ((3, 3, 2), (3, 4, 1)), residual=True),
            fine_generator=video.stage((2, *IMAGE), 2, ((3, 3, 1),), guess=True, name="fine_generator"),
            coarse_discriminator=video.judge((4, 4, 1), ((2, 3),), (3,)),
            fine_discriminator=video.judge(IMAGE, ((2, 3),), (3,), name="fine_discriminator"),
        ),
        (2, *IMAGE),
        ONE_TO_ONE,
        {"discriminator/adversarial", *(f"generator/{term}" for term in ("adversarial", "l1", "correlation", "coherence", "coherence_2"))},
        averaged="fine_generator",
        arguments=lambda rng, count: (rng.uniform(-1, 1, (count, 4, *IMAGE)).astype("float32"),),
        conditional=True,
        default=("clips", lambda seed: kgan.VideoPredictor((32, 32, 1), seed=seed)),
        optimizers=Defaults({"discriminator": Adam(2e-4, 0.5), "generator": Adam(5e-4, 0.5)}, "ours"),
    ),
    "FlowGAN": Spec(
        kgan.FlowGAN,
        lambda: kgan.FlowGAN(
            IMAGE, discriminator_start=0, adversarial_start=0, photometric_weight=1.0, smoothness_weight=0.01, seed=0,
            generator=optical_flow.plain(1, (3,), (1,)), discriminator=optical_flow.patch_judge(1, 23, 2),
        ),
        (8, 8, 2),
        ONE_TO_ONE,
        {"discriminator/adversarial", *(f"generator/{term}" for term in ("end_point_error", "adversarial", "photometric", "smoothness"))},
        arguments=lambda rng, count: (
            {
                "labeled": kgan.datasets.flow_examples(*(rng.uniform(-1, 1, (count, 8, 8, 2)).astype("float32") for _ in range(2))),
                "unlabeled": rng.uniform(-1, 1, (count, 8, 8, 2)).astype("float32"),
            },
        ),
        conditional=True,
        default=("pairs", lambda seed: kgan.FlowGAN((32, 32, 1), seed=seed)),
        optimizers=Defaults({"discriminator": Adam(2e-4), "generator": Adam(1e-3)}, "ours"),
    ),
    "IntentionGAIL": Spec(
        kgan.IntentionGAIL,
        lambda: kgan.IntentionGAIL(
            3, 2, hidden=(4,), conjugate_steps=2, backtracks=4, discriminator_steps=2, posterior_steps=1, value_steps=1, seed=0
        ),
        (5, 2),
        {"discriminator": 2, "posterior": 1, "policy": 1, "value": 1},
        {"discriminator/adversarial", "posterior/cross_entropy", "policy/surrogate", "value/squared"},
        averaged="policy",
        arguments=rollouts,
        conditional=True,
        default=("demonstrations", lambda seed: kgan.IntentionGAIL(environment=kgan.control.describe(kgan.control.PointMass()), seed=seed)),
        optimizers=Defaults(
            {**both(Adam(5e-4, epsilon=1e-7), "discriminator", "posterior"), "value": Adam(1e-3, epsilon=1e-7), "policy": SGD(1.0)},
            "ours, with Keras' epsilon; descent of rate 1 makes the trust region step",
        ),
    ),
    "CausalController": Spec(
        kgan.CausalController,
        lambda: kgan.CausalController("faces", noise_size=2, hidden=(4,), critic_hidden=(6,), discriminator_steps=2, seed=0),
        (5,),
        {"discriminator": 2, "generator": 1},
        {"discriminator/adversarial", "discriminator/gradient_penalty", "generator/adversarial"},
        arguments=lambda rng, count: (labels(rng, count),),
        default=("labels", lambda seed: kgan.CausalController(kgan.causal.graph("faces"), seed=seed)),
        optimizers=Defaults(both(Adam(8e-5)), "mkocaoglu/CausalGAN, causal_controller/config.py (TensorFlow 1)"),
    ),
    "CausalGAN": Spec(
        kgan.CausalGAN,
        lambda: kgan.CausalGAN(
            kgan.CausalController("faces", noise_size=2, hidden=(4,), seed=0),
            **four(kgan.networks.causal.image_networks(IMAGE, 5, 3, 3, kernels=3, kernel_size=2, epsilon=1e-3)),
            noise_size=3, generator_steps=2, seed=0,
        ),
        IMAGE,
        {"discriminator": 1, "generator": 2},
        LABELED,
        smallest_batch=2,
        arguments=labeled_images,
        default=("faces", lambda seed: kgan.CausalGAN(kgan.causal.structural_model("faces"), (16, 16, 3), seed=seed)),
        replicas=DROPOUT,
        optimizers=Defaults(both(Adam(2e-4, 0.5)), "mkocaoglu/CausalGAN, causal_dcgan/config.py (TensorFlow 1)"),
    ),
    "CausalGAN, swapped": Spec(
        kgan.CausalGAN,
        lambda: kgan.CausalGAN(
            kgan.causal.structural_model("faces"),
            **four(kgan.networks.causal.image_networks(IMAGE, 5, 3, 3, kernels=0, epsilon=1e-3)),
            noise_size=3, generator_steps=1, swapped_cross_entropy=True, objective="non_saturating", seed=0,
        ),
        IMAGE,
        ONE_TO_ONE,
        LABELED,
        arguments=labeled_images,
    ),
    "CausalBEGAN": Spec(
        kgan.CausalBEGAN,
        causal_began,
        IMAGE,
        ONE_TO_ONE,
        {f"discriminator/{kind}_{part}" for kind in ("real", "fake") for part in ("error", "labels")}
        | {"generator/error", "generator/labels"},
        arguments=labeled_images,
        default=("faces", lambda seed: kgan.CausalBEGAN(kgan.causal.structural_model("faces"), (16, 16, 3), seed=seed)),
        optimizers=Defaults(both(Adam(8e-5)), "mkocaoglu/CausalGAN, causal_began/config.py (TensorFlow 1)"),
    ),
    "TripleGAN": Spec(
        kgan.TripleGAN,
        lambda: kgan.TripleGAN(
            (5,), classes=3, pretraining_rounds=0, generated_start=0, consistency_weight=1.0, pseudo_share=0.5, weight_decay=1e-4, seed=0,
            **triple_networks(),
        ),
        (5,),
        TRIPLE,
        {*TRIPLE_TERMS, "classifier/consistency", "classifier/entropy", "classifier/balance", "classifier/weight_decay"},
        classes=3,
        averaged="classifier",
        default=("labeled digits", lambda seed: kgan.TripleGAN((64,), classes=10, seed=seed)),
        replicas=DROPOUT,
        optimizers=Defaults(both(Adam(1e-3, 0.5), *THREE_PLAYERS), "zhenxuan00/triple-gan, MNIST (Theano)"),
    ),
    "TripleGAN, all labels": Spec(
        kgan.TripleGAN,
        lambda: kgan.TripleGAN(
            (5,), classes=3, gradient="integrate", saturating=True, pretraining_rounds=1, generated_start=0, entropy_weight=0.0,
            balance_weight=0.0, pseudo_share=0.0, seed=0, **triple_networks(),
        ),
        (5,),
        {"discriminator": 0.5, "generator": 0.5, "classifier": 1},
        TRIPLE_TERMS,
        classes=3,
        replicas=DROPOUT,
    ),
    "TripleGAN, images": Spec(
        kgan.TripleGAN,
        lambda: kgan.TripleGAN(
            IMAGE, classes=3, gradient="reinforce", pretraining_rounds=0, generated_start=0, entropy_weight=0.0, balance_weight=0.0,
            seed=0, generator=kgan.networks.triple.generator(IMAGE, 4, 3, 2),
            discriminator=kgan.networks.triple.discriminator(IMAGE, 3, 2),
            classifier=kgan.networks.mlp.discriminator(IMAGE, (5,), outputs=3, name="classifier"),
        ),
        IMAGE,
        TRIPLE,
        TRIPLE_TERMS,
        smallest_batch=2,
        classes=3,
        replicas=DROPOUT,
        optimizers=Defaults(both(Adam(3e-4, 0.5), *THREE_PLAYERS), "zhenxuan00/triple-gan, SVHN (Theano)"),
    ),
    "StructuredGAN": Spec(
        kgan.StructuredGAN,
        lambda: kgan.StructuredGAN(
            (5,), classes=3, pretraining_rounds=0, generated_start=0, weight_decay=1e-4, seed=0, **triple_networks(),
            encoder=kgan.networks.mlp.discriminator((5,), (6,), outputs=4, name="encoder"),
        ),
        (5,),
        STRUCTURED,
        {*STRUCTURED_TERMS, "classifier/entropy", "classifier/balance", "classifier/weight_decay"},
        classes=3,
        averaged="classifier",
        default=("labeled digits", lambda seed: kgan.StructuredGAN((64,), classes=10, seed=seed)),
        replicas=DROPOUT,
        optimizers=Defaults(both(Adam(1e-3, 0.5), *THREE_PLAYERS, "encoder"), "Triple-GAN's, whose MNIST the code lacks"),
    ),
    "StructuredGAN, images": Spec(
        kgan.StructuredGAN,
        lambda: kgan.StructuredGAN(
            IMAGE, classes=3, pretraining_rounds=1, generated_start=0, entropy_weight=0.0, balance_weight=0.0,
            seed=0, generator=kgan.networks.triple.generator(IMAGE, 4, 3, 2),
            discriminator=kgan.networks.triple.discriminator(IMAGE, 3, 2),
            classifier=kgan.networks.mlp.discriminator(IMAGE, (5,), outputs=3, name="classifier"),
            encoder=kgan.networks.triple.encoder(IMAGE, 4, 2),
            latent_discriminator=kgan.networks.triple.latent_discriminator(IMAGE, 4, 2, 3),
        ),
        IMAGE,
        {"classifier": 1, "discriminator": 0.5, "encoder": 0.5, "generator": 0.5},
        STRUCTURED_TERMS,
        smallest_batch=2,
        classes=3,
        replicas=DROPOUT,
        optimizers=Defaults(both(Adam(3e-4, 0.5), *THREE_PLAYERS, "encoder"), "thudzj/StructuredGAN, SVHN (Theano)"),
    ),
    "StoryXE": Spec(
        kgan.StoryXE,
        lambda: kgan.StoryXE(9, scheduled_sampling=(1, 0.3, 0.6), **SHORT),
        (3, 6),
        {"policy": 1},
        {"policy/cross_entropy"},
        arguments=short_albums,
        conditional=True,
        default=("albums", lambda seed: kgan.StoryXE(len(kgan.stories.album_vocabulary()), photo_size=64, seed=seed)),
        replicas=DROPOUT,
        optimizers=Defaults({"policy": STORY_OPTIMIZER._replace(learning_rate=4e-4)}, "eric-xw/AREL, opts.py (PyTorch)"),
    ),
    "StoryRL": Spec(
        kgan.StoryRL,
        lambda: kgan.StoryRL(9, metric=SharedWords(), **SHORT),
        (3, 6),
        {"policy": 1},
        REINFORCED,
        arguments=short_albums,
        conditional=True,
        default=("albums", lambda seed: kgan.StoryRL(len(kgan.stories.album_vocabulary()), metric=SharedWords(), photo_size=64, seed=seed)),
        replicas=DROPOUT,
        optimizers=Defaults({"policy": STORY_OPTIMIZER}, "eric-xw/AREL, opts.py (PyTorch)"),
    ),
    "StoryGAN": Spec(
        kgan.StoryGAN,
        lambda: kgan.StoryGAN(9, filters=3, log_reward=True, reward_steps=1, policy_steps=1, **SHORT),
        (3, 6),
        {"reward": 0.5, "policy": 0.5},
        REINFORCED | {"reward/adversarial"},
        arguments=short_albums,
        conditional=True,
        default=("albums", lambda seed: kgan.StoryGAN(len(kgan.stories.album_vocabulary()), photo_size=64, seed=seed)),
        replicas=DROPOUT,
        optimizers=Defaults(both(STORY_OPTIMIZER, "reward", "policy"), "eric-xw/AREL, opts.py (PyTorch)"),
    ),
    "AREL": Spec(
        kgan.AREL,
        lambda: kgan.AREL(9, filters=3, alpha=0.1, fusion="product", squash="tanh", reward_steps=1, policy_steps=1, **SHORT),
        (3, 6),
        {"reward": 0.5, "policy": 0.5},
        REINFORCED | {"reward/adversarial"},
        arguments=short_albums,
        conditional=True,
        default=("albums", lambda seed: kgan.AREL(len(kgan.stories.album_vocabulary()), photo_size=64, seed=seed)),
        replicas=DROPOUT,
        optimizers=Defaults(both(STORY_OPTIMIZER, "reward", "policy"), "eric-xw/AREL, opts.py (PyTorch)"),
    ),
}  # fmt: skip
