"""The Frechet distance against closed forms; moments and their files."""

import numpy as np
import pytest

from kgan import datasets, metrics


def test_known_gaussians():
    # |e_1|^2 + tr(I) + tr(diag(4, 1, 1/4)) - 2 tr diag(2, 1, 1/2) = 1 + 3 + 5.25 - 7.
    args = np.zeros(3), np.eye(3), np.eye(3)[0], np.diag([4.0, 1.0, 0.25])
    assert metrics.frechet_distance_from_moments(*args) == pytest.approx(2.25, abs=1e-12)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200_000, 3)), rng.normal(size=(200_000, 3)) * [2.0, 1.0, 0.5] + [1.0, 0.0, 0.0]
    assert metrics.frechet_distance(x, y) == pytest.approx(2.25, abs=0.03)
    assert metrics.frechet_distance(x, x) == pytest.approx(0.0, abs=1e-9)


def test_covariances_that_do_not_commute():
    value = metrics.frechet_distance_from_moments([1, 0], [[2, 0.5], [0.5, 1]], [0, 2], [[1, -0.3], [-0.3, 1.5]])
    assert value == pytest.approx(5.463471, abs=1e-6)


def test_rotated_covariances_and_singular_ones():
    # Commuting covariances in a rotated frame, one of rank 1: (sqrt(4) - sqrt(1))^2 + (0 - 1)^2.
    c, s = np.cos(0.7), np.sin(0.7)
    r = np.asarray([[c, -s], [s, c]])
    value = metrics.frechet_distance_from_moments(np.zeros(2), r @ np.diag([4.0, 0.0]) @ r.T, np.zeros(2), r @ np.eye(2) @ r.T)
    assert value == pytest.approx(2.0, abs=1e-7)
    # Dead features: 90 of 100 directions without variance, and rounding must not add up.
    few = np.random.default_rng(0).normal(size=(500, 10)) @ np.random.default_rng(1).normal(size=(10, 100)) * 10
    assert metrics.frechet_distance(few, few) == pytest.approx(0.0, abs=1e-8)


def test_fewer_samples_than_features_exactly(rng):
    # The trace of the root is then the nuclear norm of the centered Gram matrix, of the size of the samples.
    x, y = rng.normal(size=(30, 200)), rng.normal(size=(40, 200)) * 1.5 + 0.3
    a, b = x - x.mean(axis=0), y - y.mean(axis=0)
    cross = np.linalg.svd(a @ b.T, compute_uv=False).sum() / np.sqrt(29 * 39)
    expected = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum() + (a**2).sum() / 29 + (b**2).sum() / 39 - 2 * cross
    with pytest.warns(UserWarning, match="singular"):
        assert metrics.frechet_distance(x, y) == pytest.approx(expected, rel=1e-12)


def test_one_feature():
    assert metrics.frechet_distance([[0.0], [2.0]], [[3.0], [5.0]]) == pytest.approx(9.0)


def test_too_few_samples_warn(rng):
    few = rng.normal(size=(5, 8)), rng.normal(size=(50, 8))
    with pytest.warns(UserWarning, match="singular"):
        metrics.frechet_distance(*few)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.frechet_distance(np.zeros((1, 2)), np.zeros((5, 2))), "at least 2"),
        (lambda: metrics.frechet_distance(np.full((5, 2), np.nan), np.zeros((5, 2))), "NaN"),
        (lambda: metrics.frechet_distance(np.zeros((5, 2)), np.full((5, 2), np.inf)), "infinite"),
        (lambda: metrics.frechet_distance(np.zeros((5, 2)), np.zeros((5, 3))), "feature size"),
        (lambda: metrics.frechet_distance_from_moments(np.zeros(2), np.eye(3), np.zeros(3), np.eye(3)), "with one d"),
        (lambda: metrics.frechet_distance_from_moments(np.zeros(1), [[np.nan]], np.zeros(1), [[1.0]]), "NaN"),
        (lambda: metrics.Moments(np.zeros(2), np.eye(2), 1), "at least 2"),
        (lambda: metrics.Moments(np.zeros(2), np.eye(3), 5), "covariance"),
        (lambda: metrics.Moments(np.zeros(2), np.full((2, 2), np.nan), 5), "NaN"),
        (lambda: metrics.Moments.of(np.eye(2), "a").distance(metrics.Moments.of(np.eye(2), "b")), "two extractors"),
        (lambda: metrics.Moments.of(np.eye(2)).distance(metrics.Moments.of(np.eye(3))), "feature size"),
        (lambda: metrics.Moments.of(np.eye(2)).save("moments.txt"), "npz"),
        (lambda: metrics.Moments.of_batches(metrics.DigitClassifier(), []), "at least 2"),
        (lambda: metrics.reference_moments("digits/test", metrics.DigitClassifier(), []), "letters"),
        (lambda: metrics.reference_moments("digits", len, []), "extractor"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_moments_survive_their_file(tmp_path, rng):
    moments = metrics.Moments.of(rng.normal(size=(20, 3)), "net:a1")
    moments.save(tmp_path / "moments.npz")
    again = metrics.Moments.load(tmp_path / "moments.npz")
    np.testing.assert_array_equal(again.covariance, moments.covariance)
    assert (again.count, again.extractor) == (20, "net:a1")
    with pytest.raises(FileNotFoundError):
        metrics.Moments.load(tmp_path / "absent.npz")
    for name, content in (("text.npz", b"text"), ("cut.npz", (tmp_path / "moments.npz").read_bytes()[:200])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="not a file of moments"):
            metrics.Moments.load(tmp_path / name)
    np.savez(tmp_path / "pickled.npz", mean=np.asarray([{}], object), covariance=0, count=2, extractor="")
    with pytest.raises(ValueError, match="not a file of moments"):
        metrics.Moments.load(tmp_path / "pickled.npz")


def test_reference_moments_are_computed_once(tmp_path):
    images, _ = datasets.arrays("digits", "test")
    classifier = metrics.DigitClassifier()
    calls = []

    def batches():
        calls.append(1)
        return np.array_split(images, 4)

    first = metrics.reference_moments("digits-test", classifier, batches, cache=tmp_path)
    again = metrics.reference_moments("digits-test", classifier, batches, cache=tmp_path)
    assert len(calls) == 1
    np.testing.assert_array_equal(first.mean, again.mean)
    whole = metrics.Moments.of(classifier.features(images), classifier.name)
    np.testing.assert_allclose(first.covariance, whole.covariance, rtol=1e-6, atol=1e-6)
    (file,) = tmp_path.iterdir()
    # A broken file, or one of other features, is computed anew.
    file.write_bytes(b"broken")
    metrics.reference_moments("digits-test", classifier, batches, cache=tmp_path)
    metrics.Moments(np.zeros(3), np.eye(3), 9, "other").save(file)
    assert metrics.reference_moments("digits-test", classifier, batches, cache=tmp_path).count == len(images)
    assert len(calls) == 3
    # A cache that cannot be written is no error.
    (tmp_path / "file").write_text("")
    assert metrics.reference_moments("digits-test", classifier, batches, cache=tmp_path / "file").count == len(images)
