"""Spectral normalization: sigma against the SVD, the gradient against Eq. 11 and finite differences, the state against the game."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan import Move, Turn, backend
from kgan.layers import SpectralNormalization

CASES = {
    "Dense": (lambda **k: layers.Dense(4, **k), (3, 5), lambda w: w),
    "Conv1D": (lambda **k: layers.Conv1D(4, 3, **k), (2, 6, 3), lambda w: w.reshape(-1, 4)),
    "Conv2D": (lambda **k: layers.Conv2D(4, 3, **k), (2, 6, 6, 2), lambda w: w.reshape(-1, 4)),
    "Conv3D": (lambda **k: layers.Conv3D(4, 2, **k), (2, 4, 4, 4, 2), lambda w: w.reshape(-1, 4)),
    "Conv1DTranspose": (lambda **k: layers.Conv1DTranspose(4, 3, **k), (2, 6, 3), lambda w: w.swapaxes(-1, -2).reshape(-1, 4)),
    "Conv2DTranspose": (lambda **k: layers.Conv2DTranspose(4, 3, **k), (2, 6, 6, 2), lambda w: w.swapaxes(-1, -2).reshape(-1, 4)),
    "Conv3DTranspose": (
        lambda **k: layers.Conv3DTranspose(4, 2, **k),
        (1, 3, 3, 3, 2),
        lambda w: w.swapaxes(-1, -2).reshape(-1, 4),
    ),
    "Embedding": (lambda **k: layers.Embedding(6, 4, **k), None, lambda w: w),
}


def example(name, rng, **kwargs):
    make, shape, matrix = CASES[name]
    inputs = np.asarray([[1, 2], [3, 4]]) if shape is None else rng.normal(size=shape).astype("float32")
    layer = SpectralNormalization(make(**kwargs))
    layer(inputs)
    return layer, inputs, matrix


@pytest.mark.parametrize("name", sorted(CASES))
def test_sigma_reaches_the_singular_value_of_the_right_matrix(name, rng):
    layer, _, matrix = example(name, rng)
    kernel = ops.convert_to_numpy(layer.kernel).copy()
    for _ in range(400):
        layer.advance()
    exact = np.linalg.svd(matrix(kernel), compute_uv=False)[0]
    assert float(ops.convert_to_numpy(layer.sigma())) == pytest.approx(exact, rel=1e-4)
    assert float(ops.convert_to_numpy(layer.exact_sigma())) == pytest.approx(exact, rel=1e-5)
    normalized = matrix(ops.convert_to_numpy(layer.normalized_kernel()))
    assert np.linalg.svd(normalized, compute_uv=False)[0] == pytest.approx(1.0, rel=1e-4)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.kernel), kernel, err_msg="the kernel itself must stay")


@pytest.mark.parametrize("name", ["Dense", "Conv2D", "Conv2DTranspose"])
def test_the_output_is_that_of_the_layer_with_the_normalized_kernel(name, rng):
    layer, inputs, _ = example(name, rng)
    plain = CASES[name][0]()
    plain.build(inputs.shape)
    plain.set_weights([ops.convert_to_numpy(layer.normalized_kernel()), *layer.layer.get_weights()[1:]])
    np.testing.assert_allclose(ops.convert_to_numpy(layer(inputs)), ops.convert_to_numpy(plain(inputs)), atol=1e-5)


def loss_of(layer, inputs):
    def loss(tensors):
        with backend.Overlay([(layer.kernel, tensors[0])]):
            return ops.sum(ops.sin(layer(inputs))), None

    return loss


def numeric_gradient(loss, kernel, eps):
    numeric = np.zeros(kernel.shape)
    for index in np.ndindex(*kernel.shape):
        step = np.zeros_like(kernel)
        step[index] = eps
        up, down = (float(loss([ops.convert_to_tensor(kernel + s * step, dtype=str(kernel.dtype))])[0]) for s in (1, -1))
        numeric[index] = (up - down) / (2 * eps)
    return numeric


def widest_precision():
    """JAX has no float64 without a global switch, and Keras' products on torch are float32 ones: a wider step must do there."""
    return ("float64", 1e-6, 1e-7) if keras.backend.backend() == "tensorflow" else ("float32", 1e-2, 2e-2)


