"""Energies, order of play, samples and prediction of the Bayesian GAN, by hand-worked numbers; the released code's faults."""

import math
import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan.networks import Ensemble, mlp
from kgan.optimizers import SGHMC


def linear(size, outputs=1, kernel="ones", bias="zeros", **kwargs):
    """One dense layer as a player."""
    x = keras.Input((size,))
    y = layers.Dense(outputs, kernel_initializer=kernel, bias_initializer=bias, name="dense", **kwargs)(x)
    return keras.Model(x, y)


def constants(*values):
    return [linear(1, kernel="zeros", bias=keras.initializers.Constant(v)) for v in values]


def small(**kwargs):
    settings = {"data_size": 100, "prior_variance": 10.0, "num_noise_batches": 1, "seed": 0, **kwargs}
    settings.setdefault("generator", constants(0.0, 2.0))
    settings.setdefault("discriminator", [linear(1)])
    return kgan.BayesianGAN((1,), **settings)


def warnings_of(call):
    """What a call has to say to its user."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(w.message) for w in caught if w.category is UserWarning]


def sp(t):
    return math.log1p(math.exp(t))


def terms(model, move, batch):
    loss = getattr(model, f"{move}_loss")(keras.tree.map_structure(ops.convert_to_tensor, batch))
    return {k: float(v.value if isinstance(v, kgan.Observation) else v) for k, v in loss.items()}


POINTS = np.array([[1.0], [3.0]], "float32")


def test_energies_of_the_generators_are_summed_over_members_and_the_prior_includes_biases():
    got = terms(small(), "generator", POINTS)
    assert got["adversarial"] == pytest.approx(sp(0.0) + sp(-2.0), rel=1e-5)
    assert got["prior"] == pytest.approx(2.0**2 / (2 * 10 * 100), rel=1e-5)  # the bias; summed, with 1/2, over N


def test_energy_of_the_discriminator_counts_the_real_term_once_and_the_best_explained_pair_most():
    """The released code multiplies the real term by J_g, and gives the weight to the worst pair."""
    real = (sp(-1.0) + sp(-3.0)) / 2
    fake = [sp(0.0), sp(2.0)]
    got = terms(small(marginal="logsumexp"), "discriminator", POINTS)
    marginal = -math.log(sum(math.exp(-100 * (f - fake[0])) for f in fake)) / 100 + fake[0]
    assert got["adversarial"] == pytest.approx(real + marginal, rel=1e-5)
    assert got["prior"] == pytest.approx(1.0 / (2 * 10 * 100), rel=1e-5)
    assert (got["real_logit"], got["fake_logit"]) == pytest.approx((2.0, 1.0))
    # What trains all members of an ensemble, and is therefore the default: all pairs alike.
    for model in (small(), small(marginal="mean")):
        assert terms(model, "discriminator", POINTS)["adversarial"] == pytest.approx(real + sum(fake) / 2, rel=1e-5)


def test_pairs_are_noise_batches_times_opponents():
    """G(z) = z: the energies of the batches are those of their latents; two discriminators double the pairs."""
    settings = {
        "generator": [linear(1)], "data_size": 1, "prior": Counting(), "num_noise_batches": None, "marginal": "logsumexp",
    }  # fmt: skip
    model = small(**settings, discriminator=[linear(1), linear(1, bias="ones")])
    generator = [sp(-0.0), sp(-1.0)]  # J_g = 1 noise batch, latents 0, under d = x and d = x + 1
    assert terms(model, "generator", POINTS)["adversarial"] == pytest.approx(
        -math.log(sum(math.exp(-e) for e in generator)), rel=1e-5
    )
    model = small(**{**settings, "num_noise_batches": 2})
    energies = [sp(0.0), sp(-1.0)]  # the second batch holds latents 1
    assert terms(model, "generator", POINTS)["adversarial"] == pytest.approx(
        -math.log(sum(math.exp(-e) for e in energies)), rel=1e-5
    )


class Counting(kgan.priors.Prior):
    """Latents 0 in the first two examples, 1 in the next two."""

    def __call__(self, shape, seed=None):
        return ops.cast(ops.arange(shape[0]) // 2, "float32")[:, None] * ops.ones(shape)


def test_semi_supervised_energies():
    """Three logits (x, 0, 0): lse is the realness; the cross-entropy is scaled to the number of labeled examples."""
    kernel = keras.initializers.RandomNormal(0.0, 0.0)
    judge = linear(1, 3, kernel)
    judge.layers[-1].kernel.assign([[1.0, 0.0, 0.0]])
    model = small(classes=3, labeled_size=20, discriminator=[judge], generator=constants(0.0), marginal="mean")
    batch = {"unlabeled": POINTS, "labeled": POINTS, "labels": np.array([0, 1])}
    lse = [math.log(math.exp(x) + 2) for x in (1.0, 3.0, 0.0)]
    got = terms(model, "discriminator", batch)
    assert got["adversarial"] == pytest.approx((sp(lse[0]) - lse[0] + sp(lse[1]) - lse[1]) / 2 + sp(lse[2]), rel=1e-5)
    assert got["supervised"] == pytest.approx(20 / 100 * ((lse[0] - 1.0) + (lse[1] - 0.0)) / 2, rel=1e-5)
    assert got["accuracy"] == 0.5
    assert terms(model, "generator", batch)["adversarial"] == pytest.approx(sp(lse[2]) - lse[2], rel=1e-5)


def test_generators_move_first_and_m_steps_are_successive():
    """The released code makes M parallel chains of the M steps, and moves the discriminator first."""
    model = small(sghmc_steps=3, burn_in=0, keep_every=1)
    assert [turn.moves[0].name for turn in model.turns()] == ["generator", "discriminator"]
    model.compile(run_eagerly=True)
    model.fit(np.zeros((6, 1), "float32"), batch_size=2, verbose=0)
    assert [int(model.optimizer[m].iterations) for m in ("generator", "discriminator")] == [3, 3]
    assert len(model.generator.members) == 2
    assert model._play.per_round == 3


def test_every_member_descends_its_own_energy():
    """The gradient of the sum for one generator is that of its own U."""
    model = small(generator=constants(0.0, 2.0), data_size=10**6)
    variables = model.generator.trainable_variables
    model.compile(optimizers={m: keras.optimizers.SGD(1.0) for m in ("generator", "discriminator")})
    before = [float(ops.sum(v)) for v in variables]

    def loss(tensors):
        with kgan.backend.Overlay(zip(variables, tensors, strict=True)):
            return model.generator_loss(ops.convert_to_tensor(POINTS))["adversarial"], None

    _, gradients = kgan.backend.value_and_gradients(loss, [kgan.backend.constant(v) for v in variables])
    assert before == [0.0, 0.0, 0.0, 2.0]
    assert [float(gradients[i][0]) for i in (1, 3)] == pytest.approx(
        [-1 / (1 + math.exp(0.0)), -1 / (1 + math.exp(2.0))], rel=1e-4
    )


def test_samples_are_kept_after_burn_in_and_pooled():
    model = small(sghmc_steps=1, burn_in=2, keep_every=2, samples_kept=2)
    model.compile(run_eagerly=True)
    said = warnings_of(lambda: model.fit(np.zeros((3, 1), "float32"), batch_size=1, verbose=0))
    assert [text for text in said if "3 rounds are played, and the first is kept after 4" in text]
    assert model.generator_samples.count() == model.discriminator_samples.count() == 0
    assert not warnings_of(lambda: model.fit(np.zeros((5, 1), "float32"), batch_size=1, verbose=0))  # rounds 4, 6, 8
    assert model.generator_samples.count() == 2
    for slot, values in enumerate(([10.0, 20.0], [30.0, 40.0])):
        bias = [c for c in model.generator_samples.copies if c.shape == (2, 1)]
        for copy, value in zip(bias, values, strict=True):
            copy.assign(np.where(np.arange(2)[:, None] == slot, value, ops.convert_to_numpy(copy)))
    for copy in model.generator_samples.copies:
        if copy.shape == (2, 1, 1):
            copy.assign(np.zeros((2, 1, 1)))
    samples = model.generate(400, seed=3)
    values, counts = np.unique(samples, return_counts=True)
    np.testing.assert_array_equal(values, [10.0, 20.0, 30.0, 40.0])
    assert counts.min() > 70
    np.testing.assert_array_equal(model.generate(400, seed=3, batch_size=7), samples)
    np.testing.assert_array_equal(model.generator.members[0].get_weights()[1] == 10.0, [False])  # generate changes nothing


def test_present_generators_share_the_samples_before_burn_in_ends():
    model = small(generator=constants(1.0, 2.0, 3.0))
    assert sorted(np.unique(model.generate(100, seed=0))) == [1.0, 2.0, 3.0]


def test_prediction_averages_probabilities_not_logits():
    judges = [linear(1, 2, "zeros"), linear(1, 2, "zeros")]
    judges[0].layers[-1].bias.assign([10.0, 0.0])
    judges[1].layers[-1].bias.assign([0.0, 1.0])
    model = small(classes=2, labeled_size=4, discriminator=judges)
    single = model.classify(POINTS, average=False)
    assert single.shape == (2, 2, 2)
    first, second = 1 / (1 + math.exp(-10)), 1 / (1 + math.exp(1))
    np.testing.assert_allclose(model.classify(POINTS)[0, 0], (first + second) / 2, rtol=1e-5)
    assert abs(model.classify(POINTS)[0, 0] - 1 / (1 + math.exp(-4.5))) > 0.3


def test_batch_statistics_are_kept_with_each_sample():
    generators = [mlp.generator((1,), 2, (3,), batch_norm=True) for _ in range(2)]
    model = kgan.BayesianGAN((1,), generator=generators, discriminator=[linear(1)], seed=0)
    statistics = [m.get_layer("norm_0").moving_mean for m in generators]
    assert statistics[0] is not statistics[1]
    copied = {id(v) for v, _ in model.generator_samples.values(0)}
    assert {id(v) for v in statistics} <= copied


def test_the_size_of_the_data():
    """Repeated examples count once; a given size stands; without either there is no posterior."""
    sampling = {"burn_in": 0, "keep_every": 1}
    model = small(data_size=None, **sampling)
    model.compile(run_eagerly=True)
    assert model.optimizer["generator"].data_size == 1
    model.fit(np.tile(np.arange(5, dtype="float32")[:, None], (4, 1)), batch_size=2, verbose=0)
    assert float(model.sizes[0]) == model.optimizer["generator"].data_size == 5
    model = small(data_size=1000, **sampling)
    model.compile(run_eagerly=True)
    model.fit(np.zeros((4, 1), "float32"), batch_size=2, verbose=0)
    assert float(model.sizes[0]) == model.optimizer["discriminator"].data_size == 1000
    model = small(data_size=None)
    model.compile(run_eagerly=True)
    stream = [np.zeros((2, 1), "float32")] * 8
    with pytest.raises(ValueError, match="data_size"):
        model.fit(Stream(stream))


class Stream(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


@pytest.mark.parametrize(("rate", "warned"), [(0.06, 1), (0.01, 0)])
def test_rates_that_diverge_warn(rate, warned):
    model = small()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.compile(optimizers={"generator": SGHMC(rate)})
    assert sum("eta * N" in str(w.message) for w in caught) == warned


def test_the_default_schedule_is_the_codes():
    model = kgan.BayesianGAN((2,), num_generators=2, data_size=6400, sghmc_steps=2, burn_in=7, seed=0)
    optimizer = model.default_optimizers()["generator"]
    assert optimizer.burn_in == 14
    rate = optimizer._learning_rate
    assert float(rate(0)) == pytest.approx(1e-2)
    assert float(rate(100)) == pytest.approx(1e-2 * math.exp(-1.5))
    assert float(rate(10**6)) == pytest.approx(1e-2 * math.exp(-3))


@pytest.mark.parametrize(
    "bad",
    [
        {"sghmc_steps": 0}, {"keep_every": 0}, {"burn_in": -1}, {"data_size": 0}, {"prior_variance": 0.0}, {"marginal": "max"},
        {"num_noise_batches": 0}, {"classes": 1}, {"samples_kept": 0}, {"generator": []}, {"discriminator": [linear(1, 2)]},
        {"classes": 3}, {"generator": constants(0.0) * 2},
    ],
)  # fmt: skip
def test_bad_arguments(bad):
    with pytest.raises((ValueError, TypeError)):
        small(**bad)


def test_default_networks():
    model = kgan.BayesianGAN((8, 8, 1), num_generators=3, num_discriminators=2, classes=4, seed=0)
    assert (model.num_generators, model.num_discriminators) == (3, 2)
    assert model.generator.members[0].count_params() == 100 * 1000 + 1000 + 1000 * 64 + 64
    assert model.discriminator.output_shape == (None, 4)
    assert isinstance(model.prior, kgan.priors.Uniform)
    starts = [m.get_weights()[0] for m in model.generator.members]
    assert np.abs(starts[0] - starts[1]).max() > 0
    assert starts[0].std() == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize("shape", [(28, 28, 1), (17, 16, 3)])
def test_image_networks(shape):
    generator = kgan.networks.bayesian.generator(shape, 5, filters=2)
    judge = kgan.networks.bayesian.discriminator(shape, 10, filters=(2, 3, 4, 5), units=6)
    assert generator.output_shape == (None, *shape)
    assert judge.output_shape == (None, 10)
    norms = [la for network in (generator, judge) for la in network.layers if isinstance(la, layers.BatchNormalization)]
    assert not any(v.trainable for norm in norms for v in norm.weights)
    assert "down_0_norm" not in {la.name for la in judge.layers}
    with pytest.raises(ValueError, match="16 pixels"):
        kgan.networks.bayesian.generator((8, 8, 1))


def test_ensemble_refuses():
    one = linear(1)
    with pytest.raises(ValueError, match="twice"):
        Ensemble([one, one])
    with pytest.raises(ValueError, match="same input"):
        Ensemble([one, linear(2)])
    with pytest.raises(ValueError, match="one or more"):
        Ensemble.of(lambda: linear(1), 0)


def test_published_widths():
    generator = kgan.networks.bayesian.generator((32, 32, 3))
    widths = [la.output.shape[-1] for la in generator.layers if isinstance(la, layers.ReLU)]
    assert widths == [512, 256, 128, 64]
    judge = kgan.networks.bayesian.discriminator((32, 32, 3), 10)
    assert [la.filters for la in judge.layers if isinstance(la, layers.Conv2D)] == [96, 192, 384, 512]
    assert judge.get_layer("hidden").units == 384


def test_subspaces():
    points = kgan.datasets.subspaces(600, 20, 2, 6, seed=0)
    np.testing.assert_allclose(points.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(points.std(0), 1, atol=1e-4)
    first = points[:100] - points[:100].mean(0)
    assert np.linalg.svd(first, compute_uv=False)[2] < 1e-3  # a plane
    np.testing.assert_array_equal(points, kgan.datasets.subspaces(600, 20, 2, 6, seed=0))
    with pytest.raises(ValueError, match="clusters"):
        kgan.datasets.subspaces(3, clusters=4)
