"""Every layer is built by `fit` itself, from the first batch, in every precision: in a Sequential without Input, in a subclassed model."""

import inspect

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan.layers import DropReference, PrependReference, SpectralNormalization

VECTOR, IMAGE = (6,), (8, 8, 2)
WRAPPED = {
    "Dense": (lambda: layers.Dense(4), VECTOR),
    "Conv1D": (lambda: layers.Conv1D(4, 3), (8, 2)),
    "Conv2D": (lambda: layers.Conv2D(4, 3), IMAGE),
    "Conv3D": (lambda: layers.Conv3D(4, 2), (4, 4, 4, 2)),
    "Conv1DTranspose": (lambda: layers.Conv1DTranspose(4, 3), (8, 2)),
    "Conv2DTranspose": (lambda: layers.Conv2DTranspose(4, 3), IMAGE),
    "Conv3DTranspose": (lambda: layers.Conv3DTranspose(4, 2), (4, 4, 4, 2)),
    "Embedding": (lambda: layers.Embedding(5, 4), None),
}
# Name: what makes the layers under test, and the shape of one example; None for words.
CASES = {
    "RandomFeatures": (lambda: [kgan.layers.RandomFeatures(3)], (4,)),
    "RandomFeatures, waves": (lambda: [kgan.layers.RandomFeatures(3, "fourier")], (2, 2)),
    "BinarySoftplus": (lambda: [kgan.layers.BinarySoftplus()], VECTOR),
    "Channels": (lambda: [kgan.layers.Channels(1, 2)], VECTOR),
    "ClipWithPenalty": (lambda: [kgan.layers.ClipWithPenalty(-1.0, 1.0)], VECTOR),
    "Gate": (lambda: [kgan.layers.Gate()], VECTOR),
    "GaussianBlur": (lambda: [kgan.layers.GaussianBlur(1.0)], IMAGE),
    "LadderModulation": (lambda: [kgan.layers.LadderModulation()], VECTOR),
    "MaskedConv2D": (lambda: [kgan.layers.MaskedConv2D(4, (2, 3))], IMAGE),
    "Clip": (lambda: [layers.Dense(4, kernel_constraint=kgan.layers.Clip(0.1))], VECTOR),
    "GlobalSumPooling2D": (lambda: [kgan.layers.GlobalSumPooling2D()], IMAGE),
    "InstanceNormalization": (lambda: [kgan.layers.InstanceNormalization()], IMAGE),
    "LSU": (lambda: [kgan.layers.LSU()], VECTOR),
    "LearnedConstant": (lambda: [kgan.layers.LearnedConstant(3)], VECTOR),
    "Maxout": (lambda: [kgan.layers.Maxout(3, 2)], VECTOR),
    "Maxout of convolutions": (lambda: [kgan.layers.Maxout(3, 2, kernel_size=3)], IMAGE),
    "MinibatchDiscrimination": (lambda: [kgan.layers.MinibatchDiscrimination(3, 2)], VECTOR),
    "MinibatchStdDev": (lambda: [kgan.layers.MinibatchStdDev()], IMAGE),
    "MuReLU": (lambda: [kgan.layers.MuReLU()], VECTOR),
    "PixelNormalization": (lambda: [kgan.layers.PixelNormalization()], IMAGE),
    "PrependReference and DropReference": (lambda: [PrependReference(4), DropReference(4)], VECTOR),
    "Quantize8Bit": (lambda: [kgan.layers.Quantize8Bit()], VECTOR),
    "Sawtooth": (lambda: [kgan.layers.Sawtooth()], VECTOR),
    "UntiedBias": (lambda: [kgan.layers.UntiedBias()], IMAGE),
    "VirtualBatchNormalization": (
        lambda: [PrependReference(4), layers.Dense(4), kgan.layers.VirtualBatchNormalization(4), DropReference(4)], VECTOR
    ),
    "Waves": (lambda: [kgan.layers.Waves()], VECTOR),
    **{
        f"{wrapper.__name__} of {name}": (lambda wrapper=wrapper, make=make: [wrapper(make())], shape)
        for wrapper in (SpectralNormalization, kgan.layers.WeightNormalization, kgan.layers.EqualizedLearningRate)
        for name, (make, shape) in WRAPPED.items()
        if (wrapper, name) != (kgan.layers.EqualizedLearningRate, "Embedding")
    },
}  # fmt: skip
LABELS = None  # in place of a shape
SEVERAL = {
    "SpatialTransformer": (kgan.layers.SpatialTransformer, [IMAGE, (6,)]),
    "Warp": (kgan.layers.Warp, [IMAGE, (8, 8, 2)]),
    "LearnedBackground": (kgan.layers.LearnedBackground, [IMAGE] * 3),
    "LearnedBlur": (kgan.layers.LearnedBlur, [IMAGE, (1,)]),
    "LearnedDetail": (kgan.layers.LearnedDetail, [IMAGE] * 2),
    "Lighting": (kgan.layers.Lighting, [IMAGE] * 4),
    "ConditionalBatchNormalization": (lambda: kgan.layers.ConditionalBatchNormalization(5), [IMAGE, LABELS]),
    "JoinLabels": (lambda: kgan.layers.JoinLabels(5), [IMAGE, LABELS]),
    "JoinLabels, learned": (lambda: kgan.layers.JoinLabels(5, 3, 1), [VECTOR, LABELS]),
    "GatedMaskedConv2D": (lambda: kgan.layers.GatedMaskedConv2D(4, 3), [(8, 8, 4)] * 2),
    "GatedMaskedConv2D, in a context": (lambda: kgan.layers.GatedMaskedConv2D(4, 3), [(8, 8, 4), (8, 8, 4), (1, 1, 6)]),
    "Retouch": (kgan.layers.Retouch, [IMAGE] * 2),
}
OTHERWISE = {"WeightSamples": "needs a built network", "TagRenderer": "draws from labels, without weights"}