@pytest.mark.parametrize("name", ["Dense", "Conv2D", "Conv2DTranspose"])
def test_the_gradient_is_that_of_finite_differences_and_of_equation_11(name, rng):
    dtype, eps, tolerance = widest_precision()
    make, shape, _ = CASES[name]
    layer = SpectralNormalization(make(dtype=dtype), dtype=dtype)
    inputs = ops.convert_to_tensor(rng.normal(size=shape), dtype=dtype)
    for _ in range(3):
        layer(inputs, training=True)  # u, v far from converged: the formula must hold for any
    kernel = ops.convert_to_numpy(layer.kernel).copy()
    _, (gradient,) = backend.value_and_gradients(loss_of(layer, inputs), [kernel])
    gradient = ops.convert_to_numpy(gradient)
    np.testing.assert_allclose(gradient, numeric_gradient(loss_of(layer, inputs), kernel, eps), atol=tolerance)
    # Scale invariance: <W, dV/dW> = 0.
    assert abs((kernel * gradient).sum()) < 1e-5 * np.linalg.norm(kernel) * np.linalg.norm(gradient) + 1e-6


def test_equation_11_term_by_term(rng):
    """dV/dW = (G - <G, W_bar> u v^T) / sigma for a linear layer with fixed h and delta, as matrices."""
    layer, _, _ = example("Dense", rng)
    h, delta = rng.normal(size=(3, 5)).astype("float32"), rng.normal(size=(3, 4)).astype("float32")

    def loss(tensors):
        with backend.Overlay([(layer.kernel, tensors[0])]):
            return ops.sum(ops.multiply(layer(h), delta)), None

    kernel = ops.convert_to_numpy(layer.kernel).copy()
    _, (gradient,) = backend.value_and_gradients(loss, [kernel])
    outer = h.T @ delta
    sigma, u, v = float(layer.sigma()), ops.convert_to_numpy(layer.u), ops.convert_to_numpy(layer.v)
    expected = (outer - (outer * kernel / sigma).sum() * np.outer(v, u)) / sigma
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), expected, atol=1e-5)


@pytest.mark.only("tensorflow")
def test_the_layer_of_keras_fails_the_same_tests(rng):
    """Why kgan has a layer of its own: the stock one overwrites the kernel and loses the second term of Eq. 11."""
    stock = layers.SpectralNormalization(layers.Dense(4), power_iterations=50)
    h, delta = rng.normal(size=(3, 5)).astype("float32"), rng.normal(size=(3, 4)).astype("float32")
    stock(h)
    before = ops.convert_to_numpy(stock.kernel).copy()
    stock(h, training=True)
    kernel = ops.convert_to_numpy(stock.kernel)
    assert np.abs(kernel - before).max() > 1e-2, "the stock layer no longer overwrites its kernel: look again"
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = ops.sum(stock(h, training=True) * delta)
    gradient = ops.convert_to_numpy(tape.gradient(loss, stock.kernel.value))
    kernel = ops.convert_to_numpy(stock.kernel)
    radial = abs((kernel * gradient).sum()) / np.linalg.norm(kernel) / np.linalg.norm(gradient)
    assert radial > 1e-2, "the stock layer now differentiates through sigma: look again"


# The state and the game ------------------------------------------------------------------------------------------------


def network(size=2, **kwargs):
    return kgan.networks.mlp.discriminator(
        (size,), (8,), normalizer=lambda layer: SpectralNormalization(layer, name=f"{layer.name}_sn", **kwargs)
    )


def iterated(matrix, u, times):
    for _ in range(times):
        v = matrix @ u / np.linalg.norm(matrix @ u)
        u = matrix.T @ v / np.linalg.norm(matrix.T @ v)
    return u


def test_u_advances_once_per_discriminator_move_and_never_otherwise(rng):
    """Three forward passes per discriminator loss (real, fake, penalty), kernels at rest: exactly one iteration per move."""
    model = kgan.GAN(
        (12,),
        discriminator=network(12),
        latent_size=3,
        penalties=[kgan.penalties.GradientPenalty()],
        seed=0,
        discriminator_steps=2,
    )
    rest = {move: keras.optimizers.SGD(0.0) for move in ("discriminator", "generator")}
    model.compile(optimizers=rest)
    layer = model.discriminator.get_layer("hidden_0_sn")
    layer.u.assign(np.eye(8, dtype="float32")[0])
    matrix, start = ops.convert_to_numpy(layer.kernel).copy(), ops.convert_to_numpy(layer.u).copy()
    data = rng.normal(size=(48, 12)).astype("float32")
    model.evaluate(data, batch_size=8, verbose=0)
    model.generate(3)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.u), start)
    model.fit(data, batch_size=8, verbose=0)
    moves = int(model.optimizer["discriminator"].iterations)
    assert moves == 6
    np.testing.assert_allclose(ops.convert_to_numpy(layer.u), iterated(matrix, start, moves), atol=1e-5)
    assert np.abs(iterated(matrix, start, moves) - iterated(matrix, start, moves + 1)).max() > 1e-5, "the test could not tell"


