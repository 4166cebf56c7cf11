"""Where networks start: standard deviations of kernels, biases, and batch norm, of every family as its authors' code has them.

Each row of the table names who says so. Keras reads the fans of transposed kernels, (positions, outputs, inputs), as if the axis before
the last were the inputs: initializers that tell fans apart are wrong there unless the authors' framework has the same habit (Caffe has).
"""

import math
import re
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import pytest

import kgan
from kgan import networks
from kgan.layers import EqualizedLearningRate
from kgan.networks import bidirectional, mlp, sn_cnn, sn_resnet
from kgan.networks.starting_values import StridedGlorotUniform
from kgan.stories import StoryPolicy
from kgan.stories import networks as story_networks
from tests.conformance.specs import SPECS

# A normal distribution cut off at two deviations, as Keras' and TensorFlow's truncated ones: what is left of the deviation.
CUT = 0.87962566


class Fans(NamedTuple):
    """What a formula may look at."""

    positions: int
    inputs: int
    outputs: int
    strides: int  # over all axes
    transposed: bool


def fans(layer):
    transposed = "Transpose" in type(layer).__name__
    *positions, one, other = layer.kernel.shape
    inputs, outputs = (other, one) if transposed else (one, other)
    return Fans(math.prod(positions), inputs, outputs, math.prod(getattr(layer, "strides", ())), transposed)


def glorot(f):
    return math.sqrt(2.0 / (f.positions * (f.inputs + f.outputs)))


def tflib(f):
    """`he_init` of conv2d.py and deconv2d.py in igul222/improved_wgan_training."""
    fan_in = f.inputs * f.positions / (f.strides if f.transposed else 1)
    fan_out = f.outputs * f.positions / (1 if f.transposed else f.strides)
    return math.sqrt(4.0 / (fan_in + fan_out))


def unstrided(f):
    """sqrt(2) times Glorot's: `GlorotUniform(sqrt(2))` of pfnet-research/sngan_projection, and tflib's without strides."""
    return math.sqrt(2.0) * glorot(f)


def he(f):
    return math.sqrt(2.0 / (f.positions * f.inputs))


def msra(f):
    """Caffe's filler: count / num, which are the inputs of a convolution and the outputs of a transposed one."""
    return math.sqrt(2.0 / (f.positions * (f.outputs if f.transposed else f.inputs)))


def orthogonal(gain):
    return lambda f: gain / math.sqrt(max(f.inputs, f.outputs))


def code_offset(f):
    return 0.02 * 25


class Norm(NamedTuple):
    """Of every batch norm: `epsilon`, `momentum`, and the deviation of its gains around 1."""

    epsilon: float
    momentum: float = 0.9
    gains: float = 0.0


class Row(NamedTuple):
    """`build` makes networks; `kernels` maps patterns of the names of layers to a deviation or a formula; `biases`: their deviation."""

    source: str
    build: Callable
    kernels: dict
    norm: Norm | None = None
    biases: float = 0.0


def players(build, *names):
    def made():
        model = build()
        return [getattr(model, name) for name in names or ("generator", "discriminator")]

    return made


def coupled(name, size, **kwargs):
    shapes = dict.fromkeys(("one", "two"), (size, size, 1))

    def made():
        whole = [networks.coupled.generator(shapes, architecture=name, width=0.1, **kwargs)]
        whole.append(networks.coupled.discriminator(shapes, architecture=name, width=0.1, **kwargs))
        return [
            part
            for network in whole
            for part in (network.trunk, *getattr(network, "heads", getattr(network, "stems", {})).values())
        ]

    return made


ALL = ".*"
DCGAN = Norm(1e-8, 0.9, 0.02)
TORCH_DCGAN = Norm(1e-5, 0.9, 0.02)
TENSORFLOW_DCGAN = Norm(1e-5)
RESIDUAL = {r"block_\d+_conv_.": unstrided, r"project|output|logit|input|block_\d+_shortcut": glorot}
TOY = {r"hidden_\d": he, "output|logit": glorot}
OURS = "ours: no code says so"

