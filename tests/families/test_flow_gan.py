"""What is particular to FlowGAN: who sees which pairs, unknown truth, the late start, the warp's convention, files of flow."""

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

import kgan
from kgan import datasets, metrics
from kgan.layers import Channels, Warp, warp
from kgan.networks import optical_flow

FRAME = (8, 8, 1)


def small(**kwargs):
    keras.utils.set_random_seed(0)
    return kgan.FlowGAN(
        FRAME,
        seed=0,
        generator=optical_flow.plain(1, (3,), (1,)),
        discriminator=optical_flow.patch_judge(1, 23, 2),
        **{"discriminator_start": 0, "adversarial_start": 0, **kwargs},
    )


@pytest.fixture
def batch(rng):
    pairs, flow = (rng.uniform(-1, 1, (3, 8, 8, 2)).astype("float32") for _ in range(2))
    flow[0, :4] = np.inf
    return {"labeled": datasets.flow_examples(pairs, flow), "unlabeled": pairs[::-1].copy()}


def softplus(x):
    return np.logaddexp(0, x)


# Warping ---------------------------------------------------------------------------------------------------------------------


def test_what_moved_right_and_down_is_found_right_and_down(rng):
    second = rng.uniform(size=(1, 6, 7, 2)).astype("float32")
    flow = np.broadcast_to(np.array([2.0, 1.0], "float32"), (1, 6, 7, 2))
    first = ops.convert_to_numpy(warp(second, flow))
    np.testing.assert_allclose(first[:, :-1, :-2], second[:, 1:, 2:], atol=1e-5)
    # Beyond the border, the border goes on.
    np.testing.assert_allclose(first[:, -1, :-2], second[:, -1, 2:], atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(Warp()([second, flow])), first, atol=1e-6)


def test_warping_has_gradients_by_flow_and_frame(rng):
    images = rng.uniform(-1, 1, (1, 5, 5, 1)).astype("float32")
    flow = np.full((1, 5, 5, 2), 0.3, "float32")

    def loss(tensors):
        return ops.sum(ops.square(warp(*tensors))[:, 1:-1, 1:-1]), None

    _, gradients = kgan.backend.value_and_gradients(loss, [ops.convert_to_tensor(images), ops.convert_to_tensor(flow)])
    for index, value in enumerate((images, flow)):
        direction = rng.normal(size=value.shape).astype("float32")
        ends = []
        for sign in (1, -1):
            moved = [images, flow]
            moved[index] = value + sign * 1e-2 * direction
            ends.append(float(loss([ops.convert_to_tensor(part) for part in moved])[0]))
        along = float((ops.convert_to_numpy(gradients[index]) * direction).sum())
        assert along == pytest.approx((ends[0] - ends[1]) / 2e-2, rel=0.02, abs=1e-3)


def test_channels_and_warps_refuse_what_they_cannot_take():
    np.testing.assert_array_equal(ops.convert_to_numpy(Channels(1, 2)(np.arange(4.0, dtype="float32")[None])), [[1.0, 2.0]])
    with pytest.raises(ValueError, match="Channels 3 to 4"):
        Channels(3, 2)(np.zeros((1, 4), "float32"))
    with pytest.raises(ValueError, match="flow"):
        Warp()([np.zeros((1, 4, 4, 1), "float32"), np.zeros((1, 4, 5, 2), "float32")])


# The game --------------------------------------------------------------------------------------------------------------------


def test_the_discriminator_sees_labeled_pairs_alone(batch):
    model = small()
    before = float(model.discriminator_loss(batch)["adversarial"])
    assert float(model.discriminator_loss({**batch, "unlabeled": -batch["unlabeled"]})["adversarial"]) == before
    pairs, flow, valid = batch["labeled"][..., :2], batch["labeled"][..., 2:4], batch["labeled"][..., 4:]
    logits = []
    for given in (flow, ops.convert_to_numpy(model.generator(pairs))):
        error = valid * 0.5 * (pairs[..., :1] - ops.convert_to_numpy(warp(pairs[..., 1:], given)))
        logits.append(ops.convert_to_numpy(model.discriminator(error)))
    assert before == pytest.approx(softplus(-logits[0]).mean() + softplus(logits[1]).mean(), rel=1e-5)


