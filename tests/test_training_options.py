"""The options that all training commands share: help, limits and defaults of `RunSettings`, beside those of the command."""

import inspect
import json
import subprocess
import sys
from dataclasses import fields
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

import kgan.cli
from kgan import runs


def command(seen, **options):
    @runs.options(**options)
    def main(
        settings,
        about,
        width: Annotated[float, typer.Option(min=0)] = 1.0,
        source: str = "digits",
        batch_size: int | None = None,
        target: str = "",
    ):
        """Train."""
        seen.append((settings, about, batch_size))

    app = typer.Typer()
    app.command()(main)
    return main, lambda *arguments: CliRunner().invoke(app, list(map(str, arguments)))


def test_settings_come_from_the_fields_and_the_rest_is_kept():
    seen = []
    main, run = command(seen, without=("passes",), renamed={"source": "dataset"}, outside=("target",), output="o", epochs=3)
    done = run("--source", "ring", "--seed", 4, "--width", 0.5, "--resume", "--target", "elsewhere")
    assert done.exit_code == 0, done.output
    ((settings, about, batch_size),) = seen
    assert settings == runs.RunSettings("o", dataset="ring", epochs=3, seed=4, resume=True)
    assert about == {"width": 0.5}  # neither a setting nor outside
    assert batch_size is None
    main(batch_size=8)  # as a function too
    assert (seen[1][0].batch_size, seen[1][2]) == (8, 8)
    assert run("--passes", 2).exit_code == 2  # no such option here
    assert run("--epochs", 0).exit_code == 2  # the field's limit
    assert run("--no-resume").exit_code == 2


def test_a_command_with_data_of_its_own_names_no_data_set(tmp_path):
    """Its run is of no data set that somebody could compare with later."""
    seen = []
    _, run = command(seen, without=("dataset",), output="o")
    assert run().exit_code == 0
    assert seen[0][0].dataset == ""
    (tmp_path / "settings.json").write_text(json.dumps({"settings": {"dataset": ""}}))
    done = CliRunner().invoke(kgan.cli.app, ["evaluate", str(tmp_path)])
    assert done.exit_code == 2
    assert "Give --dataset" in done.output + done.stderr


def test_every_field_says_what_it_is_and_commands_show_it():
    main, run = command([], output="o")
    shown = {p.name: p.annotation for p in inspect.signature(main).parameters.values()}
    for field in fields(runs.RunSettings):
        assert field.metadata["help"]
        if field.name != "batch_size":  # the command's own
            assert shown[field.name].__metadata__[0].help == field.metadata["help"]
    assert "--checkpoint-every" in run("--help").output


@pytest.mark.only("tensorflow")
def test_typer_is_for_commands_alone():
    code = "import json, sys, kgan, kgan.runs; print(json.dumps('typer' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=kgan.__path__[0] + "/..")
    assert json.loads(done.stdout) is False


def test_options_that_a_command_names_wrongly_are_refused():
    def main(settings, about, width: float = 1.0):
        """A command."""

    for mistaken, name in (
        ({"epoch": 5}, "epoch"),
        ({"without": ("strategie",)}, "strategie"),
        ({"renamed": {"wide": "image_size"}}, "wide"),
        ({"outside": ("preset",)}, "preset"),
        ({"without": ("epochs",), "epochs": 5}, "epochs"),
    ):
        with pytest.raises(TypeError, match=rf"names \['{name}'\].*batch_size.*the command has \['width'\]"):
            runs.options(**mistaken)(main)


def compiled(**options):
    model = kgan.GAN((2,), latent_size=2, seed=0)
    model.compile(**options)
    return model


def rates(model):
    return {move: float(model.optimizer[move].learning_rate) for move in ("discriminator", "generator")}


def test_optimizers_and_rates_are_those_that_were_named():
    paper, model = compiled(), compiled(steps_per_execution=3)
    runs._choose_optimizers(model, runs.RunSettings("o", learning_rate=["generator=5e-4"]))
    assert rates(model) == pytest.approx({**rates(paper), "generator": 5e-4})
    kept = [{**m.optimizer["generator"].get_config(), "learning_rate": 0, "name": ""} for m in (paper, model)]
    assert kept[0] == kept[1]  # nothing but the rate
    assert model.steps_per_execution == 3
    named = ["rmsprop,rho=0.8", "generator=sgd,momentum=0.5"]  # the later one holds
    runs._choose_optimizers(model, runs.RunSettings("o", optimizer=named, learning_rate=["0.25"]))
    assert rates(model) == {"discriminator": 0.25, "generator": 0.25}
    described = {move: model.optimizer[move].get_config() for move in rates(model)}
    assert (type(model.optimizer["discriminator"]).__name__, described["discriminator"]["rho"]) == ("RMSprop", 0.8)
    assert (type(model.optimizer["generator"]).__name__, described["generator"]["momentum"]) == ("SGD", 0.5)


def test_precision_is_of_the_model_alone():
    import keras

    before = keras.config.dtype_policy().name
    for precision in (None, *runs.PRECISIONS):
        model, _, _ = runs._prepared(lambda shape: compiled(), runs.RunSettings("o", "ring", precision=precision), None)
        assert model.discriminator.dtype_policy.name == (precision or before)
        assert keras.config.dtype_policy().name == before

    def fails(shape):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        runs._prepared(fails, runs.RunSettings("o", "ring", precision="mixed_bfloat16"), None)
    assert keras.config.dtype_policy().name == before


def test_a_settings_file_gives_defaults(tmp_path):
    """To every option by its own name; what was said beside it holds; what belongs to another command is refused, or kept for `rest`."""
    stored = {"dataset": "ring", "epochs": 7, "width": 0.5, "seed": 3, "image_size": None, "passes": 1, "optimizer": ["sgd"]}
    (tmp_path / "settings.json").write_text(json.dumps({"settings": stored}))
    seen = []
    main, run = command(seen, without=("passes",), renamed={"source": "dataset"}, output="o")
    done = run("--settings", tmp_path, "--seed", 4)
    assert done.exit_code == 0, done.output
    main(settings_file=str(tmp_path / "settings.json"), seed=4)
    assert seen[0] == seen[1]
    assert seen[0][0] == runs.RunSettings("o", dataset="ring", epochs=7, seed=4, optimizer=["sgd"])
    assert seen[0][1] == {"width": 0.5, "target": ""}
    (tmp_path / "settings.json").write_text(json.dumps({"settings": {**stored, "passes": 2, "depth": 3, "kind": "a"}}))
    done = run("--settings", tmp_path)
    assert (done.exit_code, "no options ['depth', 'kind', 'passes']" in " ".join(done.output.replace("│", " ").split())) == (
        2,
        True,
    )

    @runs.options(output="o", rest="set_")
    def other(settings, about, set_: list[str] | None = None):
        """Train."""
        seen.append(set_)

    (tmp_path / "settings.json").write_text(json.dumps({"settings": {"depth": 3, "kind": "a"}}))
    other(settings_file=str(tmp_path))
    assert seen[-1] == ["depth=3", 'kind="a"']


def test_warnings_of_commands_are_lines(capsys):
    import warnings

    before = warnings.formatwarning

    def main():
        print(warnings.formatwarning("two files are left out", UserWarning, "file.py", 3, "code()"), end="")
        print(warnings.formatwarning("old", DeprecationWarning, "file.py", 3, "code()"), end="")
        raise ValueError("no data")

    with pytest.raises(SystemExit):
        runs.guarded(main)
    assert capsys.readouterr().out.startswith("warning: two files are left out\nfile.py:3: DeprecationWarning: old\n")
    assert warnings.formatwarning is before