ROWS = {
    "GAN, points": Row(OURS, players(lambda: kgan.GAN((2,))), {ALL: glorot}),
    "GAN, maxout": Row("goodfeli/adversarial, mnist.yaml", lambda: [mlp.maxout_discriminator((784,))], {ALL: 0.005 / 3**0.5}),
    "DCGAN": Row("Newmu/dcgan_code, faces/train_uncond_dcgan.py", players(lambda: kgan.DCGAN((16, 16, 3))), {ALL: 0.02}, DCGAN),
    "DCGAN, 28 pixels": Row(
        "Newmu/dcgan_code, mnist/train_cond_dcgan.py", players(lambda: kgan.DCGAN((28, 28, 1))), {ALL: 0.02}, Norm(1e-8)
    ),
    "DCGAN, narrow": Row(
        "Newmu/dcgan_code; below its widths the epsilon is ours",
        players(lambda: kgan.DCGAN((32, 32, 3), filters=12)),
        {ALL: 0.02},
        Norm(1e-3, 0.9, 0.02),
    ),
    "DRAGAN": Row("DCGAN's", players(lambda: kgan.DRAGAN((32, 32, 3), filters=12)), {ALL: 0.02}, DCGAN),
    "DRAGAN, points": Row("WGANGP's", players(lambda: kgan.DRAGAN((2,))), TOY),
    "WGAN": Row(
        "martinarjovsky/WassersteinGAN, main.py; torch's batch norm",
        players(lambda: kgan.WGAN((32, 32, 3), filters=12)),
        {ALL: 0.02},
        TORCH_DCGAN,
    ),
    "WGAN, points": Row("igul222/improved_wgan_training, gan_toy.py", players(lambda: kgan.WGAN((2,))), TOY),
    "FisherGAN": Row(
        "tomsercu/FisherGAN, models/dcgan.py; torch's batch norm",
        players(lambda: kgan.FisherGAN((32, 32, 3), filters=12, discriminator_extra_layers=2)),
        {ALL: 0.02},
        TORCH_DCGAN,
    ),
    "FisherGAN, points": Row(OURS, players(lambda: kgan.FisherGAN((2,))), {ALL: glorot}),
    "WGANGP": Row(
        "igul222/improved_wgan_training, gan_cifar_resnet.py and tflib; its batch norm always uses the batch, 0.9 is ours",
        players(lambda: kgan.WGANGP((32, 32, 3), width=0.125)),
        RESIDUAL,
        Norm(1e-5),
    ),
    "WGANGP, 64 pixels": Row(
        "igul222/improved_wgan_training, gan_64x64.py: GoodGenerator, GoodDiscriminator",
        players(lambda: kgan.WGANGP((64, 64, 3), width=0.125)),
        {r"block_\d+_conv_.|output": unstrided, r"project|input|logit|block_\d+_shortcut": glorot},
        Norm(1e-5),
    ),
    "WGANGP, small": Row(
        "igul222/improved_wgan_training, gan_cifar.py and tflib",
        players(lambda: kgan.WGANGP((32, 32, 3), architecture="dcgan", width=0.25)),
        {"project|logit": glorot, r"up_\d|down_\d|output": tflib},
        Norm(1e-5),
    ),
    "WGANGP, points": Row("igul222/improved_wgan_training, gan_toy.py", players(lambda: kgan.WGANGP((2,))), TOY),
    "SNGAN": Row(
        "pfnet-research/chainer-gan-lib, common/net.py; Chainer's batch norm",
        lambda: [sn_cnn.generator(width=0.2), sn_cnn.discriminator(width=0.2)],
        {ALL: 0.02},
        Norm(2e-5),
    ),
    "SNGAN, residual": Row(
        "pfnet-research/sngan_projection, resblocks.py, resnet_32.py, snresnet_32.py; Chainer's batch norm",
        lambda: [sn_resnet.generator(width=0.125), sn_resnet.discriminator(width=0.125)],
        RESIDUAL,
        Norm(2e-5),
    ),
    "MMDGAN": Row(
        "OctoberChang/MMD-GAN, base_module.py; torch's batch norm",
        players(lambda: kgan.MMDGAN((32, 32, 3), filters=12), "generator", "encoder", "decoder"),
        {ALL: 0.02},
        TORCH_DCGAN,
    ),
    "MMDGAN, points": Row(OURS, players(lambda: kgan.MMDGAN((2,)), "generator", "encoder", "decoder"), {ALL: glorot}),
    "D2GAN, points": Row(
        "tund/D2GAN, models.py, ops.py",
        players(lambda: kgan.D2GAN((2,)), "generator", "discriminator", "reverse_discriminator"),
        {ALL: 0.01},
    ),
    "D2GAN": Row(
        "no code; DCGAN's in TensorFlow",
        players(lambda: kgan.D2GAN((16, 16, 1), filters=12), "generator", "discriminator", "reverse_discriminator"),
        {ALL: 0.02},
        TENSORFLOW_DCGAN,
    ),
    "ModeRegularizedGAN": Row(
        "no code; DCGAN's in TensorFlow",
        players(lambda: kgan.ModeRegularizedGAN((16, 16, 1), filters=12), "generator", "discriminator", "encoder"),
        {ALL: 0.02},
        TENSORFLOW_DCGAN,
    ),
    "MDGAN, points": Row(
        OURS, players(lambda: kgan.MDGAN((2,)), "generator", "discriminator", "manifold_discriminator", "encoder"), {ALL: glorot}
    ),
    "DFMGAN": Row(
        "no code; DCGAN's in TensorFlow",
        players(lambda: kgan.DFMGAN((16, 16, 1), filters=12, denoiser_layers=1), "generator", "discriminator"),
        {ALL: 0.02},
        TENSORFLOW_DCGAN,
    ),
    "DualingGAN": Row(OURS, players(lambda: kgan.DualingGAN((8, 8, 1)), "generator"), {ALL: glorot}, Norm(1e-3)),
    "DualingGAN, points": Row(OURS, players(lambda: kgan.DualingGAN((2,)), "generator"), {ALL: glorot}),
    "TrustRegionDualingGAN, points": Row(OURS, players(lambda: kgan.TrustRegionDualingGAN((2,))), {ALL: glorot}),
    "GMMN": Row(OURS, players(lambda: kgan.GMMN((8, 8, 1)), "generator"), {ALL: glorot}),
    "FGAN": Row("ours; Chainer's batch norm", players(lambda: kgan.FGAN((8, 8, 1))), {ALL: glorot}, Norm(2e-5)),
    "ConsensusGAN": Row(
        "LMescheder/TheNumericsOfGANs, models/dcgan3_nobn_cf.py: slim's default",
        players(lambda: kgan.ConsensusGAN((16, 16, 1))),
        {ALL: glorot},
    ),
    "UnrolledGAN, points": Row("its appendix A", players(lambda: kgan.UnrolledGAN((2,))), {ALL: orthogonal(0.8)}),
    "GradientRegularizedGAN": Row(
        "locuslab/gradient_regularized_gan, gaussian-toy-regularized.py",
        players(lambda: kgan.GradientRegularizedGAN((2,))),
        {ALL: orthogonal(0.8)},
    ),
    "UnrolledGAN": Row(
        "no code; slim's default kernels and epsilon", players(lambda: kgan.UnrolledGAN((16, 16, 1))), {ALL: glorot}, Norm(1e-3)
    ),
    "ImprovedGAN": Row(
        "openai/improved-gan, train_cifar_feature_matching.py, nn.py",
        lambda: [networks.improved.generator(filters=16), networks.improved.classifier(filters=16)],
        {ALL: 0.05},
        Norm(1e-6),
    ),
    "ImprovedGAN, vectors": Row(
        "openai/improved-gan, train_mnist_feature_matching.py, nn.py; the output's lengths are 1 there",
        lambda: [networks.improved.perceptron_generator((784,)), networks.improved.perceptron_classifier((784,), 10)],
        {r"generator/hidden_\d": glorot, "generator/output": 500**-0.5, r"discriminator/.*": 0.1},
        Norm(1e-6),
    ),
    "TripleGAN": Row(
        "zhenxuan00/triple-gan, SVHN",
        lambda: [networks.triple.generator(filters=8), networks.triple.discriminator(filters=8)],
        {
            "generator/output|discriminator/logit": lambda f: (f.positions * f.inputs) ** -0.5,  # weight norm's lengths: 1
            r"(?!generator/output$|discriminator/logit$).*/.*": 0.05,
        },
        Norm(1e-6),
    ),
    "TripleGAN, classifier; StructuredGAN": Row(
        "zhenxuan00/triple-gan, SVHN; thudzj/StructuredGAN, SVHN; Lasagne's batch norm",
        lambda: [
            networks.triple.classifier(filters=8),
            networks.triple.encoder((32, 32, 3), 10, 8),
            networks.triple.latent_discriminator((32, 32, 3), 10, 8, 16),
        ],
        {ALL: 0.05},
        Norm(1e-4),
    ),
    "InfoGAN": Row(
        "openai/InfoGAN, custom_ops.py",
        players(lambda: kgan.InfoGAN((28, 28, 1)), "generator", "discriminator", "recognizer"),
        {r"down_\d": CUT * 0.02, "hidden|project|up|output|logit|codes": 0.02},
        TORCH_DCGAN,
    ),
    "EBGAN": Row(OURS, players(lambda: kgan.EBGAN((8, 8, 1))), {ALL: glorot}, Norm(1e-3)),
    "EBGAN, images": Row(
        "DCGAN's kernels, to which the paper points; the epsilon is Keras'",
        lambda: [networks.autoencoders.convolutional((32, 32, 1), 8)],
        {ALL: 0.02},
        Norm(1e-3),
    ),
    "EBGAN, ladder": Row(
        OURS,
        lambda: [networks.autoencoders.ladder((64,), 10, (40, 30))],
        {r"hidden_\d": lambda f: he(f), r"above_\d": glorot, "logits": 0.0},
        Norm(1e-3),
    ),
    "CalibratedEBGAN": Row(
        OURS,
        players(lambda: kgan.CalibratedEBGAN((2,), entropy="variational"), "generator", "discriminator", "posterior"),
        {ALL: glorot},
        Norm(1e-3),
    ),
    "CatGAN": Row(OURS, players(lambda: kgan.CatGAN((64,))), {ALL: glorot}, Norm(1e-3)),
    "BiGAN, vectors": Row("jeffdonahue/bigan, net.py", lambda: bidirectional.perceptrons((784,)), {ALL: 0.02}, Norm(1e-8, 0.95)),
    "BiGAN": Row(
        "jeffdonahue/bigan, net.py: apply_cond",
        lambda: bidirectional.convolutional((32, 32, 3), size=16),
        {"(up|down)_._code": code_offset, r"conv_\d|up_\d|down_\d|project|output|logit": 0.02},
        Norm(1e-8, 0.95),
    ),
    "ALI": Row(
        "IshmaelBelghazi/ALI, ali_cifar10.py; Blocks' batch norm",
        lambda: networks.ali.convolutional(width=0.25),
        {ALL: 0.01},
        Norm(1e-4, 0.95),
    ),
    "ALI, points": Row(
        "IshmaelBelghazi/ALI, ali_mixture.py; Blocks' batch norm",
        lambda: bidirectional.stochastic_perceptrons((2,)),
        {ALL: 0.02},
        Norm(1e-4, 0.95),
    ),
    "VEEGAN, points": Row("akashgit/VEEGAN: slim's default", lambda: bidirectional.veegan_perceptrons((2,)), {ALL: glorot}),
    "VEEGAN": Row(
        "DCGAN's kernels; the epsilon is ours",
        lambda: bidirectional.veegan_convolutional((32, 32, 1), filters=12),
        {ALL: 0.02},
        Norm(1e-3, 0.9, 0.02),
    ),
    "AugmentedBiGAN": Row(
        "ours, VEEGAN's", players(lambda: kgan.AugmentedBiGAN((64,)), "encoder", "generator", "discriminator"), {ALL: glorot}
    ),
    "ManifoldSSL": Row(
        "the classifier and the matcher are ImprovedGAN's, the rest is VEEGAN's",
        players(lambda: kgan.ManifoldSSL((64,), classes=10), "encoder", "generator", "discriminator", "classifier", "matcher"),
        {r"(encoder|generator|discriminator)/.*|matcher/hidden_\d": glorot, "classifier/.*": 0.1, "matcher/output": 256**-0.5},
        Norm(1e-6),
    ),
    "ManifoldSSL, images": Row(
        "the first game is VEEGAN's, DCGAN's kernels",
        lambda: bidirectional.veegan_convolutional((32, 32, 3), filters=12),
        {ALL: 0.02},
        Norm(1e-3, 0.9, 0.02),
    ),
    "PixelGANAutoencoder": Row(
        OURS,
        lambda: [
            *players(lambda: kgan.PixelGANAutoencoder((14, 14, 1)), "encoder", "discriminator")(),
            networks.PixelCNN((8, 8, 1), 10, filters=24, depth=2).network,
        ],
        {ALL: glorot},
    ),
    "BadGAN": Row(
        "kimiyoung/ssl_bad_gan and openai/improved-gan, which it builds on; ours: the last of the generator, as ImprovedGAN's",
        players(lambda: kgan.BadGAN((64,), classes=10)),
        {r"generator/hidden_\d": glorot, "generator/output": 500**-0.5, "discriminator/.*": 0.1},
        Norm(1e-6),
    ),
    "BadGAN, density": Row(
        "openai/pixel-cnn, nn.py, under weight normalization",
        lambda: [networks.PixelCNNPlusPlus((8, 8, 1), filters=24, blocks=1, resolutions=2).network],
        {ALL: 0.05},
    ),
    "FlowGAN": Row(
        "ours; a flow starts near 0",
        lambda: [
            networks.optical_flow.plain(1),
            networks.optical_flow.pyramid(32, 32, 1, 2),
            networks.optical_flow.patch_judge(1, 23, 12),
        ],
        {r".*/(flow|residual_\d)": 0.01, r"(?!.*/(flow|residual_\d)$).*/.*": glorot},
    ),
    "VideoPredictor": Row(
        "ours: Keras'",
        lambda: [
            networks.video.stage((4, 16, 16, 1), 1),
            networks.video.judge((16, 16, 1)),
        ],
        {ALL: glorot},
    ),
    "IntentionGAIL": Row(
        "ours; a policy starts in the middle of its box",
        lambda: [networks.control.gaussian_policy(4, 40, (64, 64)), networks.control.perceptron(4)],
        {"policy/means": lambda f: 0.1 * glorot(f), r".*/(hidden_\d|outputs)": glorot},
    ),
    "BayesianGAN": Row(
        "andrewgordonwilson/bayesgan, bgan.py: initialize_wgts, biases as well; dcgan_ops.py",
        lambda: [
            networks.bayesian.generator((32, 32, 3), filters=12),
            networks.bayesian.discriminator((32, 32, 3), filters=(12, 24, 48, 64), units=48),
        ],
        {ALL: 0.02},
        Norm(1e-5),
        biases=0.02,
    ),
    "CausalGAN": Row(
        "mkocaoglu/CausalGAN, causal_dcgan/ops.py",
        lambda: list(networks.causal.image_networks((32, 32, 3), 5, filters=12, kernels=20, kernel_size=10)),
        {
            r"discriminator/down_\d|.*labeler/down_\d|discriminator/minibatch_\d": CUT * 0.02,
            r"generator/.*|.*/logit|.*/minibatch_similarities": 0.02,
        },
        TENSORFLOW_DCGAN,
    ),
    "CausalBEGAN": Row(
        "mkocaoglu/CausalGAN, causal_began/models.py: slim's default",
        lambda: list(networks.causal.boundary_networks((16, 16, 3), 5, filters=12)),
        {ALL: glorot},
    ),
    "CausalController": Row(
        "mkocaoglu/CausalGAN, causal_controller/models.py: slim's default",
        players(lambda: kgan.CausalController("faces")),
        {ALL: glorot},
    ),
    "CoGAN, digits": Row(
        "mingyuliutw/CoGAN, gan_lib.py; Caffe's fillers and batch norm; 0.9 is ours (Caffe: 0.999)",
        coupled("mnist", 28),
        {"up_0": math.sqrt(2.0 / 100), r"up_[1-9]|output|down_\d|hidden|logit": msra},
        Norm(1e-5),
    ),
    "CoGAN, faces": Row(
        "mingyuliutw/CoGAN, celeba.train.ptt; Caffe's batch norm; 0.9 is ours (Caffe: 0.999)",
        coupled("faces", 32),
        {ALL: 0.02},
        Norm(1e-5),
    ),
    "CoGAN, small": Row(OURS, coupled("small", 8), {ALL: glorot}, Norm(1e-5)),
    "DomainTransferNetwork": Row(
        "ours, DCGAN's; torch's batch norm",
        players(lambda: kgan.DomainTransferNetwork(networks.transfer.classifier((32, 32, 3), 4, 0.1), (32, 32, 1), filters=12)),
        {ALL: 0.02},
        TORCH_DCGAN,
    ),
    "DomainTransferNetwork, features": Row(
        OURS, lambda: [networks.transfer.classifier((32, 32, 3), 40, 0.25)], {ALL: glorot}, Norm(1e-5)
    ),
    "DualAgentGAN": Row(
        OURS,
        players(lambda: kgan.DualAgentGAN((16, 16, 3), classes=9, filters=12, blocks=2, discriminator_filters=12)),
        {ALL: glorot},
    ),
    "DualAgentGAN, perceptrons": Row(
        OURS,
        lambda: [
            networks.refiner.perceptron((8, 8, 3)),
            networks.autoencoders.perceptron((8, 8, 3), nonlinearity="elu", classes=10),
        ],
        {ALL: glorot},
    ),
    "LRGAN": Row(
        "ours, jwyang/lr-gan.pytorch has torch's; torch's batch norm",
        lambda: [
            getattr(networks.layered.generator((16, 16, 3), 20, foregrounds=2, filters=12), part)
            for part in ("background", "foreground", "encoder", "first_encoder")
        ],
        {r"project|up_\d|.*_maps|code|maps_code": glorot},
        Norm(1e-5),
    ),
    "RenderGAN": Row(
        "berleon/deepdecoder, networks.py: Keras 1's, get_details: init='normal'; ours: Norm",
        lambda: [
            networks.rendered.generator(kgan.layers.TagRenderer(), (32, 32, 1), 18, 12, filters=12),
            networks.rendered.discriminator((32, 32, 1), 12),
        ],
        {"detail": 0.05, r"(?!.*/detail$).*/.*": glorot},
        Norm(1e-3),
    ),
    "ThreeDGAN": Row(
        "its ports; torch's batch norm",
        lambda: [
            networks.volumetric.generator((16, 16, 16, 1), filters=12),
            networks.volumetric.discriminator((16, 16, 16, 1), filters=12),
        ],
        {ALL: 0.02},
        Norm(1e-5),
    ),
    "ThreeDVAEGAN": Row(
        "its ports; torch's batch norm",
        lambda: [networks.volumetric.image_encoder((32, 32, 1), filters=12)],
        {ALL: 0.02},
        Norm(1e-5),
    ),
    "ProGAN": Row(
        "tkarras/progressive_growing_of_gans, networks.py: get_weight, on every call",
        lambda: [
            networks.progressive.ProgressiveGenerator((16, 16, 3), 64, 512, 32),
            networks.progressive.ProgressiveDiscriminator((16, 16, 3), 512, 32),
        ],
        {"pixels|logit": lambda f: he(f) / 2**0.5, "project": lambda f: 2**0.5 / 4 / f.inputs**0.5, "maps|conv|conv_.|dense": he},
    ),
    "SteganographyGAN": Row(
        "jhayes14/advsteg, ops.py",
        lambda: [networks.steganography.hider((32, 32, 3), 20, 12), networks.steganography.reader((32, 32, 3), 20, 12)],
        {r"eve/down_\d": CUT * 0.02, r"alice/.*|eve/output": 0.02},
        TENSORFLOW_DCGAN,
    ),
}


