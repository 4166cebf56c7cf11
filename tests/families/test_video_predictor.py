"""What is particular to VideoPredictor: who moves on what, the frames before the predictions, recursion, clips that do not fit."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import backend
from kgan.networks import video

FRAME = (8, 8, 1)


def small(past_frames=2, future_frames=2, **kwargs):
    keras.utils.set_random_seed(0)
    return kgan.VideoPredictor(
        FRAME,
        past_frames=past_frames,
        future_frames=future_frames,
        patch=kwargs.pop("patch", 4),
        seed=0,
        coarse_generator=video.stage((past_frames, 4, 4, 1), future_frames, ((3, 3, 2), (3, 4, 1))),
        fine_generator=video.stage((past_frames, *FRAME), future_frames, ((3, 3, 1),), guess=True, name="fine_generator"),
        coarse_discriminator=video.judge((4, 4, 1), ((2, 3),), (3,)),
        fine_discriminator=video.judge(FRAME, ((2, 3),), (3,), name="fine_discriminator"),
        **kwargs,
    )


@pytest.fixture
def clips(rng):
    return rng.uniform(-1, 1, (3, 4, *FRAME)).astype("float32")


def test_the_terms_by_hand(clips):
    """L1 and Score of both scales from the predictions themselves; sequences begin with the last true frames."""
    model = small(coherence_start=0, adversarial_weight=0.5)
    made = {
        scale: ops.convert_to_numpy(frames)
        for scale, frames in model.predicted(ops.convert_to_tensor(clips[:, :2]), False).items()
    }
    half = clips.reshape(3, 4, 4, 2, 4, 2, 1).mean(axis=(3, 5))
    terms = {name: float(value) for name, value in model.generator_loss(clips).items()}
    l1 = np.abs(made["fine"] - clips[:, 2:]).mean() + np.abs(made["coarse"] - half[:, 2:]).mean()
    assert terms["l1"] == pytest.approx(0.25 * l1, rel=1e-5)
    expected = sum(
        -0.5
        * float(kgan.objectives.correlation_score(ops.convert_to_tensor(made[scale]), ops.convert_to_tensor(true[:, 1:3]), patch))
        for scale, true, patch in (("fine", clips, 4), ("coarse", half, 2))
    )
    assert terms["correlation"] == pytest.approx(0.25 * expected, rel=1e-5)
    adversarial = coherence = coherence_2 = 0.0
    for scale, true in (("fine", clips), ("coarse", half)):
        features, logits = model.judged(scale, ops.convert_to_tensor(np.concatenate([true[:, :2], made[scale]], axis=1)))
        adversarial += float(ops.mean(ops.softplus(-logits[:, 2:])))
        beliefs = ops.sigmoid(logits)
        coherence += float(kgan.objectives.frame_coherence(features[:, 1:], beliefs[:, 1:], 1))
        coherence_2 += float(kgan.objectives.frame_coherence(features, beliefs, 2))
    assert terms["adversarial"] == pytest.approx(0.5 * adversarial, rel=1e-5)
    assert terms["coherence"] == pytest.approx(0.25 * coherence, rel=1e-4)
    assert terms["coherence_2"] == pytest.approx(0.25 * coherence_2, rel=1e-4)


def test_coherence_waits(clips):
    model = small(coherence_start=1)
    model.compile(run_eagerly=True)
    before = model.generator_loss(clips)
    assert float(before["coherence"]) == float(before["coherence_2"]) == 0.0
    model.fit(clips, batch_size=3, verbose=0)
    assert float(model.generator_loss(clips)["coherence_2"]) > 0.0


def test_the_fine_stage_teaches_the_coarse_one(clips):
    """Gradients of the fine scale's own L1 reach the coarse generator."""
    model = small()
    variables = [v.value for v in model.coarse_generator.trainable_variables]

    def fine_only(values):
        with backend.Overlay(zip(model.coarse_generator.trainable_variables, values, strict=True)):
            made = model.predicted(ops.convert_to_tensor(clips[:, :2]), True)["fine"]
            return ops.mean(ops.abs(made - clips[:, 2:])), None

    _, gradients = backend.value_and_gradients(fine_only, variables)
    assert max(float(ops.max(ops.abs(g))) for g in gradients) > 1e-6


def test_a_weight_of_0_leaves_a_term_out(clips):
    model = small(correlation_weight=0.0, coherence_weight=0.0, adversarial_weight=0.0)
    assert set(model.generator_loss(clips)) == {"l1"}


def test_smooth_takes_the_papers_weights_for_it():
    model = small(smooth=True)
    assert (model.l1_weight, model.correlation_weight, model.coherence_weight) == (0.33, 0.33, 0.16)