def test_the_terms_of_the_flow_network_by_hand(batch):
    model = small(adversarial_weight=0.5, photometric_weight=2.0, smoothness_weight=3.0)
    terms = {name: float(value) for name, value in model.generator_loss(batch).items()}
    flow = ops.convert_to_numpy(model.generator(batch["labeled"][..., :2]))
    known = batch["labeled"][..., 4] > 0
    distance = np.linalg.norm(flow - batch["labeled"][..., 2:4], axis=-1)[known].mean()
    assert terms["end_point_error"] == pytest.approx(distance, rel=1e-5)
    own = ops.convert_to_numpy(model.generator(batch["unlabeled"]))
    error = 0.5 * (batch["unlabeled"][..., :1] - ops.convert_to_numpy(warp(batch["unlabeled"][..., 1:], own)))
    assert terms["photometric"] == pytest.approx(2.0 * np.sqrt(error**2 + 1e-6).mean(), rel=1e-4)
    slopes = [np.diff(own[..., k], axis=axis) for k in range(2) for axis in (1, 2)]
    assert terms["smoothness"] == pytest.approx(3.0 * sum(np.sqrt(s**2 + 1e-6).mean() for s in slopes), rel=1e-4)
    labeled = batch["labeled"][..., 4:] * 0.5 * (
        batch["labeled"][..., :1] - ops.convert_to_numpy(warp(batch["labeled"][..., 1:2], flow))
    )  # fmt: skip
    both = sum(softplus(-ops.convert_to_numpy(model.discriminator(part))).mean() for part in (labeled, error))
    assert terms["adversarial"] == pytest.approx(0.5 * both, rel=1e-5)


def test_the_game_begins_late(batch):
    model = small(discriminator_start=1, adversarial_start=2)
    model.compile(run_eagerly=True)
    counts, adversarial = [], []
    for _ in range(3):
        adversarial.append(float(model.generator_loss(batch)["adversarial"]))
        model.fit(batch, batch_size=3, verbose=0)
        counts.append(int(model.optimizer["discriminator"].iterations))
    assert counts == [0, 1, 2]
    assert adversarial[0] == adversarial[1] == 0.0 < adversarial[2]


def test_a_pyramid_doubles_the_flow_between_levels():
    network = optical_flow.pyramid(16, 16, 1, levels=3, filters=2)
    for layer in network.layers:
        if layer.name.startswith("residual_"):
            layer.kernel.assign(ops.zeros_like(layer.kernel))
            layer.bias.assign([1.0, 0.0])  # one pixel to the right on every level
    flow = ops.convert_to_numpy(network(np.zeros((1, 16, 16, 2), "float32")))
    np.testing.assert_allclose(flow[..., 0], 7.0, atol=1e-5)  # 4 + 2 + 1
    with pytest.raises(ValueError, match="multiples of 8"):
        optical_flow.pyramid(12, 16, 1, levels=3)


@pytest.mark.parametrize("field", [23, 47, 95])
def test_a_patch_judge_sees_its_field(field):
    network = optical_flow.patch_judge(1, field, 2)
    size = 2 * field + 32
    image = np.zeros((1, size, size, 1), "float32")
    middle = ops.convert_to_numpy(network(image)).shape[1] // 2
    _, (gradient,) = kgan.backend.value_and_gradients(
        lambda t: (network(t[0])[0, middle, middle, 0], None), [ops.convert_to_tensor(image + 0.1)]
    )
    seen = np.abs(ops.convert_to_numpy(gradient))[0, ..., 0].sum(axis=0) > 0
    assert np.flatnonzero(seen)[-1] - np.flatnonzero(seen)[0] + 1 == field


def test_frames_of_any_size_and_what_is_refused(batch, rng):
    model = small()
    frames = rng.uniform(-1, 1, (2, 2, 11, 6, 1)).astype("float32")
    assert model.flow(*frames).shape == (2, 11, 6, 2)
    np.testing.assert_allclose(
        model.generate(3, condition=batch), model.flow(batch["unlabeled"][..., :1], batch["unlabeled"][..., 1:]), atol=1e-6
    )
    with pytest.raises(ValueError, match="one shape"):
        model.flow(frames[0], frames[1, :, :5])
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        model.flow(frames[0] * 9, frames[1])
    model.compile()
    unknown = batch["labeled"].copy()
    unknown[0, 0, 0, 2] = np.nan
    for wrong, words in (
        (batch["unlabeled"], "dicts of"),
        ({**batch, "labeled": batch["unlabeled"]}, "Labeled examples"),
        ({**batch, "labeled": unknown}, "must be finite"),
    ):
        with pytest.raises(ValueError, match=words):
            model.fit(wrong, batch_size=3, verbose=0)
    with pytest.raises(ValueError, match="between frames"):
        model.generate(1)