def layers_of(network):
    """All layers with a kernel, once, as `(name, layer, factor with which the kernel is used)`."""
    found = {}
    for layer in network._flatten_layers():
        if isinstance(layer, EqualizedLearningRate):
            found[id(layer.layer)] = (layer.layer, layer.scale)
        elif getattr(layer, "kernel", None) is not None and not isinstance(layer, keras.layers.Wrapper):
            found.setdefault(id(layer), (layer, 1.0))
    return [(f"{network.name}/{layer.name}", layer, factor) for layer, factor in found.values()]


def check(what, values, stddev, mean=0.0):
    """Mean and deviation within five standard errors."""
    error = 5.0 / math.sqrt(2 * values.size)
    assert abs(values.mean() - mean) < 5.0 * stddev / math.sqrt(values.size) + 1e-6, (
        f"{what}: mean {values.mean():.4g}, not {mean}"
    )
    assert abs(values.std() / stddev - 1.0) < error, f"{what}: {values.std():.4g}, not {stddev:.4g} (+- {error:.1%})"


def expected(kernels, name):
    # Patterns are of a layer's name, or of network/layer.
    found = [
        value for pattern, value in kernels.items() if re.fullmatch(pattern, name) or re.fullmatch(pattern, name.split("/")[1])
    ]
    assert len(found) == 1, f"{name}: {len(found)} patterns"
    return found[0]


