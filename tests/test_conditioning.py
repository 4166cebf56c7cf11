"""Ways in and ways to judge, each by hand and by finite differences; what they refuse."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan import conditioning
from kgan.conditioning import AuxiliaryClassifier, ClassNorms, Joined, Projection
from kgan.layers import ConditionalBatchNormalization, SpectralNormalization
from kgan.networks import dcgan, mlp, sn_cnn, sn_resnet, wgan_gp
from tests.differences import check_gradients, float64, needs_float64  # noqa: F401 - a fixture

X, LABELS = np.array([[5.0, 6.0], [5.0, 6.0]]), np.array([0, 1])


def normalized(layer):
    return SpectralNormalization(layer, name=f"{layer.name}_sn")


def one_layer(wrap=lambda layer: layer):
    """`3 x_1 + 4 x_2 + 1`."""
    network = mlp.discriminator((2,), (), normalizer=wrap)
    last = network.layers[-1]
    getattr(last, "layer", last).set_weights([np.array([[3.0], [4.0]]), np.array([1.0])])
    return network


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


def test_projection_by_hand():
    """`psi(x) + V[y] x` with V = diag(1, 2): 40 + 5 and 40 + 12."""
    network = Projection().judge(one_layer(), 2)
    network.get_layer("label_embedding").set_weights([np.diag([1.0, 2.0])])
    np.testing.assert_allclose(numpy(network([X, LABELS])), [[45.0], [52.0]])


def test_projection_is_normalized_where_the_last_layer_is():
    """Both matrices are divided by their largest singular values, 5 and 2."""
    network = Projection().judge(one_layer(normalized), 2)
    network.get_layer("label_embedding_sn").layer.set_weights([np.diag([1.0, 2.0])])
    for _ in range(60):
        seen = numpy(network([X, LABELS], training=True))
    np.testing.assert_allclose(seen, [[39.0 / 5 + 1 + 5.0 / 2], [39.0 / 5 + 1 + 12.0 / 2]], rtol=1e-5)


def test_joined_by_hand():
    """One numbers beside the input: the kernel has a row for each class."""
    network = Joined().judge(one_layer(), 2)
    network.layers[-1].set_weights([np.array([[3.0], [4.0], [100.0], [200.0]]), np.array([1.0])])
    np.testing.assert_allclose(numpy(network([X, LABELS])), [[140.0], [240.0]])
    generator = Joined().enter(mlp.generator((1,), 2, ()), 2)
    generator.get_layer("output").set_weights([np.array([[3.0], [4.0], [100.0], [200.0]]), np.array([0.0])])
    np.testing.assert_allclose(numpy(generator([X, LABELS])), [[139.0], [239.0]])


def test_auxiliary_classifier_by_hand():
    """Class logits (0, log 3): the shares of the classes are 1/4 and 3/4."""
    part = AuxiliaryClassifier(2.0, 3.0, 5.0)
    network = part.judge(one_layer(), 2)
    network.get_layer("class_logits").set_weights([np.zeros((2, 2)), np.array([0.0, np.log(3.0)])])
    logits, classes = network(X)
    np.testing.assert_allclose(numpy(logits), [[40.0], [40.0]])
    terms = part.discriminator_terms(classes, classes, LABELS)
    entropy = -(np.log(0.25) + np.log(0.75)) / 2
    assert float(terms["real_classes"]) == pytest.approx(2 * entropy, rel=1e-5)
    assert float(terms["fake_classes"]) == pytest.approx(3 * entropy, rel=1e-5)
    assert float(terms["class_accuracy"].value) == 0.5
    assert float(part.generator_terms(classes, LABELS)["classes"]) == pytest.approx(5 * entropy, rel=1e-5)


def test_weights_of_zero_leave_terms_out():
    classes = np.zeros((2, 2), "float32")
    assert set(AuxiliaryClassifier(1.0, 0.0, 0.0).discriminator_terms(classes, classes, LABELS)) == {
        "real_classes",
        "class_accuracy",
    }
    assert set(AuxiliaryClassifier(1.0, 0.0, 0.0).generator_terms(classes, LABELS)) == {"class_accuracy"}


def test_class_norms_leave_others_alone():
    plain = sn_resnet.generator((8, 8, 1), 4, 0.02)
    network = ClassNorms(plain=["norm"]).enter(plain, 3)
    kinds = [type(layer) for layer in network.layers if "norm" in layer.name]
    assert kinds.count(ConditionalBatchNormalization) == len(kinds) - 1
    assert isinstance(network.get_layer("norm"), layers.BatchNormalization)
    # The settings of each norm are kept.
    norm = network.get_layer("block_0_norm_0")
    assert (norm.classes, norm.momentum, norm.epsilon) == (3, 0.9, 2e-5)


@needs_float64
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("wrap", [lambda layer: layer, normalized], ids=["plain", "normalized"])
@pytest.mark.parametrize("part", [Joined(), Joined("hidden_0", size=2), Projection(), AuxiliaryClassifier(1.0, 0.5, 0.1)])
def test_gradients_of_ways_to_judge(part, wrap):
    rng = np.random.default_rng(0)
    at = "hidden_0_sn" if wrap is normalized and getattr(part, "at", None) else getattr(part, "at", None)
    part = Joined(at, part.size) if isinstance(part, Joined) else part
    network = part.judge(mlp.discriminator((2,), (3,), "tanh", normalizer=wrap), 2)
    real, fake = rng.normal(size=(2, 2, 2))
    labels = ops.convert_to_tensor(LABELS)

    def loss(real, fake):
        if not part.classifies:
            return ops.sum(ops.sin(network([real, labels]))) + ops.sum(ops.cos(network([fake, labels])))
        terms = part.discriminator_terms(network(real)[1], network(fake)[1], LABELS) | part.generator_terms(
            network(fake)[1], LABELS
        )
        return sum(t for t in terms.values() if not isinstance(t, kgan.Observation)) + ops.sum(ops.sin(network(real)[0]))

    check_gradients(loss, network.trainable_variables, real, fake)


@needs_float64
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("part", [Joined(), Joined(size=3), ClassNorms()])
def test_gradients_of_ways_in(part):
    network = part.enter(mlp.generator((3,), 2, (4,), "tanh", batch_norm=True), 2)
    rng = np.random.default_rng(0)
    weights, labels = rng.normal(size=(5, 3)), ops.convert_to_tensor([0, 1, 1, 0, 1])
    check_gradients(
        lambda z: ops.sum(ops.sin(network([z, labels], training=True)) * weights),
        network.trainable_variables,
        rng.normal(size=(5, 2)),
    )


NETWORKS = {
    "mlp": lambda: (mlp.generator((8, 8, 1), 3, (4,), batch_norm=True), mlp.discriminator((8, 8, 1), (4,))),
    "dcgan": lambda: (dcgan.generator((8, 8, 1), 3, 2), dcgan.discriminator((8, 8, 1), 2)),
    "sn_cnn": lambda: (sn_cnn.generator((8, 8, 1), 3, 0.02), sn_cnn.discriminator((8, 8, 1), 0.02, normalizer=normalized)),
    "sn_resnet": lambda: (sn_resnet.generator((8, 8, 1), 3, 0.02), sn_resnet.discriminator((8, 8, 1), 0.02, normalized)),
    "wgan_gp": lambda: (wgan_gp.generator((8, 8, 1), 3, 1), wgan_gp.discriminator((8, 8, 1), 1)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_part_fits_every_network(name):
    generator, discriminator = NETWORKS[name]()
    x, z, labels = np.zeros((2, 8, 8, 1), "float32"), np.ones((2, 3), "float32"), np.array([0, 2])
    for part in (Joined(), Joined(size=2), ClassNorms()):
        network = part.enter(generator, 3)
        assert network([z, labels]).shape == (2, 8, 8, 1)
        assert not {id(v) for v in network.variables} & {id(v) for v in generator.variables}
        assert part.enter(network, 3) is network
    for part in (Joined(), Joined(size=2), Projection(), AuxiliaryClassifier()):
        network = part.judge(discriminator, 3)
        seen = network(x) if part.classifies else network([x, labels])
        assert [tuple(out.shape) for out in keras.tree.flatten(seen)] == [(2, 1), (2, 3)][: 1 + part.classifies]
        assert part.judge(network, 3) is network
        # The network is of layers that a file can hold.
        twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(network))
        assert [w.shape for w in twin.weights] == [w.shape for w in network.weights]


def test_parts_are_values():
    for part in (Joined("images", 4), ClassNorms(["norm"]), Projection(), AuxiliaryClassifier(1.0, 0.0, 0.1)):
        twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(part))
        assert type(twin) is type(part)
        assert twin.get_config() == part.get_config()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Joined(at=3), TypeError, "name of a layer"),
        (lambda: Joined(at=[]), TypeError, "name of a layer"),
        (lambda: Joined(size=0), ValueError, "size"),
        (lambda: ClassNorms(plain="norm"), TypeError, "plain"),
        (lambda: AuxiliaryClassifier(-1.0), ValueError, "real_weight"),
        (lambda: Joined("nowhere").judge(one_layer(), 2), ValueError, "no layer 'nowhere'"),
        (lambda: ClassNorms().enter(mlp.generator((2,), 3), 2), ValueError, "no batch normalization"),
        (lambda: ClassNorms(["nowhere"]).enter(mlp.generator((2,), 3, batch_norm=True), 2), ValueError, "no layer 'nowhere'"),
        (lambda: Projection().judge(mlp.generator((8, 8, 1), 3), 2), ValueError, "must end in a dense layer"),
        (lambda: conditioning.chosen("prjection", (Joined(), Joined())), TypeError, "or its name"),
        (lambda: conditioning.chosen((Projection(), Joined()), (Joined(), Joined())), TypeError, "pair"),
    ],
)
def test_what_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_network_whose_inside_cannot_be_seen_is_refused():
    network = kgan.networks.progressive.ProgressiveDiscriminator((4, 4, 1), 4, 4)
    with pytest.raises(ValueError, match="functional or sequential"):
        Joined().judge(network, 2)


def test_a_familys_own_weights_are_meant_by_a_name():
    own = (ClassNorms(), AuxiliaryClassifier(1.0, 0.0, 0.1))
    assert conditioning.chosen("auxiliary", own) == own
    assert conditioning.chosen(None, own) == own
    way_in, judge = conditioning.chosen("projection", own)
    assert way_in is own[0]
    assert isinstance(judge, Projection)
    way_in, judge = conditioning.chosen([Joined(), "projection"], own)
    assert isinstance(way_in, Joined)
    assert isinstance(judge, Projection)
