"""LR-GAN: what `compose` returns is what is generated; networks and limits that are none are refused."""

import numpy as np
import pytest

import kgan
from kgan.networks import layered


def small(**kwargs):
    return kgan.LRGAN((16, 16, 1), **{"filters": 2, "discriminator_filters": 2, "noise_size": 3, "seed": 0, **kwargs})


@pytest.mark.parametrize("foregrounds", [1, 2])
def test_layers_compose_to_what_is_generated(foregrounds):
    model = small(foregrounds=foregrounds)
    parts = model.compose(5, seed=3, batch_size=2)
    np.testing.assert_allclose(parts["canvases"][:, -1], model.generate(5, seed=3), atol=1e-5)
    for step in range(foregrounds):
        mask, before = parts["masks"][:, step], parts["canvases"][:, step]
        np.testing.assert_allclose(
            parts["canvases"][:, step + 1], mask * parts["appearances"][:, step] + (1 - mask) * before, atol=1e-5
        )
    assert parts["poses"].shape == (5, foregrounds, 2, 3)
    np.testing.assert_allclose(parts["poses"][..., 0, 0], 1.2, rtol=1e-6)


def test_the_encoder_of_the_first_step_is_shared_where_maps_are_alike():
    assert layered.generator((32, 32, 1), 3, 2, filters=2).first_encoder is not None
    assert layered.generator((64, 64, 1), 3, 2, filters=2).first_encoder is None
    assert small().generator.encoder is None


def test_refusals():
    with pytest.raises(ValueError, match="power of two"):
        kgan.LRGAN((24, 24, 1), filters=2, noise_size=3)
    with pytest.raises(ValueError, match="looked up at least"):
        small(pose_scale=0.9)
    with pytest.raises(ValueError, match="looked up at least"):
        small(pose_scale=1.2, start_scale=2.5)
    with pytest.raises(ValueError, match="foregrounds"):
        small(foregrounds=0)
    with pytest.raises(TypeError, match="LayeredGenerator"):
        small(generator=kgan.networks.mlp.generator((16, 16, 1), 6))
    with pytest.raises(TypeError, match="sets `latent_size` itself"):
        small(latent_size=5)