@pytest.fixture(autouse=True)
def same_numbers():
    keras.utils.set_random_seed(7)


ELSEWHERE = {
    "AdaGAN": "its component's, GAN's or DCGAN's",
    **dict.fromkeys(("StoryXE", "StoryRL", "StoryGAN", "AREL"), "test_storytellers_start_as_the_authors"),
}


def test_every_family_has_a_row_or_a_reason():
    rows = {family for name in ROWS for family in re.split(", |; ", name)}
    families = {spec.family.__name__ for spec in SPECS.values()}
    assert families - rows == set(ELSEWHERE)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_kernels_and_biases_start_as_the_authors(row):
    for network in row.build():
        for name, layer, factor in layers_of(network):
            value = expected(row.kernels, name)
            stddev = value(fans(layer)) if callable(value) else value
            values = keras.ops.convert_to_numpy(layer.kernel) * factor
            if values.size >= 32:
                check(name, values, stddev)
            bias = getattr(layer, "bias", None)
            if bias is not None and row.biases and bias.shape[0] >= 32:
                check(f"{name}, bias", keras.ops.convert_to_numpy(bias), row.biases)
            elif bias is not None and not row.biases:
                assert not np.any(keras.ops.convert_to_numpy(bias)), name


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_batch_norm_is_the_authors(row):
    norms = [
        layer
        for network in row.build()
        for layer in network._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert bool(norms) == (row.norm is not None)
    for layer in norms:
        assert (layer.epsilon, layer.momentum) == row.norm[:2], layer.name
        if layer.scale and row.norm.gains:
            check(f"{layer.name}, gains", keras.ops.convert_to_numpy(layer.gamma), row.norm.gains, 1.0)
        elif layer.scale:
            assert np.all(keras.ops.convert_to_numpy(layer.gamma) == 1.0), layer.name


def test_weight_normalized_output_has_unit_lengths():
    output = networks.improved.perceptron_generator((784,)).get_layer("output_wn")
    np.testing.assert_allclose(keras.ops.convert_to_numpy(output.g), 1.0, atol=0.2)
    assert abs(float(keras.ops.mean(output.g)) - 1.0) < 0.01


def test_storytellers_start_as_the_authors():
    """eric-xw/AREL, models.py: linear layers and embeddings U(-0.1, 0.1), no biases; torch's own of its GRUs and convolutions."""
    policy, reward = StoryPolicy(200, 40, 5, 8, units=64), story_networks.reward(200, 40, 8, 20, 12, (2, 3))
    for name in ("photo_in", "residual", "first_state", "word_in", "context_in", "hidden", "logit", "words"):
        layer = getattr(policy, name)
        values, *biases = layer.get_weights()
        check(name, values, 0.1 / 3**0.5)
        assert np.abs(values).max() <= 0.1
        assert not any(np.any(b) for b in biases), name
    for name, units in (("reader", 32), ("decoder", 64)):
        for weight in getattr(policy, name).weights:
            if weight.dtype == "float32":  # no counter of a dropout
                check(f"{name}, {weight.name}", keras.ops.convert_to_numpy(weight), (units * 3) ** -0.5)
    assert (policy.photo_norm.epsilon, policy.photo_norm.momentum) == (1e-5, 0.9)
    check("word vectors", reward.get_layer("word_vectors").get_weights()[0], 0.25 / 3**0.5)
    for name in ("conv_2", "conv_3", "photo", "score"):  # torch: uniform in 1 / sqrt(fan-in); ours: no biases
        kernel, bias = reward.get_layer(name).get_weights()
        check(name, kernel, (3 * math.prod(kernel.shape[:-1])) ** -0.5)
        assert not np.any(bias)


# WGAN-GP ------------------------------------------------------------------------------------------------------------------


def test_strided_initializer_is_serializable_and_drawn_anew_by_clones():
    start = StridedGlorotUniform(2.0, 2)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(start))
    assert (again.gain, again.strides, again.seed) == (2.0, 2, None)
    numbers = [np.asarray(keras.ops.convert_to_numpy(initializer((5, 5, 4, 3)))) for initializer in (start, start.clone(), again)]
    assert all(np.abs(a - b).max() > 0.01 for a, b in ((numbers[0], numbers[1]), (numbers[0], numbers[2])))
    seeded = StridedGlorotUniform(2.0, 2, seed=3)
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(s((4, 3))) for s in (seeded, seeded.clone())))
    with pytest.raises(ValueError, match="strides"):
        StridedGlorotUniform(strides=0)