def test_smooth_and_margin_are_those_of_the_terms(clips):
    weights = {"l1_weight": 0.25, "correlation_weight": 0.25, "coherence_weight": 0.25}
    settings = ({}, {"smooth": True, **weights}, {"margin": 5.0})
    losses = [small(coherence_start=0, **kwargs).generator_loss(clips) for kwargs in settings]
    plain, smooth, wide = ({name: float(value) for name, value in terms.items()} for terms in losses)
    assert {name for name in plain if abs(plain[name] - smooth[name]) > 1e-4} == {"correlation"}
    assert {name for name in plain if abs(plain[name] - wide[name]) > 1e-4} == {"coherence", "coherence_2"}
    with pytest.raises(ValueError, match="4 or more"):
        small(patch=2)


@pytest.mark.parametrize(("past_frames", "future_frames"), [(2, 1), (1, 2), (3, 2)])
def test_short_clips_have_all_terms(rng, past_frames, future_frames):
    model = small(past_frames, future_frames, coherence_start=0)
    terms = model.generator_loss(rng.uniform(-1, 1, (2, past_frames + future_frames, *FRAME)).astype("float32"))
    assert {"coherence", "coherence_2"} <= set(terms)
    assert np.isfinite([float(value) for value in terms.values()]).all()


def test_two_frames_have_no_second_difference():
    with pytest.raises(ValueError, match="second difference"):
        small(1, 1)
    assert small(1, 1, coherence_weight=0.0).data_shape == (2, *FRAME)


def test_predictions_go_on_from_predictions(clips):
    model = small()
    three = model.predict_frames(clips[:, :2], 3)
    assert three.shape == (3, 3, *FRAME)
    np.testing.assert_allclose(three[:, :2], model.predict_frames(clips[:, :2]), atol=1e-6)
    np.testing.assert_allclose(three[:, 2:], model.predict_frames(three[:, :2])[:, :1], atol=1e-6)
    # Of a longer past the last frames count; `generate` gives the same.
    np.testing.assert_allclose(model.predict_frames(clips), model.generate(3, condition=clips[:, 2:]), atol=1e-6)


def test_a_residual_stage_starts_from_the_last_frame(rng):
    past = rng.uniform(-1, 1, (2, 3, 8, 8, 2)).astype("float32")
    network = video.stage((3, 8, 8, 2), 2, ((4, 3, 1),), residual=True)
    network.get_layer("output").kernel.assign(ops.zeros_like(network.get_layer("output").kernel))
    np.testing.assert_allclose(ops.convert_to_numpy(network(past)), past[:, -1:].repeat(2, axis=1), atol=1e-6)


def test_the_papers_networks_fit_and_have_its_maps():
    model = kgan.VideoPredictor((16, 16, 1), architecture="paper", seed=0)
    for network, maps in (
        (model.coarse_generator, [64, 128, 256, 128, 64]),
        (model.fine_generator, [64, 128, 256, 512, 256, 128, 64]),
    ):
        convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
        assert [layer.filters for layer in convolutions[:-1]] == maps
    assert [layer.filters for layer in model.fine_discriminator.layers if isinstance(layer, keras.layers.Conv2D)] == [
        128, 256, 512, 256, 128,
    ]  # fmt: skip


def test_what_does_not_fit_is_refused(clips):
    with pytest.raises(ValueError, match="multiples of the patch"):
        kgan.VideoPredictor((12, 16, 1))
    with pytest.raises(ValueError, match="even"):
        kgan.VideoPredictor((9, 9, 1), patch=3)
    with pytest.raises(ValueError, match="`architecture` must be one of"):
        kgan.VideoPredictor((16, 16, 1), architecture="large")
    model = small()
    with pytest.raises(ValueError, match="does not take"):
        kgan.VideoPredictor(
            (16, 16, 1), coarse_discriminator=model.fine_discriminator, fine_discriminator=model.coarse_discriminator
        )
    model.compile()
    for wrong, words in ((clips[:, :3], "shape"), (clips * 3.0, r"\[-1, 1\]"), ((clips * 127).astype("uint8"), "floating")):
        with pytest.raises(ValueError, match=words):
            model.fit(wrong, batch_size=3, verbose=0)
    with pytest.raises(ValueError, match="at least 2"):
        model.predict_frames(clips[:, :1])
    with pytest.raises(ValueError, match="integer >= 1"):
        model.predict_frames(clips, 0)
    with pytest.raises(ValueError, match="follows a past"):
        model.generate(2)