class Subclassed(keras.Model):
    """Built by its first call alone."""

    def __init__(self, parts):
        super().__init__()
        self.parts = parts

    def call(self, inputs, training=False):
        for part in self.parts:
            inputs = part(inputs, training=training) if "training" in inspect.signature(part.call).parameters else part(inputs)
        return inputs


def fitted(make, parts, shape):
    model = make([*parts, layers.Flatten(), layers.Dense(1)])
    examples = np.random.default_rng(0)
    x = examples.integers(0, 5, (8, 3)) if shape is None else examples.normal(size=(8, *shape)).astype("float32")
    model.compile(keras.optimizers.SGD(1e-5), "mse", jit_compile=False)
    history = model.fit(x, np.ones((8, 1), "float32"), batch_size=4, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize(
    ("policy", "model"),
    [
        ("float32", keras.Sequential),
        pytest.param("mixed_bfloat16", Subclassed, marks=pytest.mark.slow),
        pytest.param("mixed_float16", keras.Sequential, marks=pytest.mark.slow),
    ],
    ids=["float32, Sequential", "mixed_bfloat16, subclassed", "mixed_float16, Sequential"],
)
@pytest.mark.parametrize("case", CASES)
def test_fit_builds_a_layer(case, policy, model):
    keras.config.set_dtype_policy(policy)
    make, shape = CASES[case]
    parts = make()
    fitted(model, parts, shape)
    for layer in parts:
        assert layer.built
        if isinstance(layer, SpectralNormalization):
            # From the kernel that the layer really has, not from the one of a trace.
            assert float(layer.sigma()) == pytest.approx(float(layer.exact_sigma()), rel=0.02)
        if isinstance(layer, kgan.layers.WeightNormalization):
            lengths = ops.convert_to_numpy(layer._norms())
            np.testing.assert_allclose(ops.convert_to_numpy(layer.g), lengths, rtol=0.2)


class Joining(keras.Model):
    """A layer of several inputs and a number from all that it returns, built by its first call alone."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.flatten, self.logit = layer, layers.Flatten(), layers.Dense(1)

    def call(self, inputs):
        made = keras.tree.flatten(self.layer(list(inputs)))
        return self.logit(ops.concatenate([self.flatten(part) for part in made], axis=-1))


@pytest.mark.parametrize(
    "policy",
    ["float32", pytest.param("mixed_bfloat16", marks=pytest.mark.slow), pytest.param("mixed_float16", marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("case", SEVERAL)
def test_fit_builds_a_layer_of_several_inputs(case, policy):
    keras.config.set_dtype_policy(policy)
    make, shapes = SEVERAL[case]
    layer, rng = make(), np.random.default_rng(0)
    x = [
        rng.integers(0, 5, (8,)) if shape is LABELS else rng.normal(scale=0.1, size=(8, *shape)).astype("float32")
        for shape in shapes
    ]
    model = Joining(layer)
    model.compile(keras.optimizers.SGD(1e-5), "mse", jit_compile=False)
    history = model.fit(x, np.ones((8, 1), "float32"), batch_size=4, verbose=0)
    assert layer.built
    assert np.isfinite(history.history["loss"]).all()


def test_every_layer_is_among_the_cases():
    exported = {name for name in kgan.layers.__all__ if inspect.isclass(getattr(kgan.layers, name))}
    missing = {name for name in exported - set(OTHERWISE) if not any(name in case for case in [*CASES, *SEVERAL])}
    assert not missing