def test_strided_initializer_by_hand():
    # Convolution 5x5, 3 -> 128, stride 2: fans 75 and 800. Its adjoint has the same kernel and the same numbers.
    assert math.isclose(StridedGlorotUniform(2.0, 2).stddev((5, 5, 3, 128)), math.sqrt(4 / 875))
    assert math.isclose(StridedGlorotUniform(1.0).stddev((100, 50)), math.sqrt(2 / 150))
    values = keras.ops.convert_to_numpy(StridedGlorotUniform(2.0, 2)((5, 5, 3, 128)))
    assert 0.99 < np.abs(values).max() / math.sqrt(12 / 875) <= 1.0


def test_first_pictures_of_wgan_gp_are_not_saturated():
    """Keras' He-uniform saturated 32 % of them."""
    generator = kgan.WGANGP((32, 32, 3), architecture="dcgan", seed=0).generator
    pictures = keras.ops.convert_to_numpy(generator(keras.random.normal((16, 128), seed=1), training=True))
    assert 0.01 < np.mean(np.abs(pictures) > 0.99) < 0.08


def test_first_convolutions_of_critics():
    """The codes' numbers at full width, by which Keras' He-uniform was 4.7 times too large in the residual critic, 2.4 times in this."""
    small = kgan.WGANGP((32, 32, 3), architecture="dcgan").discriminator.get_layer("down_0")
    residual = kgan.WGANGP((32, 32, 3)).discriminator.get_layer("block_0_conv_0")
    for layer, deviation in ((small, math.sqrt(4 / (75 + 800))), (residual, math.sqrt(4 / (27 + 1152)))):
        assert abs(keras.ops.convert_to_numpy(layer.kernel).std() / deviation - 1) < 0.05