def test_after_20_moves_at_rest_sigma_is_within_one_per_cent(rng):
    model = kgan.SNGAN((8, 8, 1), width=0.1, setting="B", seed=0)
    model.compile(optimizers={"discriminator": keras.optimizers.SGD(0.0)})
    normalized = [layer for layer in model.discriminator.layers if isinstance(layer, SpectralNormalization)]
    for layer in normalized:
        kernel = ops.convert_to_numpy(layer.kernel)
        left, values, right = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), full_matrices=False)
        values[0] *= 1.5  # the iteration is as quick as the largest value is far from the next
        layer.kernel.assign(((left * values) @ right).reshape(kernel.shape))
        layer.u.assign(np.eye(kernel.shape[-1], dtype="float32")[0])  # a layer is built with a u that has arrived

    def errors():
        sigmas = [(float(layer.sigma()), float(layer.exact_sigma())) for layer in normalized]
        return [abs(sigma / exact - 1) for sigma, exact in sigmas]

    before = errors()
    assert min(error for error, layer in zip(before, normalized, strict=True) if layer.kernel.shape[-1] > 1) > 0.01
    model.fit(rng.uniform(-1, 1, (160, 8, 8, 1)).astype("float32"), batch_size=8, verbose=0)
    assert int(model.optimizer["discriminator"].iterations) == 20
    assert max(errors()) < 0.01


@pytest.mark.only("tensorflow", "torch")  # JAX traces even eagerly; the count above holds there too
def test_all_passes_of_one_loss_see_one_kernel():
    """Inside a move the second call advances nothing, so both calls give the same logits."""
    seen = []

    class Twice(kgan.GAN):
        def turns(self):
            def loss(real):
                a, b = self.score(real), self.score(real)
                seen.append(float(ops.max(ops.abs(a - b))))
                return ops.mean(a)

            return (Turn((Move("discriminator", ("discriminator",), loss),)),)

        def default_optimizers(self):
            return {"discriminator": keras.optimizers.SGD(0.1)}

    model = Twice((2,), discriminator=network(), latent_size=3, seed=0)
    model.compile(run_eagerly=True)
    model.fit(np.ones((16, 2), "float32"), batch_size=8, verbose=0)
    assert seen
    assert max(seen) == 0.0


def test_in_a_stock_model_the_iteration_advances_with_every_training_call(rng):
    model = keras.Sequential([keras.Input((5,)), SpectralNormalization(layers.Dense(4), name="sn"), layers.Dense(1, name="out")])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    layer = model.get_layer("sn")
    layer.u.assign(np.eye(4, dtype="float32")[0])
    matrix, start = ops.convert_to_numpy(layer.kernel).copy(), ops.convert_to_numpy(layer.u).copy()
    x, y = rng.normal(size=(12, 5)).astype("float32"), np.zeros((12, 1), "float32")
    model.fit(x, y, batch_size=4, verbose=0)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.u), iterated(matrix, start, 3), atol=1e-5)
    model.predict(x, verbose=0)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.u), iterated(matrix, start, 3), atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_keeps_the_state_and_sigma_in_float32(policy, rng):
    layer = SpectralNormalization(layers.Dense(4, dtype=policy), dtype=policy)
    outputs = layer(rng.normal(size=(3, 5)).astype("float32"), training=True)
    assert policy.removeprefix("mixed_") in str(outputs.dtype)
    assert "float32" in str(layer.sigma().dtype)
    assert layer.u.dtype == layer.v.dtype == layer.kernel.dtype == "float32"


def test_file_round_trip(tmp_path, rng):
    model = keras.Sequential([keras.Input((6, 6, 2)), SpectralNormalization(layers.Conv2D(4, 3), power_iterations=2, name="sn")])
    x = rng.normal(size=(2, 6, 6, 2)).astype("float32")
    model(x, training=True)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert loaded.layers[0].power_iterations == 2
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded(x)), ops.convert_to_numpy(model(x)))


def test_what_cannot_be_normalized_is_refused():
    with pytest.raises(ValueError, match="DepthwiseConv2D"):
        SpectralNormalization(layers.DepthwiseConv2D(3))
    with pytest.raises(ValueError, match="LSTM"):
        SpectralNormalization(layers.LSTM(3))
    with pytest.raises(ValueError, match="zeros"):
        SpectralNormalization(layers.Dense(3, kernel_initializer="zeros")).build((None, 2))
    with pytest.raises(ValueError, match="power_iterations"):
        SpectralNormalization(layers.Dense(3), power_iterations=0)


def test_more_iterations_per_advance(rng):
    layer, inputs, _ = example("Dense", rng)
    layer.power_iterations = 5
    layer.u.assign(np.eye(4, dtype="float32")[0])
    layer(inputs, training=True)
    expected = iterated(ops.convert_to_numpy(layer.kernel), np.eye(4)[0], 5)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.u), expected, atol=1e-5)
