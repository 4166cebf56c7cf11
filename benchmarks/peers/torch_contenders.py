"""Contenders on PyTorch without Keras: the usual loop, torch-mimicry, torchgan, and the bare passes.

torch-mimicry 0.1.16 and torchgan 0.1.0 are of 2020 and 2022. They train these networks with their own losses, normalization and steps.
"""

import itertools
import sys
import types
from functools import partial
from unittest import mock

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from benchmarks.peers import systems
from benchmarks.peers.systems import BATCH_NORM_EPSILON, GRADIENT_PENALTY


def networks(system, normalize=lambda layer: layer):
    """Generator and discriminator of a system, channels first; `normalize` wraps the linear layers of SNGAN's discriminator."""
    filters, channels, latent = system.filters, system.shape[-1], system.latent
    if system.kind == "sngan":
        return _spectral(system.shape[0] // 8, filters, channels, latent, normalize)
    volume = system.kind == "threed"
    conv, deconv = (nn.Conv3d, nn.ConvTranspose3d) if volume else (nn.Conv2d, nn.ConvTranspose2d)
    normal = nn.BatchNorm3d if volume else nn.BatchNorm2d
    norm = lambda width: normal(width, BATCH_NORM_EPSILON)  # noqa: E731
    widths = [filters * 2**level for level in range(system.levels)]
    cells = (4,) * (len(system.shape) - 1)
    flat = widths[-1] * 4 ** len(cells)

    generator = [nn.Linear(latent, flat, bias=False), nn.Unflatten(1, (widths[-1], *cells)), norm(widths[-1]), nn.ReLU()]
    for wide, narrow in zip(widths[:0:-1], widths[-2::-1], strict=True):
        generator += [deconv(wide, narrow, 4, 2, 1, bias=False), norm(narrow), nn.ReLU()]
    generator += [deconv(filters, channels, 4, 2, 1, bias=False), nn.Sigmoid() if volume else nn.Tanh()]

    biases = system.kind == "wgan_gp"  # whose critic has no batch norm
    discriminator = []
    for level, (narrow, wide) in enumerate(zip([channels, *widths], widths, strict=False)):
        discriminator += [conv(narrow, wide, 4, 2, 1, bias=biases)]
        discriminator += [norm(wide)] if volume or (level and not biases) else []
        discriminator += [nn.LeakyReLU(0.2)]
    discriminator += [nn.Flatten(), nn.Linear(flat, 1, bias=biases)]
    return nn.Sequential(*generator), nn.Sequential(*discriminator)


def _spectral(base, filters, channels, latent, normalize):
    widths = [filters * 2**level for level in (3, 2, 1, 0)]
    generator = [nn.Linear(latent, base**2 * widths[0]), nn.Unflatten(1, (widths[0], base, base))]
    generator += [nn.BatchNorm2d(widths[0], 2e-5), nn.ReLU()]
    for wide, narrow in itertools.pairwise(widths):
        generator += [nn.ConvTranspose2d(wide, narrow, 4, 2, 1), nn.BatchNorm2d(narrow, 2e-5), nn.ReLU()]
    generator += [nn.Conv2d(filters, channels, 3, 1, 1), nn.Tanh()]
    discriminator, before = [], channels
    for index, factor in enumerate((1, 1, 2, 2, 4, 4, 8)):
        kernel, stride = (4, 2) if index % 2 else (3, 1)
        discriminator += [normalize(nn.Conv2d(before, factor * filters, kernel, stride, 1)), nn.LeakyReLU(0.1)]
        before = factor * filters
    discriminator += [nn.Flatten(), normalize(nn.Linear(base**2 * before, 1))]
    return nn.Sequential(*generator), nn.Sequential(*discriminator)


def initialize(*players):
    for player in players:
        for module in player.modules():
            for name in ("weight", "w_bar"):
                weight = getattr(module, name, None)
                if isinstance(weight, nn.Parameter) and weight.ndim > 1:
                    nn.init.normal_(weight, 0.0, 0.02)


def adam(system, player):
    rate, *betas = system.adam
    return torch.optim.Adam((p for p in player.parameters() if p.requires_grad), rate, tuple(betas), 1e-8)


def minibatches(system):
    """One minibatch for every discriminator step of a round."""
    shape = (system.batch, system.shape[-1], *system.shape[:-1])
    return [torch.rand(shape) for _ in range(system.steps)]


# The usual loop ------------------------------------------------------------------------------------------------------------


def plain(system, half=False):
    """`half`: under autocast to bfloat16."""
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=half)
    generator, discriminator = networks(system, parametrizations.spectral_norm)
    g_optimizer, d_optimizer = adam(system, generator), adam(system, discriminator)
    data = minibatches(system)

    def discriminator_loss(real, fake):
        real_logits, fake_logits = discriminator(real), discriminator(fake)
        if system.kind == "sngan":
            return functional.relu(1 - real_logits).mean() + functional.relu(1 + fake_logits).mean()
        if system.kind == "wgan_gp":
            return fake_logits.mean() - real_logits.mean() + GRADIENT_PENALTY * gradient_penalty(discriminator, real, fake)
        ones, zeros = torch.ones_like(real_logits), torch.zeros_like(fake_logits)
        bce = functional.binary_cross_entropy_with_logits
        return bce(real_logits, ones) + bce(fake_logits, zeros)

    def generator_loss(logits):
        if system.kind in ("sngan", "wgan_gp"):
            return -logits.mean()
        return functional.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))

    def play(rounds):
        for _ in range(rounds):
            for real in data:
                d_optimizer.zero_grad()
                with autocast:
                    fake = generator(torch.randn(system.batch, system.latent)).detach()
                    d_loss = discriminator_loss(real, fake)
                d_loss.backward()
                d_optimizer.step()
            g_optimizer.zero_grad()
            with autocast:
                g_loss = generator_loss(discriminator(generator(torch.randn(system.batch, system.latent))))
            g_loss.backward()
            g_optimizer.step()
            d_loss.item(), g_loss.item()

    return play, generator, discriminator


