"""Class-conditional games: labels in training and in generation, what is refused, and that the class asked for is the class that comes."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import families
from kgan.conditioning import AuxiliaryClassifier, Joined, Projection
from kgan.networks import mlp
from kgan.penalties import GradientPenalty
from tests.conformance.specs import SPECS

CENTERS = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 2.0]], "float32")
NAMES = ["east", "west", "north"]
CONDITIONAL = {
    kgan.GAN, kgan.DCGAN, kgan.SNGAN, kgan.WGAN, kgan.WGANGP, kgan.ProGAN, kgan.DRAGAN, kgan.FGAN, kgan.ConsensusGAN
}  # fmt: skip


def clouds(count, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    return (CENTERS[labels] + 0.1 * rng.normal(size=(count, 2))).astype("float32"), labels


def small(classes=3, conditioning=None, **kwargs):
    # In a unit: what they compute does not matter here.
    networks = {}
    if classes is not None:
        ways = kgan.conditioning.chosen(conditioning, (Joined(), Joined()))
        count = classes if isinstance(classes, int) else len(classes)
        networks = {
            "generator": ways[0].enter(mlp.generator((2,), 2, (4,)), count),
            "discriminator": ways[1].judge(mlp.discriminator((2,), (4,)), count),
        }
    model = kgan.GAN((2,), classes=classes, conditioning=conditioning, seed=0, **networks, **kwargs)
    model.compile(run_eagerly=True)
    return model


@pytest.mark.parametrize("conditioning", ["joined", "projection", "auxiliary"])
def test_what_is_asked_for_comes(conditioning):
    ways = conditioning if conditioning != "auxiliary" else AuxiliaryClassifier(1.0, 0.0, 0.5)
    model = kgan.GAN((2,), classes=NAMES, conditioning=ways, latent_size=2, seed=0)
    model.compile(averages={"generator": 0.98})
    model.fit(*clouds(64 * 40), batch_size=64, epochs=8, verbose=0)
    asked = np.arange(300) % 3
    made = model.generate(300, condition=list(asked), seed=0)
    nearest = ((made[:, None] - CENTERS) ** 2).sum(-1).argmin(1)
    assert (nearest == asked).mean() > 0.95
    np.testing.assert_allclose([made[asked == k].mean(0) for k in range(3)], CENTERS, atol=0.7)


def test_generated_examples_of_a_minibatch_are_of_its_classes(monkeypatch):
    model, asked = small(generator_batch=2), []
    generator = model.generator.call
    monkeypatch.setattr(model.generator, "call", lambda x, **k: asked.append(ops.convert_to_numpy(x[1])) or generator(x, **k))
    x, y = clouds(6)
    model.fit(x, y, batch_size=6, shuffle=False, verbose=0)
    discriminators, generators = [a for a in asked if len(a) == 6], [a for a in asked if len(a) == 12]
    assert discriminators
    assert generators
    assert all((a == y).all() for a in discriminators)
    assert all((a == np.tile(y, 2)).all() for a in generators)


def test_conditions():
    model = small(NAMES)
    assert model.class_names == NAMES
    one = model.generate(4, condition="west", seed=3)
    np.testing.assert_array_equal(one, model.generate(4, condition=1, seed=3))
    np.testing.assert_array_equal(one, model.generate(4, condition=np.full(4, 1), seed=3))
    mixed = model.generate(4, condition=["west", 0, "north", 1], seed=3)
    np.testing.assert_allclose(mixed[[0, 3]], one[[0, 3]], atol=1e-6)
    # The latents follow from the seed, whatever the condition.
    free = model.generator_inputs(4, seed=3)
    np.testing.assert_array_equal(*(ops.convert_to_numpy(i[0]) for i in (free, model.generator_inputs(4, 2, seed=3))))
    drawn = ops.convert_to_numpy(model.generator_inputs(3000, seed=3)[1])
    assert set(drawn) == {0, 1, 2}
    assert np.bincount(drawn).min() > 900
    assert small(3).class_names == ["0", "1", "2"]


@pytest.mark.parametrize("condition", [3, -1, "south", 1.5, True, [0, 1], [0, 1, 2, 3], [[0, 1, 2, 0]], None.__class__])
def test_conditions_that_are_none(condition):
    with pytest.raises(ValueError, match="`condition`"):
        small(NAMES).generate(4, condition=condition)


def test_a_model_without_classes_says_so():
    with pytest.raises(ValueError, match="build it with `classes`"):
        small(None).generate(4, condition=1)
    with pytest.raises(ValueError, match="must be finite codes"):
        kgan.InfoGAN((2,), seed=0).generate(4, condition=1)


WRONG = {
    "missing": (None, "fit\\(examples, labels\\)"),
    "too large": (np.array([0, 1, 2] * 7 + [3]), r"\[0, 3\).*is `classes` their number"),
    "negative": (np.array([0, 1, 2] * 7 + [-1]), r"\[0, 3\)"),
    "floats": (np.zeros(22, "float32"), "dtype float32"),
    "names": (np.array(["east"] * 22), "np.unique"),
    "a column": (np.zeros((22, 1), "int64"), "one class an example.*labels\\[:, 0\\]"),
    "one-hot": (np.eye(22, 3, dtype="int64"), "argmax"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_labels_in_arrays_are_refused_wherever_they_stand(case):
    labels, words = WRONG[case]
    x = np.zeros((22, 2), "float32")
    model = small()
    with pytest.raises(ValueError, match=words):
        model.fit(x, labels, batch_size=4, verbose=0)
    with pytest.raises(ValueError, match=words):
        model.fit(x if labels is None else (x, labels), batch_size=4, verbose=0)
    if labels is None or (labels.ndim == 1 and labels.dtype.kind in "iu"):
        with pytest.raises(ValueError, match=words):
            model.train_on_batch(x, labels)


class Stream(keras.utils.PyDataset):
    """Minibatches, of which the third has labels of its own."""

    def __init__(self, late):
        super().__init__()
        self.late = late

    def __len__(self):
        return 4

    def __getitem__(self, index):
        x, y = clouds(4, index)
        return x, self.late if index == 2 else y


@pytest.mark.parametrize("late", [np.array([0, 1, 2, 3]), np.array([0, -1, 2, 0])])
def test_wrong_labels_late_in_a_stream_stop_the_training(late):
    with pytest.raises(kgan.DivergenceError, match="labels out of range"):
        small().fit(Stream(late), verbose=0)
    small().fit(Stream(np.array([0, 1, 2, 0])), verbose=0)


def test_halves_are_no_classes():
    assert not bool(families.bases.conditional.are_classes(np.array([0.0, 0.5], "float32"), 3))
    assert bool(families.bases.conditional.are_classes(np.array([0.0, 2.0], "float32"), 3))


def test_networks_of_ones_own_must_be_conditional():
    plain = {"generator": mlp.generator((2,), 2, (4,)), "discriminator": mlp.discriminator((2,), (4,))}
    generator = Joined().enter(plain["generator"], 3)
    with pytest.raises(ValueError, match=r"takes \[latents, labels\].*enter"):
        kgan.GAN(classes=3, **plain)
    with pytest.raises(ValueError, match=r"takes \[examples, labels\].*judge"):
        kgan.GAN(classes=3, generator=generator, discriminator=plain["discriminator"])
    with pytest.raises(ValueError, match=r"returns \[logits, class logits\]"):
        kgan.GAN(classes=3, conditioning="auxiliary", generator=generator, discriminator=plain["discriminator"])
    judge = AuxiliaryClassifier().judge(plain["discriminator"], 4)
    with pytest.raises(ValueError, match="for each of 3 classes"):
        kgan.GAN(classes=3, conditioning="auxiliary", generator=generator, discriminator=judge)
    with pytest.raises(ValueError, match="how many `classes`"):
        kgan.GAN(generator=generator, discriminator=plain["discriminator"])
    with pytest.raises(ValueError, match="needs `classes`"):
        kgan.GAN((2,), conditioning="projection")
    for classes in (1, ["one"], ["same", "same"], [1, 2], "ab"):
        with pytest.raises((ValueError, TypeError), match="`classes` of GAN"):
            kgan.GAN((2,), classes=classes)


def test_a_penalty_knows_the_class_of_its_points():
    """`3 x_1 + 4 x_2 + V[y] x` has the gradient (3, 4) + V[y]: of norms 5 + 0 and, with V[1] = (3, 4), 10."""
    judge = Projection().judge(mlp.discriminator((2,), ()), 2)
    judge.get_layer("logit").set_weights([np.array([[3.0], [4.0]]), np.zeros(1)])
    judge.get_layer("label_embedding").set_weights([np.array([[0.0, 0.0], [3.0, 4.0]])])
    generator = Joined().enter(mlp.generator((2,), 2, (4,)), 2)
    model = kgan.GAN(
        classes=2, conditioning="projection", generator=generator, discriminator=judge, penalties=[GradientPenalty(1.0)], seed=0
    )
    x = np.zeros((4, 2), "float32")
    for labels, expected in (([0, 0, 0, 0], 16.0), ([1, 1, 1, 1], 81.0), ([0, 0, 1, 1], 48.5)):
        terms = model.discriminator_loss((ops.convert_to_tensor(x), ops.convert_to_tensor(labels)))
        assert float(terms["gradient_penalty"]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("conditioning", ["projection", "auxiliary"])
def test_one_pass_or_two_is_the_same(conditioning):
    x, y = clouds(6)
    terms = []
    for joint in (False, True):
        model = small(conditioning=conditioning, joint_batch=joint)
        rng = np.random.default_rng(0)
        for weight in model.weights:
            if weight.trainable:
                weight.assign(rng.normal(0.0, 0.5, weight.shape))
        found = model.discriminator_loss((ops.convert_to_tensor(x), ops.convert_to_tensor(y)))
        terms.append({k: float(getattr(v, "value", v)) for k, v in found.items()})
    assert terms[0] == pytest.approx(terms[1], rel=1e-5)


def test_features_and_classes_are_of_one_pass():
    """CT-GAN's term asks for features of a discriminator that classifies."""
    penalty = kgan.penalties.Consistency(2.0)
    judge = AuxiliaryClassifier().judge(mlp.discriminator((2,), (4,), dropout=0.5), 3)
    generator = Joined().enter(mlp.generator((2,), 2, (4,)), 3)
    model = kgan.GAN(classes=3, conditioning="auxiliary", generator=generator, discriminator=judge, penalties=[penalty], seed=0)
    model.compile(run_eagerly=True)
    history = model.fit(*clouds(8), batch_size=8, verbose=0).history
    assert history["discriminator/consistency"][0] > 0
    assert {"discriminator/real_classes", "discriminator/fake_classes", "generator/classes"} <= set(history)
    judge = Projection().judge(mlp.discriminator((2,), (4,), dropout=0.5), 3)
    with pytest.raises(ValueError, match="receives several tensors"):
        kgan.GAN(classes=3, conditioning="projection", generator=generator, discriminator=judge, penalties=[penalty])


