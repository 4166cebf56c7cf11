"""What is particular to CoGAN: shared means the same variable, one latent for all domains, adaptation, the way from domain to domain."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import backend
from kgan.networks import coupled, mlp
from tests.families.pairs import evaluate, linear, softplus

SHAPES = {"a": (8, 8, 1), "b": (8, 8, 1)}
QUICK = {"restarts": 2, "steps": 100, "learning_rate": 0.1, "seed": 0}


def ids(network):
    return {id(v) for v in network.trainable_variables}


def small(**kwargs):
    keras.utils.set_random_seed(3)
    return kgan.CoGAN(SHAPES, width=0.1, epsilon=1e-3, latent_size=3, seed=0, **kwargs)


def test_weights_of_adaptation_and_decay_are_the_authors():
    """20 and 0.02, sums over domains of what their second code halves (10, 0.01), and 1e-3 likewise (5e-4)."""
    model = small(classes=3)
    assert (model.classification_weight, model.feature_weight, model.weight_decay) == (20.0, 0.02, 1e-3)


# Sharing -------------------------------------------------------------------------------------------------------------------


@pytest.mark.only("tensorflow", "torch")  # on JAX every operation of an eager step is compiled by itself
def test_shared_layers_are_the_same_variables_before_and_after_training():
    model = small()
    model.compile(run_eagerly=True)
    parts = [
        model.generator.trunk,
        *model.generator.heads.values(),
        model.discriminator.trunk,
        *model.discriminator.stems.values(),
    ]
    before = [[(id(v), ops.convert_to_numpy(v).copy()) for v in part.trainable_variables] for part in parts]
    # Every variable is in one part alone, once.
    together = [number for part in before for number, _ in part]
    assert len(together) == len(set(together)) == len(model.trainable_variables)
    model.fit({d: np.zeros((6, *s), "float32") for d, s in SHAPES.items()}, batch_size=6, verbose=0)
    for part, old in zip(parts, before, strict=True):
        assert [id(v) for v in part.trainable_variables] == [number for number, _ in old]
        assert any((ops.convert_to_numpy(v) != value).any() for v, (_, value) in zip(part.trainable_variables, old, strict=True))


@pytest.mark.only("tensorflow")
@pytest.mark.parametrize("shared", range(5))
def test_any_number_of_layers_can_be_shared(shared):
    generator = coupled.generator(SHAPES, 3, shared=shared, width=0.1)
    discriminator = coupled.discriminator(SHAPES, shared=shared, width=0.1)
    kernels = [sum("kernel" in v.name for v in p.trainable_variables) for p in (generator, discriminator)]
    assert kernels == [shared + 2 * (4 - shared)] * 2
    # What belongs to one domain alone.
    own = [ids(p[d]) for p in (generator.heads, discriminator.stems) for d in SHAPES]
    assert not own[0] & own[1]
    assert not own[2] & own[3]
    z = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    images = {d: ops.convert_to_numpy(x) for d, x in generator(z).items()}
    assert np.array_equal(images["a"], images["b"]) is (shared == 4)
    logits = discriminator({"a": images["a"], "b": images["a"]})
    assert np.allclose(logits["a"], logits["b"]) is (shared == 4)


def test_the_trunks_are_called_once_on_everything():
    """Batch norm in the generator's trunk moves once a step; the discriminator's trunk sees the domains stacked."""
    model = small(weight_decay=0.0)
    seen = []
    for network in (model.generator.trunk, model.discriminator.trunk):
        call = network.call
        network.call = lambda x, call=call, network=network, **kwargs: seen.append((network.name, len(x))) or call(x, **kwargs)
    with backend.Overlay(training=True):
        model.generator_loss({d: ops.zeros((5, *s)) for d, s in SHAPES.items()})
    assert seen == [("trunk", 5), ("trunk", 10)]
    norm = model.generator.trunk.get_layer("up_0_norm")
    z = ops.ones((4, 3))
    expected = 0.1 * ops.convert_to_numpy(
        ops.mean(model.generator.trunk.get_layer("up_0")(ops.reshape(z, (4, 1, 1, 3))), (0, 1, 2))
    )
    model.generator(z, training=True)
    np.testing.assert_allclose(norm.moving_mean, expected, rtol=1e-4)


def test_a_domain_alone_gets_the_same_logits():
    model = small(dropout=0.0)
    x = np.random.default_rng(0).uniform(-1, 1, (3, 8, 8, 1)).astype("float32")
    both, one = model.discriminator({"a": x, "b": -x}), model.discriminator({"b": -x})
    assert list(one) == ["b"]
    both, one = (ops.convert_to_numpy(logits["b"]) for logits in (both, one))
    np.testing.assert_allclose(both, one, rtol=1e-5, atol=1e-6)


def test_domains_of_different_channels_and_more_than_two():
    shapes = {"color": (8, 8, 3), "depth": (8, 8, 1), "mask": (8, 8, 2)}
    model = kgan.CoGAN(shapes, width=0.1, latent_size=3, seed=0)
    assert {d: x.shape for d, x in model.generate(2, seed=1).items()} == {d: (2, *s) for d, s in shapes.items()}
    for build in (coupled.generator, coupled.discriminator):
        with pytest.raises(ValueError, match="layer cannot be shared"):
            build(shapes, shared=4)


@pytest.mark.only("tensorflow")
def test_the_published_networks():
    shapes = {"a": (28, 28, 1), "b": (28, 28, 1)}
    generator, discriminator = coupled.generator(shapes, 100), coupled.discriminator(shapes)
    maps = [tuple(generator.trunk.get_layer(f"up_{i}_norm").output.shape[1:]) for i in range(4)]
    assert maps == [(4, 4, 1024), (7, 7, 512), (13, 13, 256), (25, 25, 128)]
    assert [tuple(layer.output.shape[1:]) for layer in generator.heads["a"].layers][1:3] == [(30, 30, 1), (28, 28, 1)]
    assert discriminator.stems["b"].output_shape == (None, 12, 12, 20)
    assert discriminator.trunk.get_layer("down_1").output.shape[1:] == (8, 8, 50)
    weights = 20 * 25 + 20  # one stem
    shared = 50 * 20 * 25 + 50 + 500 * 800 + 500 + 500 + 501
    assert sum(int(np.prod(v.shape)) for v in discriminator.trainable_variables) == 2 * weights + shared
    kernels = 100 * 1024 * 16 + 1024 * 512 * 9 + 512 * 256 * 9 + 256 * 128 * 9
    heads = 128 * 36 + 1
    assert generator.count_params() == kernels + (1024 + 512 + 256 + 128) * (1 + 1 + 2) + 2 * heads
    faces = {"a": (128, 128, 3), "b": (128, 128, 3)}
    generator, discriminator = coupled.generator(faces, 8, width=0.02), coupled.discriminator(faces, width=0.02)
    assert (len(generator.trunk.trainable_variables), len(generator.heads["a"].trainable_variables)) == (5 * 3, 3 + 2)
    sizes = [discriminator.trunk.get_layer(f"down_{i}_prelu").output.shape[1] for i in range(2, 6)]
    assert (discriminator.stems["a"].output_shape[1], sizes) == (32, [16, 8, 4, 2])
    rates = [layer.rate for layer in discriminator.trunk.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.1, 0.3, 0.3, 0.5, 0.5]


def test_what_cannot_be_shared_is_refused():
    trunk = mlp.discriminator((3,), (), outputs=6, name="trunk")
    head = mlp.generator((2,), 6, ())
    with pytest.raises(ValueError, match=r"take the features \(6,\)"):
        coupled.CoupledGenerator(trunk, {"a": head, "b": mlp.generator((2,), 5, ())})
    with pytest.raises(ValueError, match="belongs to the trunk"):
        coupled.CoupledGenerator(trunk, {"a": head, "b": head})
    with pytest.raises(ValueError, match="at least two"):
        coupled.CoupledGenerator(trunk, {"a": head})
    with pytest.raises(ValueError, match="built Keras models"):
        coupled.CoupledGenerator(trunk, {"a": head, "b": keras.Sequential()})
    stems = {d: mlp.discriminator((2,), (), outputs=n) for d, n in (("a", 4), ("b", 5))}
    for back in (mlp.discriminator((4,), ()), None):
        with pytest.raises(ValueError, match="Every stem must return"):
            coupled.CoupledDiscriminator(stems, back)
    with pytest.raises(ValueError, match="one logit per example"):
        coupled.CoupledDiscriminator(
            {d: mlp.discriminator((2,), (), outputs=4) for d in "ab"}, mlp.discriminator((4,), (), outputs=2)
        )
    for shared, told in (
        (-1, "`shared_generator_layers` of CoGAN"),
        (1.0, "`shared_generator_layers` of CoGAN"),
        (5, "number of layers"),
    ):
        with pytest.raises(ValueError, match=told):
            small(shared_generator_layers=shared)
    for shapes in ({"a": (8, 8, 1), "b": (16, 16, 1)}, {"a": (2,), "b": (3,)}, {"a": (8, 9, 1), "b": (8, 9, 1)}):
        with pytest.raises(ValueError, match="square images of one size"):
            kgan.CoGAN(shapes)
    for size, name in ((10, "small"), (20, "faces"), (256, "faces"), (32, "mnist")):
        with pytest.raises(ValueError, match=f"Received.* {size}"):
            kgan.CoGAN(dict.fromkeys("ab", (size, size, 1)), architecture=name)
    with pytest.raises(ValueError, match="`architecture`"):
        kgan.CoGAN(SHAPES, architecture="resnet")


# The game ------------------------------------------------------------------------------------------------------------------


def points(**kwargs):
    """g_a(z) = z, g_b(z) = 2 z; l_a(x) = x, l_b(x) = -3 x, behind a trunk h -> 0.5 h of one feature."""
    networks = {
        "generator": coupled.CoupledGenerator(
            linear([1], [[1.0]], "trunk"), {d: linear([1], [[w]], d) for d, w in (("a", 1.0), ("b", 2.0))}
        ),
        "discriminator": coupled.CoupledDiscriminator(
            {d: linear([1], [[w]], d) for d, w in (("a", 2.0), ("b", -6.0))}, linear([1], [[0.5]], "trunk")
        ),
    }

    class Three(kgan.priors.Prior):
        def __call__(self, shape, seed=None):
            return 3.0 * ops.ones(shape)

    return kgan.CoGAN(seed=0, **{"prior": Three(), "weight_decay": 0.0, **networks, **kwargs})


X = {"a": ops.convert_to_tensor([[1.0]]), "b": ops.convert_to_tensor([[0.5]])}


def test_losses_are_sums_over_the_domains_on_one_latent():
    terms, gradients = evaluate(points(), "discriminator", X)
    # Logits: real 1 and -1.5, generated 3 and -18.
    assert terms["adversarial"] == pytest.approx(softplus(-1.0) + softplus(3.0) + softplus(1.5) + softplus(-18.0), rel=1e-5)
    assert (terms["real_logit"], terms["fake_logit"]) == pytest.approx((-0.25, -7.5))
    assert gradients.shape == (3,)  # two stems and one trunk
    terms, gradients = evaluate(points(), "generator", X)
    assert terms["adversarial"] == pytest.approx(softplus(-3.0) + softplus(18.0), rel=1e-5)
    # The shared weight gets the sum of what both domains ask of it: d/dw sp(-3 w) + sp(18 w) at w = 1.
    shared = -3 / (1 + np.exp(3.0)) + 18 / (1 + np.exp(-18.0))
    assert gradients.max() == pytest.approx(shared, rel=1e-4)


@pytest.mark.only("tensorflow", "torch")
def test_weight_decay_is_on_kernels_alone():
    model = points(weight_decay=0.1)
    terms, _ = evaluate(model, "generator", X)
    assert terms["weight_decay"] == pytest.approx(0.05 * (1 + 1 + 4))
    model = small(weight_decay=2.0)
    terms, _ = evaluate(model, "discriminator", {d: ops.zeros((2, *s)) for d, s in SHAPES.items()})
    kernels = [ops.convert_to_numpy(v) for v in model.discriminator.trainable_variables if v.name == "kernel"]
    assert len(kernels) == 5
    assert terms["weight_decay"] == pytest.approx(sum((k**2).sum() for k in kernels), rel=1e-4)


def test_adaptation_terms():
    classifier = linear([1], [[1.0, 0.0, -1.0]], "classifier")
    model = points(classes=3, labeled="b", classifier=classifier, classification_weight=2.0, feature_weight=0.5)
    terms, gradients = evaluate(model, "discriminator", {**X, "labels": ops.convert_to_tensor([1])})
    # The trunk has one layer, so that features are what the stems give: real b -3; generated 6 and -36. Logits are -3, 0 and 3.
    classes = np.exp([-3.0, 0.0, 3.0])
    assert terms["classification"] == pytest.approx(2 * np.log(classes.sum()), rel=1e-5)
    assert terms["features"] == pytest.approx(0.5 * (6.0 + 36.0) ** 2, rel=1e-5)
    assert gradients.shape == (3 + 3,)
    batch = {**{d: ops.concatenate([x, -x, x, x]) for d, x in X.items()}, "labels": ops.convert_to_tensor([2, 0, 0, 2])}
    assert evaluate(model, "discriminator", batch)[0]["accuracy"] == 0.75  # all but the third
    assert set(evaluate(model, "generator", {**X, "labels": ops.convert_to_tensor([1])})[0]) == {"adversarial"}
    np.testing.assert_allclose(model.classify(np.array([[0.5]]), "b")[0], classes / classes.sum(), rtol=1e-5)
    classes = np.exp([1.0, 0.0, -1.0])
    np.testing.assert_allclose(model.classify(np.array([[0.5]]), "a")[0], classes / classes.sum(), rtol=1e-5)


def test_default_adaptation():
    model = small(classes=4)
    assert model.labeled == "a"
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in model.discriminator.trunk.layers)
    assert model.classifier.input_shape == (None, 13)  # a tenth of the 128 units
    assert ids(model.classifier_of("b")) == ids(model.discriminator.stems["b"]) | ids(model.classifier) | (
        ids(model.discriminator.trunk) - ids(model.discriminator.trunk.get_layer("logit"))
    )


def test_domains_of_unequal_length_and_a_run_in_two_parts():
    """An epoch is as long as the longer domain, and a resumed run sees the examples of the uninterrupted one."""
    rng = np.random.default_rng(0)
    data = {"a": rng.normal(size=(7, 1)).astype("float32"), "b": rng.normal(size=(20, 1)).astype("float32")}
    labels = rng.integers(0, 3, 7)
    found = []
    for parts in ((0, 3), (0, 2, 3)):
        model = points(classes=3, classifier=linear([1], [[1.0, 0.0, 0.0]], "classifier"))
        model.compile()
        minibatches = kgan.datasets.unpaired(data, 5, labels={"a": labels}, seed=1)
        for start, end in itertools.pairwise(parts):
            model.fit(minibatches, initial_epoch=start, epochs=end, verbose=0)
        assert int(model.optimizer["generator"].iterations) == 3 * 4
        found.append(np.concatenate([ops.convert_to_numpy(v).ravel() for v in model.trainable_variables]))
    np.testing.assert_allclose(*found, rtol=1e-6)


# Use -----------------------------------------------------------------------------------------------------------------------


def test_pairs_come_from_one_latent_and_a_seed():
    pairs = points().generate(4, seed=1)
    np.testing.assert_array_equal(2 * pairs["a"], pairs["b"])
    first, again, other = (small(prior=kgan.priors.Normal()).generate(4, seed=s)["a"] for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_transforming_goes_through_the_latent():
    model = points(prior=kgan.priors.Normal())
    moved, errors = model.transform(np.array([[0.7], [-0.4]]), "a", "b", **QUICK)
    np.testing.assert_allclose(moved, [[1.4], [-0.8]], atol=0.03)
    assert errors.max() < 3e-4
    back, _ = model.transform(moved, "b", "a", **QUICK, batch_size=3)
    np.testing.assert_allclose(back, [[0.7], [-0.4]], atol=0.03)


def test_a_uniform_prior_bounds_the_search():
    model = points(prior=kgan.priors.Uniform())
    latents, errors = model.invert(np.array([[0.5], [3.0]]), "a", **QUICK)
    np.testing.assert_allclose(latents, [[0.5], [1.0]], atol=0.03)
    np.testing.assert_allclose(errors, [0.0, 4.0], atol=1e-3)


@pytest.mark.only("tensorflow", "torch")
def test_more_restarts_do_not_find_less():
    model = small()
    images = model.generate(3, seed=5)["a"]
    errors = [model.invert(images, "a", restarts=r, steps=8, seed=1)[1] for r in (1, 3)]
    assert errors[1].mean() <= errors[0].mean() + 1e-6


def test_averaged_weights_serve_the_search():
    model = points(prior=kgan.priors.Normal())
    model.compile(averages={"generator": 0.9})
    average = model._averages.values()
    for variable, _ in average:
        variable.assign(ops.zeros(variable.shape))  # what is trained; the average stays
    moved, _ = model.transform(np.array([[0.7]]), "a", "b", **QUICK)
    np.testing.assert_allclose(moved, [[1.4]], atol=0.03)


def test_what_is_refused():
    model = small(classes=3)
    model.compile()
    images = {d: np.zeros((6, *s), "float32") for d, s in SHAPES.items()}
    labels = np.zeros(6, "int64")
    for data in (({"a": images["a"]}, labels), (images["a"], labels), (images, None), ({**images, "c": images["a"]}, labels)):
        with pytest.raises(ValueError, match="dict of examples of the domains"):
            model.fit(*data, batch_size=3, verbose=0)
    with pytest.raises(ValueError, match="Domain 'b': Images must lie in"):
        model.fit({**images, "b": images["b"] + 2}, labels, batch_size=3, verbose=0)
    with pytest.raises(ValueError, match="Labels must be integers"):
        model.fit(images, labels + 3, batch_size=3, verbose=0)
    for use in (
        lambda: model.classify(images["a"], "c"),
        lambda: model.transform(images["a"], "a", "c"),
        lambda: model.invert(images["a"], "c"),
    ):
        with pytest.raises(ValueError, match="no domain 'c'"):
            use()
    with pytest.raises(ValueError, match="restarts"):
        model.invert(images["a"], "a", restarts=0)
    with pytest.raises(ValueError, match="without `classes`"):
        small().classify(images["a"], "a")
    for shapes in (None, (8, 8, 1), {"a": (8, 8, 1)}):
        with pytest.raises(ValueError, match="Several domains"):
            kgan.CoGAN(shapes)
    with pytest.raises(ValueError, match="other than 'labels'"):
        kgan.CoGAN({"a": (8, 8, 1), "labels": (8, 8, 1)})
    with pytest.raises(ValueError, match="one of the domains"):
        small(classes=3, labeled="c")
    with pytest.raises(ValueError, match="these share none"):
        small(classes=3, shared_discriminator_layers=0)
    with pytest.raises(ValueError, match="into 3 logits"):
        points(classes=3, classifier=linear([1], [[1.0, 2.0]], "classifier"))
    with pytest.raises(ValueError, match="The generator is for"):
        small(generator=coupled.generator({**SHAPES, "c": (8, 8, 1)}, 3, width=0.1))
    with pytest.raises(TypeError, match="CoupledDiscriminator"):
        small(discriminator=mlp.discriminator((8, 8, 1)))
    with pytest.raises(ValueError, match="feature_weight"):
        small(feature_weight=-1.0)
