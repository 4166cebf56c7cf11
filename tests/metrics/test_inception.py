"""The Inception extractor on a small graph with the node names, sizes and operations of the published one."""

import hashlib

import keras
import numpy as np
import pytest

from kgan import datasets, metrics


def write_graph(path, classes=1008, names=("ExpandDims", "pool_3", "softmax/logits/MatMul")):
    """Resize to 9x9, scale, convolve 3x3 into 2048 channels, normalize as in 2015, ReLU, average."""
    import tensorflow as tf

    feed, pool, logits = names
    rng = np.random.default_rng(0)
    with tf.Graph().as_default() as graph:
        jpeg = tf.compat.v1.placeholder("uint8", (None, None, 3), name="DecodeJpeg")
        images = tf.expand_dims(tf.cast(jpeg, "float32"), 0, name=feed)
        x = tf.raw_ops.ResizeBilinear(images=images, size=[9, 9], name="ResizeBilinear")
        x = tf.multiply(tf.subtract(x, 128.0), 0.0078125)
        x = tf.nn.conv2d(x, tf.constant(rng.normal(size=(3, 3, 3, 2048)), "float32"), 1, "VALID", name="conv")
        x = tf.nn.relu(x, name="relu")
        x = tf.nn.avg_pool2d(x, 7, 1, "VALID", name=pool)
        weight = tf.tile(tf.constant(rng.normal(size=(2048, 1)) * 0.02, "float32"), [1, classes], name="softmax/weights")
        weight = weight * tf.reshape(tf.cos(tf.range(classes, dtype="float32")), (1, -1))
        tf.matmul(tf.reshape(x, [1, 2048]), weight, name=logits)
    content = graph.as_graph_def()
    (relu,) = [node for node in content.node if node.name == "relu"]
    relu.input[0] = "norm"
    moments = {"mean": 0.5, "variance": 4.0, "beta": -0.25, "gamma": 2.0}
    for name, value in moments.items():
        node = content.node.add(name=name, op="Const")
        node.attr["dtype"].type = 1
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.full(2048, value, "float32")))
    norm = content.node.add(name="norm", op="BatchNormWithGlobalNormalization", input=["conv", *moments])
    norm.attr["T"].type = 1
    norm.attr["variance_epsilon"].f = 1e-3
    norm.attr["scale_after_normalization"].b = True
    content.versions.producer = 8  # the operation was removed in version 9
    path.write_bytes(content.SerializeToString())
    return content


def by_session(content, pixels):
    """What the public code does: feed and fetch in a session of the old kind."""
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        tf.import_graph_def(content, name="")
        with tf.compat.v1.Session() as session:
            pool = np.concatenate([session.run("pool_3:0", {"ExpandDims:0": p[None]}) for p in pixels])[:, 0, 0]
            weight = session.run(graph.get_operation_by_name("softmax/logits/MatMul").inputs[1])
    return pool, pool @ weight


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "classify_image_graph_def.pb"
    return path, write_graph(path)


@pytest.mark.only("tensorflow")
class TestOnTensorFlow:
    def test_features_and_classes_of_the_public_code(self, graph, rng):
        path, content = graph
        extractor = metrics.InceptionFeatures(path)
        assert extractor.name == f"inception-2015-12-05:{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}:tf-bilinear-299"
        images = rng.uniform(-1, 1, (5, 12, 12, 3)).astype("float32")
        pool, logits = by_session(content, datasets.to_uint8(images).astype("float32"))
        features = extractor.features(images)
        assert features.shape == (5, 2048)
        np.testing.assert_allclose(features, pool, rtol=1e-4, atol=1e-4)
        expected = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = extractor.probabilities(images)
        assert probabilities.shape == (5, 1008)
        np.testing.assert_allclose(probabilities, expected / expected.sum(axis=1, keepdims=True), rtol=1e-3)

    def test_range_gray_and_the_last_batch(self, graph, rng):
        extractor = metrics.InceptionFeatures(graph[0])
        gray = rng.uniform(-1, 1, (3, 9, 9, 1)).astype("float32")
        np.testing.assert_allclose(extractor.features(gray), extractor.features(gray.repeat(3, axis=3)), rtol=1e-5)
        # Less than half a gray level is rounded away.
        levels = rng.integers(256, size=(2, 9, 9, 3))
        clean = (levels / 127.5 - 1).astype("float32")
        nudged = (clean + rng.uniform(-0.003, 0.003, clean.shape)).clip(-1, 1).astype("float32")
        np.testing.assert_array_equal(extractor.features(clean), extractor.features(nudged))
        extractor.batch_size = 2
        assert extractor.features(gray).shape == (3, 2048)
        with pytest.raises(ValueError, match=r"\[-1, 1\]"):
            extractor.features(levels.astype("float32"))
        with pytest.raises(ValueError, match="1 or 3"):
            extractor(np.zeros((1, 9, 9, 2), "float32"))

    def test_only_its_figures_bear_the_published_names(self, graph, rng, monkeypatch):
        # Eigenvalues of 2048 features take seconds, and are not the question.
        monkeypatch.setattr("kgan.metrics.reports.frechet_distance", lambda real, fake: 0.0)
        extractor = metrics.InceptionFeatures(graph[0])
        images = rng.uniform(-1, 1, (12, 8, 8, 3)).astype("float32")
        figures = metrics.sample_report(images[:6], images[6:], extractor)
        assert [name.split("[")[0] for name in figures][:3] == ["FID", "KID", "IS"]
        frechet, score = metrics.FrechetDistance(extractor), metrics.ClassScore(extractor)
        assert (frechet.name, score.name) == (f"FID[{extractor.name}]", f"IS[{extractor.name}]")
        assert metrics.KernelDistance(extractor).name.startswith("kernel_distance[")
        twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(extractor))
        assert twin.name == extractor.name

    def test_inside_a_compiled_step(self, graph, rng):
        import tensorflow as tf

        extractor = metrics.InceptionFeatures(graph[0])
        images = rng.uniform(-1, 1, (4, 8, 8, 3)).astype("float32")
        compiled = tf.function(lambda x: extractor.classify(extractor(x)))
        np.testing.assert_allclose(compiled(images), extractor.probabilities(images), rtol=1e-4)

    def test_other_files_are_refused(self, tmp_path):
        (tmp_path / "text.pb").write_bytes(b"not a graph")
        write_graph(tmp_path / "classes.pb", classes=1001)
        write_graph(tmp_path / "names.pb", names=("Expand", "pool_4", "softmax/logits/MatMul"))
        for name, message in (
            ("text.pb", "serialized|no node"),
            ("classes.pb", r"\(2048, 1001\) should"),
            ("names.pb", "no node 'ExpandDims', 'pool_3'"),
        ):
            with pytest.raises(ValueError, match=f"not `classify_image_graph_def.pb`.*({message})"):
                metrics.InceptionFeatures(tmp_path / name)


def test_missing_file():
    with pytest.raises(FileNotFoundError, match="does not download"):
        metrics.InceptionFeatures("/nowhere/graph.pb")


@pytest.mark.only("jax", "torch")
def test_other_backends_say_so(tmp_path):
    (tmp_path / "graph.pb").write_bytes(b"")
    with pytest.raises(RuntimeError, match="KERAS_BACKEND=tensorflow"):
        metrics.InceptionFeatures(tmp_path / "graph.pb")