@pytest.mark.parametrize("size", [64, 128])
def test_wgan_gp_works_at_large_sizes(size):
    model = kgan.WGANGP((size, size, 3), width=1 / 32, latent_size=8, discriminator_steps=1, seed=0)
    with_dropout = kgan.WGANGP((size, size, 3), width=1 / 32, consistency=2.0).discriminator
    assert [layer.rate for layer in with_dropout.layers if isinstance(layer, keras.layers.Dropout)] == [0.2, 0.5, 0.5]
    maps = {layer.name: layer.output.shape[1:] for layer in model.generator.layers + model.discriminator.layers}
    assert [maps[name] for name in ("reshape", f"block_{size}", "block_4")] == [(4, 4, 16), (size, size, 2), (4, 4, 16)]
    assert [player.output_shape[1:] for player in (model.generator, model.discriminator)] == [(size, size, 3), (1,)]
    assert [m.generator_batch for m in (model, kgan.WGANGP((8, 8, 1), width=1 / 32))] == [1, 2]
    model.compile(run_eagerly=True)
    images = np.random.default_rng(0).uniform(-1, 1, (2, size, size, 3)).astype("float32")
    before = [w.copy() for w in model.generator.get_weights()]
    history = model.fit(images, batch_size=2, epochs=1, verbose=0).history
    assert all(np.isfinite(history[key][0]) for key in history)
    assert any(np.abs(a - b).max() > 0 for a, b in zip(before, model.generator.get_weights(), strict=True))