def gradient_penalty(discriminator, real, fake):
    mix = torch.rand(len(real), 1, 1, 1)
    points = (mix * real + (1 - mix) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(points).sum(), points, create_graph=True)
    return ((gradient.flatten(1).norm(2, dim=1) - 1) ** 2).mean()


def bare(system):
    """As `keras_contenders.bare`."""
    generator, discriminator = networks(system)
    data, noise = minibatches(system), torch.randn(system.batch, system.latent)
    g_weights, d_weights = list(generator.parameters()), list(discriminator.parameters())

    def play(rounds):
        for _ in range(rounds):
            for real in data:
                with torch.no_grad():
                    fake = generator(noise)
                if system.kind in ("sngan", "wgan_gp"):
                    logits = discriminator(torch.cat([real, fake]))
                    loss = logits[: system.batch].mean() - logits[system.batch :].mean()
                else:
                    loss = discriminator(real).mean() - discriminator(fake).mean()
                if system.kind == "wgan_gp":
                    points = fake.requires_grad_()
                    (gradient,) = torch.autograd.grad(discriminator(points).sum(), points, create_graph=True)
                    loss = loss + gradient.square().mean()
                torch.autograd.grad(loss, d_weights, allow_unused=True)
            torch.autograd.grad(discriminator(generator(noise)).mean(), g_weights)

    return play, generator, discriminator


# The old packages ----------------------------------------------------------------------------------------------------------


def _without_pictures():
    """Stand-ins for what both packages import and no training step calls: torchvision, whose published wheels want CUDA's torch."""
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        for name in ("", ".utils", ".datasets", ".transforms", ".models"):
            sys.modules[f"torchvision{name}"] = mock.MagicMock()
    sys.modules["torch._six"] = types.SimpleNamespace(PY3=True)  # gone from torch since 2.0


def mimicry(system):
    _without_pictures()
    from torch_mimicry.modules import spectral_norm
    from torch_mimicry.nets.gan import gan
    from torch_mimicry.nets.wgan_gp import wgan_gp_base
    from torch_mimicry.training.metric_log import MetricLog

    def normalize(layer):
        if isinstance(layer, nn.Linear):
            return spectral_norm.SNLinear(layer.in_features, layer.out_features)
        return spectral_norm.SNConv2d(layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding)

    loss = {"sngan": "hinge", "wgan_gp": "wasserstein"}.get(system.kind, "gan")
    penalized = system.kind == "wgan_gp"

    class Generator(wgan_gp_base.WGANGPBaseGenerator if penalized else gan.BaseGenerator):
        def forward(self, x):
            return self.network(x)

    class Discriminator(wgan_gp_base.WGANGPBaseDiscriminator if penalized else gan.BaseDiscriminator):
        def forward(self, x):
            return self.network(x)

    generator = Generator(nz=system.latent, ngf=system.filters, bottom_width=4, loss_type=loss)
    discriminator = Discriminator(ndf=system.filters, loss_type=loss)
    generator.network, discriminator.network = networks(system, normalize)
    g_optimizer, d_optimizer = adam(system, generator), adam(system, discriminator)
    data = [(real, torch.zeros(system.batch)) for real in minibatches(system)]

    def play(rounds):
        for _ in range(rounds):
            log = MetricLog()
            for real in data:
                discriminator.train_step(real, generator, d_optimizer, log, device="cpu")
            generator.train_step(data[-1], discriminator, g_optimizer, log, device="cpu")

    return play, generator, discriminator


def torchgan(system):
    """Without a hinge loss in the package, SNGAN plays the minimax one. Its gradient penalty is a step of its own, on fakes of its own,
    and of the norm over the whole minibatch.
    """
    _without_pictures()
    from torchgan import layers, losses, models

    class Generator(models.Generator):
        def forward(self, x):
            return self.network(x)

    class Discriminator(models.Discriminator):
        def forward(self, x):
            return self.network(x)

    generator, discriminator = Generator(system.latent), Discriminator(system.shape[-1])
    generator.network, discriminator.network = networks(system, layers.SpectralNorm2d)
    g_optimizer, d_optimizer = adam(system, generator), adam(system, discriminator)
    if system.kind == "wgan_gp":
        d_losses = [losses.WassersteinDiscriminatorLoss(), losses.WassersteinGradientPenalty(lambd=GRADIENT_PENALTY)]
        g_loss = losses.WassersteinGeneratorLoss()
    else:
        d_losses, g_loss = [losses.MinimaxDiscriminatorLoss()], losses.MinimaxGeneratorLoss()
    data = minibatches(system)

    def play(rounds):
        for _ in range(rounds):
            for real in data:
                for loss in d_losses:
                    loss.train_ops(generator, discriminator, d_optimizer, real, "cpu")
            g_loss.train_ops(generator, discriminator, g_optimizer, "cpu", system.batch)

    return play, generator, discriminator


def build(contender, system):
    torch.manual_seed(0)
    kinds = {"plain": plain, "plain-bfloat16": partial(plain, half=True), "bare": bare, "mimicry": mimicry, "torchgan": torchgan}
    play, *players = kinds[contender](system)
    initialize(*players)
    return play, {"parameters": [sum(p.numel() for p in player.parameters() if p.requires_grad) for player in players]}


if __name__ == "__main__":
    systems.serve(build, sys.argv[1:])
