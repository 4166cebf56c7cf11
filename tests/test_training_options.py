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

import kgan
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
