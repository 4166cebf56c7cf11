"""Proof of spectral normalization: gradient and state against the equations, spectra (Figure 3), robustness at a high rate."""

import keras
import numpy as np
from keras import layers, ops

import kgan
from benchmarks import sngan_rows as sngan_table
from benchmarks.proofs.harness import run
from kgan.layers.kernel_normalization import KernelNormalization

IMAGE = (8, 8, 1)
SHAPE = (64,)  # the harness works on vectors of pixels in [0, 1]
WIDTH = 128


# The rows of the paper's table under shorter names.
METHODS = {"SN": "SN", "orthonormal": "orthonormal", "clipping": "weight clipping"}
METHODS |= {name: name for name in ("GAN-GP", "WGAN-GP", "weight norm", "batch norm", "layer norm")}


def train(method, setting, steps, seed):
    keras.utils.set_random_seed(seed)
    model = sngan_table.build(METHODS[method], setting, SHAPE, "dense", seed=seed)
    images, _ = kgan.datasets.arrays("digits", "train")
    pixels = (images.reshape(-1, 64) + 1) / 2
    # Few long epochs: a small set passed over hundreds of times would spend its time between epochs.
    passes = -(-steps * 64 * model.discriminator_steps // (10 * len(pixels)))
    model.fit(np.concatenate([pixels] * passes), batch_size=64, epochs=10, steps_per_epoch=-(-steps // 10), verbose=0)
    return model


def spectra(model):
    """Largest singular value and participation ratio of the hidden kernels that the next discriminator move would use."""
    values = []
    for layer in model.discriminator.layers:
        if "hidden" in layer.name:
            if isinstance(layer, kgan.layers.SpectralNormalization):
                layer.advance()  # Algorithm 1: the iteration on the present kernel comes before its use
            kernel = layer.normalized_kernel() if isinstance(layer, KernelNormalization) else layer.kernel
            s = np.linalg.svd(ops.convert_to_numpy(kernel).astype("float64"), compute_uv=False)
            values.append((float(s[0]), float((s**2).sum() ** 2 / (len(s) * (s**4).sum()))))
    return values


def state_and_gradient(report, seed, steps):
    """Part A: frozen kernels reach the SVD; a trained layer stays within 1 %; <W, dV/dW> = 0 and Eq. 11 hold."""
    rng = np.random.default_rng(seed)
    cases = {
        "Dense": (layers.Dense(7), (4, 12)),
        "Conv2D": (layers.Conv2D(6, 3), (2, 8, 8, 3)),
        "Conv2DTranspose": (layers.Conv2DTranspose(5, 4, 2), (2, 4, 4, 3)),
    }
    for name, (layer, shape) in cases.items():
        keras.utils.set_random_seed(seed)
        wrapped = kgan.layers.SpectralNormalization(layer)
        x = rng.normal(size=shape).astype("float32")
        for _ in range(200):
            wrapped(x, training=True)
        error = abs(float(wrapped.sigma()) / float(wrapped.exact_sigma()) - 1)
        report.figure(f"A {name}: relative error of sigma, frozen kernel", error, "< 1e-4", error < 1e-4, seed)
        kernel = ops.convert_to_numpy(wrapped.kernel).copy()

        def loss(tensors, wrapped=wrapped, x=x):
            with kgan.backend.Overlay([(wrapped.kernel, tensors[0])]):
                return ops.sum(ops.sin(wrapped(x))), None

        _, (gradient,) = kgan.backend.value_and_gradients(loss, [ops.convert_to_tensor(kernel)])
        gradient = ops.convert_to_numpy(gradient)
        radial = abs(float((kernel * gradient).sum())) / float(np.linalg.norm(kernel) * np.linalg.norm(gradient))
        report.figure(f"A {name}: cosine of kernel and gradient", radial, "< 1e-5", radial < 1e-5, seed)
        # Eq. 11: (G - <G, W_bar> u v^T) / sigma, with G the gradient at the normalized kernel.
        bar = ops.convert_to_numpy(wrapped.normalized_kernel())

        def plain(tensors, wrapped=wrapped, x=x):
            with kgan.backend.Overlay([(wrapped.kernel, tensors[0])]):
                return ops.sum(ops.sin(wrapped.layer(x))), None

        _, (outer,) = kgan.backend.value_and_gradients(plain, [ops.convert_to_tensor(bar)])
        outer = ops.convert_to_numpy(outer)
        direction = np.outer(ops.convert_to_numpy(wrapped.v), ops.convert_to_numpy(wrapped.u))
        if name == "Conv2DTranspose":
            h, w, outputs, inputs = kernel.shape
            direction = direction.reshape(h, w, inputs, outputs).swapaxes(2, 3)
        expected = (outer - (outer * bar).sum() * direction.reshape(kernel.shape)) / float(wrapped.sigma())
        error = float(np.abs(gradient - expected).max() / np.abs(expected).max())
        report.figure(f"A {name}: relative error of the gradient against Eq. 11", error, "< 1e-4", error < 1e-4, seed)

    # How well sigma tracks a kernel that moves: exactly when it rests, with a lag of one iteration per move when it is trained.
    for label, rate, iterations, bar in (
        ("kernels at rest", 0.0, 1, 0.01),
        ("setting B", 1e-4, 1, None),
        ("setting B, 10 iterations per move", 1e-4, 10, None),
    ):
        worst = tracking_error(rate, iterations, seed)
        report.figure(
            f"A 20 discriminator moves, {label}: largest error of sigma", worst, bar and f"< {bar}", bar and worst < bar, seed
        )


def tracking_error(rate, iterations, seed):
    keras.utils.set_random_seed(seed)
    model = kgan.SNGAN(IMAGE, width=0.5, setting="B", power_iterations=iterations, seed=seed)
    model.compile(optimizers={"discriminator": keras.optimizers.Adam(rate, 0.5, 0.999, 1e-8)})
    images, _ = kgan.datasets.arrays("digits", "all")
    model.fit(images[: 20 * 64], batch_size=64, verbose=0)
    normalized_layers = [x for x in model.discriminator.layers if isinstance(x, kgan.layers.SpectralNormalization)]
    return max(abs(float(layer.sigma()) / float(layer.exact_sigma()) - 1) for layer in normalized_layers)


def figure_3(report, seed, steps):
    """Part B: setting B, 1500 generator steps."""
    bars = {"SN": ("> 0.4", lambda pr: min(pr) > 0.4), "clipping": ("< 0.1", lambda pr: max(pr) < 0.1)}
    bars["weight norm"] = ("< 0.35", lambda pr: max(pr) < 0.35)
    for method in ("SN", "clipping", "weight norm", "orthonormal"):
        values = spectra(train(method, "B", steps, seed))
        for index, (sigma, ratio) in enumerate(values, 1):
            bar = ("[0.98, 1.1]", 0.98 <= sigma <= 1.1) if method == "SN" else (None, None)
            report.figure(f"B {method}: sigma_1 of layer {index}", sigma, *bar, seed)
            report.figure(f"B {method}: participation ratio of layer {index}", ratio, seed=seed)
        if method in bars:
            text, test = bars[method]
            ratios = [ratio for _, ratio in values[1:]]
            report.figure(f"B {method}: participation ratios of layers 2-3", ratios, text, test(ratios), seed)


def robustness(report, seed, steps):
    """Part C: setting D (rate 1e-3, five discriminator steps), 1300 generator steps."""
    real, _ = kgan.datasets.arrays("digits", "test")
    distances = {}
    for method in METHODS:
        model = train(method, "D", steps, seed)
        figures = kgan.metrics.digit_report(real, 2 * model.generate(len(real), seed=seed).reshape(-1, *IMAGE) - 1)
        distances[method], score = (
            next(v for k, v in figures.items() if k.startswith(kind)) for kind in ("frechet_distance", "class_score")
        )
        bar = ("< 2.5", distances[method] < 2.5) if method == "SN" else (None, None)
        report.figure(f"C {method}: Frechet digit distance, n={len(real)}", distances[method], *bar, seed)
        bar = ("> 7", score > 7) if method == "SN" else (None, None)
        report.figure(f"C {method}: digit score", score, *bar, seed)
        report.figure(f"C {method}: participation ratios", [ratio for _, ratio in spectra(model)], seed=seed)
    for method in ("weight norm", "batch norm", "layer norm"):
        ratio = distances[method] / distances["SN"]
        report.figure(f"C {method} / SN", ratio, "> 10", ratio > 10, seed)


PARTS = {"A": (state_and_gradient, 1), "B": (figure_3, 1500), "C": (robustness, 1300)}


if __name__ == "__main__":
    run("sngan", __doc__, PARTS)
