"""Our metrics beside those of torch-fidelity, and of prdc (density and coverage), on the same random features.

A tool outside the test-suite: neither is a dependency. In an environment of its own, from the root of the repository:

    python3 -m venv .peers && .peers/bin/pip install torch==2.13.0 torch-fidelity prdc keras matplotlib
    KERAS_BACKEND=torch .peers/bin/python -m benchmarks.peers.metrics

Prints one line per figure and setting: ours, theirs, the absolute difference, and the seconds each took.
"""

import argparse
import os
import time
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np

from kgan import metrics


def settings(smoke):
    """Name, samples, features, and a shift, scale and mixing that keep the covariances from commuting."""
    yield "equal distributions", 600, 64, 0.0, 1.0
    yield "shifted and scaled", 600, 64, 0.3, 1.4
    yield "fewer samples than features", 100, 256, 0.3, 1.4
    if not smoke:
        yield "2048 features", 5000, 2048, 0.1, 1.1


def draw(samples, features, shift, scale, seed):
    """Two sets of non-negative features, as after a ReLU, with some that are always 0."""
    rng = np.random.default_rng(seed)
    real_mix, fake_mix = rng.normal(size=(2, features, features)) / np.sqrt(features)
    real = np.maximum(rng.normal(size=(samples, features)) @ real_mix, 0.0)
    fake = np.maximum((rng.normal(size=(samples, features)) @ (real_mix + 0.2 * fake_mix)) * scale + shift, 0.0)
    fake[:, : features // 16] = 0.0
    return real, fake


def peers():
    """torch-fidelity's feature-level functions and prdc's, in our terms."""
    try:
        import torch
        from prdc import compute_prdc
        from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
        from torch_fidelity.metric_isc import isc_features_to_metric
        from torch_fidelity.metric_kid import kid_features_to_metric
        from torch_fidelity.metric_prc import prc_features_to_metric
    except ImportError as error:
        raise SystemExit(f"{error}. {__doc__}") from error

    def frechet(real, fake):
        statistics = [fid_features_to_statistics(torch.from_numpy(x)) for x in (fake, real)]
        return fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]

    def kernel(real, fake):
        arguments = {"kid_subsets": 1, "kid_subset_size": len(real), "verbose": False}
        return kid_features_to_metric(torch.from_numpy(fake), torch.from_numpy(real), **arguments)[
            "kernel_inception_distance_mean"
        ]

    def score(logits, splits):
        result = isc_features_to_metric(torch.from_numpy(logits), splits=splits, shuffle=False)
        return result["inception_score_mean"], result["inception_score_std"]

    def manifolds(real, fake):
        result = prc_features_to_metric(torch.from_numpy(fake), torch.from_numpy(real), verbose=False)
        return result["precision"], result["recall"]

    def four(real, fake):
        found = compute_prdc(real, fake, nearest_k=5)
        return [found[name] for name in FOUR]

    return {"frechet": frechet, "kernel": kernel, "score": score, "manifolds": manifolds, "four": four}


FOUR = ("precision", "recall", "density", "coverage")


def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="leave the large setting out")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    theirs = peers()
    print("| setting | figure | kgan | theirs | difference | seconds kgan | seconds theirs |")
    print("| --- | --- | --- | --- | --- | --- | --- |")

    def row(setting, names, ours, other):
        began = time.perf_counter()
        a = np.atleast_1d(ours())
        between = time.perf_counter()
        b = np.atleast_1d(other())
        seconds = between - began, time.perf_counter() - between
        for name, x, y in zip(names, a, b, strict=True):
            print(
                f"| {setting} | {name} | {x:.10g} | {y:.10g} | {abs(x - y):.1e} | {seconds[0]:.2f} | {seconds[1]:.2f} |",
                flush=True,
            )

    warnings.filterwarnings("ignore", "A Frechet distance of")
    for name, samples, features, shift, scale in settings(args.smoke):
        real, fake = draw(samples, features, shift, scale, args.seed)
        tag = f"{name}, n {samples}, d {features}"
        row(tag, ["Frechet distance"], lambda: metrics.frechet_distance(real, fake), lambda: theirs["frechet"](real, fake))  # noqa: B023
        row(tag, ["kernel distance"], lambda: metrics.kernel_mmd2(real, fake), lambda: theirs["kernel"](real, fake))  # noqa: B023
        row(
            tag,
            ["precision", "recall"],
            lambda: metrics.precision_recall(real, fake),  # noqa: B023
            lambda: theirs["manifolds"](real, fake),  # noqa: B023
        )
        row(
            f"{tag}, k 5, prdc",
            FOUR,
            lambda: [metrics.manifold_figures(real, fake, 5, 5)[name] for name in FOUR],  # noqa: B023
            lambda: theirs["four"](real, fake),  # noqa: B023
        )
    for classes, samples, splits in ((10, 1000, 1), (1008, 5003, 10)):
        logits = np.random.default_rng(args.seed).normal(size=(samples, classes)) * 3
        row(
            f"{classes} classes, n {samples}, {splits} splits",
            ["class score", "its std"],
            lambda: metrics.class_score(softmax(logits), splits),  # noqa: B023
            lambda: theirs["score"](logits, splits),  # noqa: B023
        )


if __name__ == "__main__":
    main()
