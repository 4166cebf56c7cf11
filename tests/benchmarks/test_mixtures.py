"""The arena: its sets and judges, resumption, table and verdicts, errors."""

import json

import numpy as np
import pytest

from benchmarks import mixtures
from kgan import datasets, metrics

pytestmark = pytest.mark.only("tensorflow")


@pytest.mark.parametrize(
    ("name", "expected"), [("ring", (8, 0.9889)), ("grid", (25, 0.9889)), ("gaussian1200", (0, 0.0)), ("stacked", (1000, None))]
)
def test_real_examples_before_the_judge(name, expected):
    task = mixtures.tasks()[name]
    real = task.sample(task.count, 0)
    assert real.shape == (task.count, *task.shape)
    figures = task.judge(real)
    modes, share = expected
    assert figures["modes"] == modes
    if share is not None:
        assert figures["high_quality"] == pytest.approx(share, abs=0.006)
    if name == "gaussian1200":  # real points lie sqrt(700) from their centers: none within the published 10
        assert (figures["modes@30"], figures["high_quality@30"]) == (10, 1.0)
    assert task.generator().output_shape[1:] == task.discriminator().input_shape[1:] == task.shape


def test_moments_and_runs_once(tmp_path, monkeypatch, capsys):
    assert mixtures.snapshots(8000) == [500, 1000, 2000, 4000, 8000]
    line = mixtures.run("ring", "GAN", 0, 16, tmp_path)
    assert [entry["step"] for entry in line["course"]] == [1, 2, 4, 8, 16]
    assert {"modes", "high_quality", "kl"} <= set(line)
    monkeypatch.setattr(mixtures, "train", None)  # a second training would fail
    assert mixtures.run("ring", "GAN", 0, 16, tmp_path) == line
    with pytest.raises(ValueError, match="16 steps, not 32"):
        mixtures.run("ring", "GAN", 0, 32, tmp_path)
    with pytest.raises(ValueError, match="multiple of 16"):
        mixtures.main(["--steps", "40", "--output", str(tmp_path)])


def test_an_interrupted_run_starts_over(tmp_path, monkeypatch):
    def interrupted(name, task, seed, steps, observe):
        observe(1, task.sample(10, 0))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(mixtures, "train", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mixtures.run("ring", "GAN", 0, 4, tmp_path)
    assert not list((tmp_path / "ring").glob("*.json"))

    def whole(name, task, seed, steps, observe):
        observe(steps, task.sample(task.count, seed))

    monkeypatch.setattr(mixtures, "train", whole)
    assert mixtures.run("ring", "GAN", 0, 4, tmp_path)["modes"] == 8


def test_the_command(tmp_path, monkeypatch, capsys):
    def pretended(name, task, seed, steps, observe):
        for step in mixtures.snapshots(steps):
            examples = task.sample(task.count, seed)
            observe(step, np.repeat(examples[:1], 9, 0) if name == "GAN" else examples)

    monkeypatch.setattr(mixtures, "train", pretended)
    command = ["--task", "grid", "stacked", "--families", "GAN", "UnrolledGAN", "--seeds", "0", "1", "--jobs", "1", "--smoke"]
    lines = mixtures.main([*command, "--output", str(tmp_path)])
    assert len(lines) == 8
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert sum(line.get("proof") == "mixtures" and line["ok"] for line in printed) == 4
    table = (tmp_path / "table.md").read_text()
    assert "| UnrolledGAN | 25, 25 |" in table
    assert "23.6, 16 %" in table
    assert "| UnrolledGAN | 1000, 1000 | 1000, 1000 | - |" in table
    for task in ("grid", "stacked"):
        assert (tmp_path / f"{task}.png").stat().st_size > 1000


def test_a_run_that_diverged_has_no_modes(tmp_path, monkeypatch):
    def diverging(name, task, seed, steps, observe):
        observe(1, task.sample(10, 0))
        raise mixtures.kgan.DivergenceError(["generator/adversarial"], 0, 1)

    monkeypatch.setattr(mixtures, "train", diverging)
    line = mixtures.run("ring", "GAN", 0, 4, tmp_path)
    assert line["modes"] == 0
    assert "generator/adversarial" in line["diverged"]
    assert "| GAN | diverged |" in "\n".join(mixtures.table([line]))


@pytest.mark.parametrize("name", sorted({*mixtures.DEFAULT_FAMILIES, *mixtures.BUILD}))
def test_rows_play_with_the_networks_of_the_task(name):
    task = mixtures.tasks()["ring"]
    model = mixtures.build(name, task, 0)
    assert model.generate(3, seed=0).shape == (3, 2)
    player = model.generator.members[0] if name == "BayesianGAN" else model.generator
    assert [v.shape for v in player.weights] == [v.shape for v in task.generator().weights]


def test_stacked_mnist_counts_confident_modes_beside_all():
    task = mixtures.tasks()["stacked_mnist"]
    assert task.generator().output_shape[1:] == task.shape == (28, 28, 3)
    real = task.judge(task.sample(1500, 0))
    noise = task.judge(np.random.default_rng(0).uniform(-0.1, 0.1, (300, 28, 28, 3)).astype("float32"))
    assert 700 < real["confident"] <= real["modes"] < 850  # 1,000 (1 - exp(-1.5)) = 777 are expected of uniform ones
    assert real["sure"] > 0.8
    assert noise["sure"] < 0.3
    assert noise["confident"] <= noise["modes"]


def test_what_the_papers_put_into_the_discriminator_of_stacks():
    task = mixtures.tasks()["stacked_mnist"]
    names = {
        name: [layer.name for layer in mixtures.build(name, task, 0).discriminator.layers] for name in ("GAN", "SNGAN", "WGANGP")
    }
    assert sum(name.endswith("_norm") for name in names["GAN"]) == 3
    assert not any(name.endswith("_norm") for name in names["SNGAN"] + names["WGANGP"])
    assert sum(name.endswith("_sn") for name in names["SNGAN"]) == 4


def test_unknown_families_are_named():
    with pytest.raises(mixtures.UnknownFamilyError, match=r"'SuperGAN'.*UnrolledGAN"):
        mixtures.main(["--families", "SuperGAN"])


def test_streams_agree_with_arrays():
    images, _ = datasets.stack_digits(600, "test", seed=0)
    judge = metrics.DigitClassifier()
    covered, divergence = metrics.StackedModesCovered(judge), metrics.StackedDivergence(judge)
    for start in (0, 300):
        covered.update_state(None, images[start : start + 300])
        divergence.update_state(None, images[start : start + 300])
    expected = metrics.stacked_mode_statistics(metrics.channel_labels(images, judge))
    assert float(covered.result()) == expected["modes"]
    assert float(divergence.result()) == pytest.approx(expected["kl"], abs=1e-4)
    twin = metrics.StackedModesCovered.from_config(covered.get_config())
    assert (twin.name, twin.channels) == ("modes[digits-mlp64]", 3)
    np.testing.assert_array_equal(metrics.channel_labels(images[:2], judge).shape, (2, 3))