def test_good_networks_have_the_codes_maps():
    generator, critic = networks.wgan_gp.generator(), networks.wgan_gp.discriminator()
    assert generator.get_layer("project").kernel.shape == (128, 4 * 4 * 512)
    assert [generator.get_layer(f"block_{s}_conv_1").kernel.shape[-2:] for s in (8, 16, 32, 64)] == [
        (512, 512), (256, 256), (128, 128), (64, 64),
    ]  # fmt: skip
    assert [critic.get_layer(f"block_{s}_conv_1").kernel.shape[-2:] for s in (32, 16, 8, 4)] == [
        (64, 128), (128, 256), (256, 512), (512, 512),
    ]  # fmt: skip
    assert critic.get_layer("logit").kernel.shape == (4 * 4 * 512, 1)
    assert [generator.get_layer(f"block_8_conv_{k}").use_bias for k in (0, 1)] == [False, True]


def test_critic_of_large_pictures_does_not_mix_examples():
    critic = networks.wgan_gp.discriminator((16, 16, 3), 2)
    x = np.random.default_rng(0).uniform(-1, 1, (3, 16, 16, 3)).astype("float32")
    together = keras.ops.convert_to_numpy(critic(x, training=True))
    alone = np.concatenate([keras.ops.convert_to_numpy(critic(x[i : i + 1], training=True)) for i in range(3)])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_sizes_that_no_networks_take_are_refused_with_what_to_do():
    with pytest.raises(ValueError, match=r'8, 16, 32, 48.*architecture="dcgan"'):
        kgan.WGANGP((24, 24, 1))
