"""Keras may be told to put channels first: the networks here keep them last, as the data have them."""

import ast
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import kgan
from kgan import backend
from tests.conformance.rows import SPECS, compiled, fit

ORDERED = re.compile(
    r"(keras\.)?(layers\.(Conv\w*D\w*|DepthwiseConv\dD|SeparableConv\dD|UpSampling\dD|\w*Pooling\dD|ZeroPadding\dD|Cropping\dD|Flatten"
    r"|SpatialDropout\dD)|ops\.(average_pool|max_pool|conv|conv_transpose|depthwise_conv|separable_conv))"
)


@pytest.fixture
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


def test_every_layer_with_an_order_of_axes_is_told():
    found, silent = 0, []
    for path in Path(kgan.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and ORDERED.fullmatch(name := ast.unparse(call.func)):
                found += 1
                if all(keyword.arg not in ("data_format", None) for keyword in call.keywords):
                    silent.append(f"{path.name}:{call.lineno} {name}")
    assert found > 40
    assert not silent


@pytest.mark.only("tensorflow")
@pytest.mark.parametrize("row", ["SNGAN", "ProGAN, fading", "ThreeDGAN", "SteganographyGAN"])
def test_families_train_with_channels_first(channels_first, row):
    spec = SPECS[row]
    model = compiled(spec, run_eagerly=True)
    formats = {getattr(layer, "data_format", "channels_last") for layer in backend.all_layers(model)}
    assert formats == {"channels_last"}
    history = fit(model, spec)
    assert np.isfinite([v for values in history.values() for v in values]).all()
    assert tuple(spec.samples(model, 2, 0).shape[1:]) == tuple(spec.data(1)[0].shape[1:])
