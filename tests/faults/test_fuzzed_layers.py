"""Fuzzed layers: whatever is given to an argument or as input, it works, or an error names the argument or the layer."""

import inspect
import traceback
import warnings

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops

import kgan
from tests.conformance.test_arguments import VALUES, refused_by_us

OTHERS = (
    "kernel_initializer",
    "bias_initializer",
    "beta_initializer",
    "gamma_initializer",
    "initializer",
    "activation",
)  # Keras reads and refuses these


def dense():
    return layers.Dense(2)


def network():
    return keras.Sequential([keras.Input((3,)), layers.Dense(2)])


# Class: arguments that it needs, and a good input.
LAYERS = {
    kgan.layers.BinarySoftplus: ({}, (2, 3)),
    kgan.layers.Channels: ({"start": 1}, (2, 3)),
    kgan.layers.ClipWithPenalty: ({"low": -1.0, "high": 1.0}, (2, 3)),
    kgan.layers.ConditionalBatchNormalization: ({"classes": 2}, None),
    kgan.layers.DropReference: ({"reference_size": 2}, (5, 3)),
    kgan.layers.EqualizedLearningRate: ({"layer": dense}, (2, 3)),
    kgan.layers.Gate: ({}, (2, 4)),
    kgan.layers.GatedMaskedConv2D: ({"filters": 2}, None),
    kgan.layers.GaussianBlur: ({"sigma": 1.0}, (2, 4, 4, 3)),
    kgan.layers.GlobalSumPooling2D: ({}, (2, 4, 4, 3)),
    kgan.layers.InstanceNormalization: ({}, (2, 4, 4, 3)),
    kgan.layers.JoinLabels: ({"classes": 2}, None),
    kgan.layers.LSU: ({}, (2, 3)),
    kgan.layers.MaskedConv2D: ({"filters": 2, "kernel_size": (2, 3)}, (2, 4, 4, 3)),
    kgan.layers.LadderModulation: ({}, (2, 3)),
    kgan.layers.LearnedBackground: ({}, None),
    kgan.layers.LearnedBlur: ({}, None),
    kgan.layers.LearnedConstant: ({"units": 2}, (2, 3)),
    kgan.layers.LearnedDetail: ({}, None),
    kgan.layers.Lighting: ({}, None),
    kgan.layers.Maxout: ({"units": 2}, (2, 3)),
    kgan.layers.MinibatchDiscrimination: ({"num_kernels": 2}, (3, 4)),
    kgan.layers.MinibatchStdDev: ({}, (4, 2, 2, 3)),
    kgan.layers.MuReLU: ({}, (2, 3)),
    kgan.layers.PixelNormalization: ({}, (2, 3)),
    kgan.layers.PrependReference: ({"reference_size": 2}, (3, 4)),
    kgan.layers.Quantize8Bit: ({}, (2, 3)),
    kgan.layers.RandomFeatures: ({"units": 2}, (2, 3)),
    kgan.layers.Retouch: ({}, None),
    kgan.layers.Sawtooth: ({}, (2, 3)),
    kgan.layers.SpatialTransformer: ({}, None),
    kgan.layers.SpectralNormalization: ({"layer": dense}, (2, 3)),
    kgan.layers.TagRenderer: ({}, None),
    kgan.layers.UntiedBias: ({}, (2, 3)),
    kgan.layers.VirtualBatchNormalization: ({"reference_size": 2}, (5, 3)),
    kgan.layers.Warp: ({}, None),
    kgan.layers.Waves: ({}, (2, 3)),
    kgan.layers.WeightNormalization: ({"layer": dense}, (2, 3)),
    kgan.layers.WeightSamples: ({"network": network, "slots": 2}, None),
    kgan.layers.Clip: ({}, None),
}
each = pytest.mark.parametrize("cls", LAYERS, ids=lambda cls: cls.__name__)


def made(cls, **changes):
    needed = {name: value() if inspect.isfunction(value) else value for name, value in LAYERS[cls][0].items()}
    return cls(**{**needed, **changes})


def test_every_layer_is_fuzzed():
    assert {getattr(kgan.layers, name) for name in kgan.layers.__all__} == {
        *LAYERS, kgan.layers.estimate_statistics, kgan.layers.initialize_from_data, kgan.layers.quantize_8bit,
        kgan.layers.statistics_kept, kgan.layers.warp,
    }  # fmt: skip


@pytest.mark.only("tensorflow")
@each
def test_a_layer_takes_or_refuses_any_argument(cls):
    own = {name: p for name, p in inspect.signature(cls.__init__).parameters.items() if p.kind == p.POSITIONAL_OR_KEYWORD}
    names = sorted(set(own) - {"self", *OTHERS})
    if not names:
        return

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(st.sampled_from(names), VALUES)
    def fuzz(name, value):
        try:
            made(cls, **{name: value})
        except Exception as error:
            if not (refused_by_us(error) and (f"`{name}` of {cls.__name__}" in str(error) or cls.__name__ in str(error))):
                raise AssertionError(f"{cls.__name__}({name}={value!r}) was not refused by us: {error!r}") from error

    fuzz()


SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, 4, 5]), max_size=5).map(tuple)
DTYPES = st.sampled_from(["float32", "float16", "int32", "bool"])


def by_keras_or_us(error, layer):
    """Whether an error names the layer that was called, or its class."""
    frames = {frame.filename.rsplit("/", 1)[-1] for frame in traceback.extract_tb(error.__traceback__)}
    named = layer.name in str(error) or type(layer).__name__ in str(error)
    return isinstance(error, (ValueError, TypeError)) and named and bool(frames)


@pytest.mark.only("tensorflow")
@pytest.mark.parametrize("cls", [cls for cls, (_, shape) in LAYERS.items() if shape], ids=lambda cls: cls.__name__)
def test_a_layer_takes_or_refuses_any_input(cls):
    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(st.one_of(st.just(LAYERS[cls][1]), SHAPES), DTYPES)
    def fuzz(shape, dtype):
        layer = made(cls)
        inputs = ops.convert_to_tensor(np.ones(shape), dtype=dtype)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outputs = layer(inputs)
        except Exception as error:
            if not by_keras_or_us(error, layer):
                raise AssertionError(f"{cls.__name__} of {dtype} {shape} was not refused clearly: {error!r:.600}") from error
            return
        assert tuple(outputs.shape) == tuple(layer.compute_output_shape(shape))
        assert np.isfinite(ops.convert_to_numpy(ops.cast(outputs, "float32"))).all()

    fuzz()