def test_a_mixture_has_no_classes():
    with pytest.raises(ValueError, match="chooses components, not classes"):
        kgan.AdaGAN(component=kgan.GAN((2,), classes=3, seed=0))


def test_families_without_a_conditional_form_refuse_classes():
    refusing = {spec.family for spec in SPECS.values() if issubclass(spec.family, kgan.GAN)} - CONDITIONAL
    assert len(refusing) > 20
    for family in refusing:
        with pytest.raises(TypeError, match=f"{family.__name__} sets `conditioning` itself"):
            family(conditioning=Joined(), **({"classes": 3} if family in (kgan.TripleGAN, kgan.StructuredGAN) else {}))
    for family in (
        kgan.InfoGAN,
        kgan.ModeRegularizedGAN,
        kgan.MDGAN,
        kgan.DFMGAN,
        kgan.CalibratedEBGAN,
        kgan.TrustRegionDualingGAN,
    ):
        with pytest.raises(TypeError, match=f"{family.__name__} sets `classes` itself"):
            family((2,), classes=3)


def test_it_goes_into_a_file_and_out_of_the_house(tmp_path):
    model = small(NAMES, conditioning="projection")
    model.fit(*clouds(12), batch_size=6, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.class_names == NAMES
    np.testing.assert_array_equal(loaded.generate(5, "north", seed=0), model.generate(5, "north", seed=0))
    result = loaded.evaluate(*clouds(12), verbose=0, return_dict=True)
    assert np.isfinite(list(result.values())).all()


@pytest.mark.parametrize(("size", "variant"), [(28, "code"), (16, "code"), (16, "torch")])
def test_dcgans_class_stands_beside_the_input_of_every_layer_with_weights(size, variant):
    model = kgan.DCGAN((size, size, 1), filters=2, variant=variant, latent_size=5, classes=3, seed=0)
    for network in (model.generator, model.discriminator):
        plain = [w for w in network.weights if w.name == "kernel"]
        assert len([layer for layer in network.layers if isinstance(layer, kgan.layers.JoinLabels)]) == len(plain)
    assert model.generator.input_shape == [(None, 5), (None,)]


def test_dcgans_networks_of_mnist_are_the_codes():
    model = kgan.DCGAN((28, 28, 1), classes=10, seed=0)
    shapes = [tuple(w.shape) for network in (model.generator, model.discriminator) for w in network.weights if w.name == "kernel"]
    assert shapes == [
        (110, 1024), (1034, 6272), (5, 5, 64, 138), (5, 5, 1, 74),
        (5, 5, 11, 64), (5, 5, 74, 128), (6282, 1024), (1034, 1),
    ]  # fmt: skip
    assert not [w for w in model.weights if w.name in ("bias", "gamma", "beta")]


def test_sngans_imagenet_table():
    """The class as a vector of 128 behind the third block; gains and offsets of each class in the blocks; 128 pixels."""
    from kgan.networks import sn_resnet

    assert [sn_resnet.joint((n, n, 3)) for n in (128, 48, 32, 16, 8)] == ["block_2", "block_2", "block_0", "block_0", "images"]
    model = kgan.SNGAN((48, 48, 3), architecture="resnet", width=0.125, classes=7, seed=0)
    joint = model.discriminator.get_layer("block_2_and_label")
    assert (joint.classes, joint.size, joint.power_iterations) == (7, 16, 1)
    assert joint.output.shape == (None, 6, 6, 32 + 16)
    norms = [type(layer).__name__ for layer in model.generator.layers if "norm" in layer.name]
    assert norms.count("ConditionalBatchNormalization") == 6
    assert norms[-1] == "BatchNormalization"


@pytest.mark.parametrize("size", [8, 64])
def test_wgan_gps_weights_and_norms(size):
    model = kgan.WGANGP((size, size, 1), width=0.02, latent_size=4, classes=3, seed=0)
    judge = model.ways[1]
    assert (judge.real_weight, judge.fake_weight, judge.generator_weight) == (1.0, 0.0, 0.1)
    plain = [layer.name for layer in model.generator.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert plain == ["norm" if size == 8 else "output_norm"]


OTHERS = {
    "WGAN": lambda **k: kgan.WGAN((8, 8, 1), filters=2, latent_size=4, discriminator_steps=1, warmup=None, **k),
    "DRAGAN": lambda **k: kgan.DRAGAN((2,), **k),
    "FGAN": lambda **k: kgan.FGAN((2,), latent_size=4, **k),
    "ConsensusGAN": lambda **k: kgan.ConsensusGAN((2,), **k),
    "WGANGP": lambda **k: kgan.WGANGP((2,), discriminator_steps=1, **k),
}


@pytest.mark.parametrize("name", OTHERS)
def test_families_that_need_no_more_than_the_games_labels(name):
    model = OTHERS[name](classes=3, seed=0)
    model.compile(run_eagerly=True)
    x, y = clouds(4)
    x = np.zeros((4, 8, 8, 1), "float32") if len(model.data_shape) == 3 else x
    history = model.fit(x, y, batch_size=4, verbose=0).history
    assert np.isfinite([v for values in history.values() for v in values]).all()
    assert model.generate(2, condition=[0, 2], seed=0).shape == (2, *model.data_shape)