# Data ------------------------------------------------------------------------------------------------------------------------


def test_the_first_frame_is_the_second_seen_through_the_flow():
    pairs, flow = datasets.warped_pairs(4, size=24, noise=0.0, seed=1)
    seen = ops.convert_to_numpy(warp(pairs[..., 1:], flow))
    inside = np.s_[:, 4:-4, 4:-4]
    assert np.abs(seen - pairs[..., :1])[inside].max() < 1e-3
    assert np.abs(pairs[..., 1:] - pairs[..., :1])[inside].mean() > 0.02


def test_flow_files_there_and_back(tmp_path, rng):
    flow = rng.normal(size=(3, 5, 2)).astype("float32")
    flow[0, 0] = np.inf
    datasets.write_flow(tmp_path / "a.flo", flow)
    read, valid = datasets.read_flow(tmp_path / "a.flo")
    assert valid.sum() == 14
    np.testing.assert_array_equal(read[valid > 0], flow[valid > 0])
    assert (read[0, 0] == 0).all()
    content = (tmp_path / "a.flo").read_bytes()
    assert content[:12] == b"PIEH" + np.array([5, 3], "<i4").tobytes()
    for name, wrong in (
        ("short", content[:-4]),
        ("magic", b"HEIP" + content[4:]),
        ("head", content[:7]),
        ("long", content + b"x"),
    ):
        (tmp_path / f"{name}.flo").write_bytes(wrong)
        with pytest.raises(ValueError, match="optical flow"):
            datasets.read_flow(tmp_path / f"{name}.flo")


def test_kittis_pictures_of_flow(tmp_path):
    av = pytest.importorskip("av")
    pixels = np.zeros((4, 6, 3), "uint16")
    pixels[1, 2] = 2**15 + 64 * 3, 2**15 - 32, 1  # 3 to the right, half a pixel up
    frame = av.VideoFrame.from_ndarray(pixels.astype("<u2"), format="rgb48le")
    with av.open(str(tmp_path / "flow.png"), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 6, 4, "rgb48be"
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    flow, valid = datasets.read_flow(tmp_path / "flow.png")
    assert valid.sum() == 1
    np.testing.assert_array_equal(flow[1, 2], [3.0, -0.5])
    Image.new("RGB", (6, 4)).save(tmp_path / "eight.png")
    with pytest.raises(ValueError, match="16-bit PNG"):
        datasets.read_flow(tmp_path / "eight.png")


def test_figures_leave_out_what_is_unknown():
    truth = np.zeros((1, 2, 2, 2))
    truth[0, 0, 0], truth[0, 0, 1] = (np.inf, 0.0), (40.0, 0.0)
    flow = np.full((1, 2, 2, 2), 0.0)
    flow[0, 1, 0] = 3.0, 4.0
    assert metrics.mean_end_point_error(flow, truth) == pytest.approx((40.0 + 5.0) / 3)
    assert metrics.flow_outliers(flow, truth) == pytest.approx(2 / 3)
    assert metrics.mean_end_point_error(flow, truth, truth[..., 0] == 0) == pytest.approx(2.5)
    with pytest.raises(ValueError, match="known nowhere"):
        metrics.mean_end_point_error(flow, truth * np.nan)


def test_flow_as_colors():
    flow = np.array([[[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0], [np.inf, 0.0]]])
    right, left, still, unknown = kgan.pictures.flow_image(flow)[0]
    np.testing.assert_array_equal([right, left, still, unknown], [[255, 0, 0], [0, 255, 255], [255] * 3, [0] * 3])


def test_openings_are_those_of_terms_that_have_a_weight():
    """A fit that ends before they act says so."""
    video = {"frame_shape": (8, 8, 1), "patch": 4}
    assert (kgan.FlowGAN((8, 8, 1)).opening, kgan.VideoPredictor(**video).opening) == ("adversarial_start", "coherence_start")
    assert kgan.FlowGAN((8, 8, 1), adversarial_weight=0.0).opening is None
    assert kgan.VideoPredictor(**video, coherence_weight=0.0).opening is None
