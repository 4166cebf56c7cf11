"""`kgan stego`: files, standard streams, where the secret comes from, exit codes, and that no secret ever shows."""

import io
import sys

import pytest
import typer
from typer.testing import CliRunner

from kgan import cli
from kgan.stego import cli as commands
from kgan.stego import tool
from kgan.stego.channel import Channel
from kgan.stego.keys import VARIABLE
from tests.stego.standin import picture, save

pytestmark = pytest.mark.usefixtures("_cheap")
SECRET = "a-passphrase-nobody-sees"


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch, model):
    monkeypatch.setattr(tool, "channel_of", lambda folder: Channel(model))
    monkeypatch.delenv(VARIABLE, raising=False)


def run(*arguments, **options):
    return CliRunner().invoke(cli.app, ["stego", *map(str, arguments)], **options)


def test_files_there_and_back(tmp_path, cover):
    key, message = tmp_path / "key", tmp_path / "message"
    assert run("key", "--output", key).exit_code == 0
    message.write_bytes(bytes(range(100)))
    done = run("hide", cover, "--message-file", message, "--key-file", key, "--output", tmp_path / "out.png")
    assert done.exit_code == 0, done.output
    figures = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert figures["message_bytes"] == "100"
    assert {"psnr", "ssim", "bit_error_rate", "corrected_symbols", "tiles_changed", "capacity_bytes", "weights"} <= set(figures)
    found = run("reveal", tmp_path / "out.png", "--key-file", key, "--output", tmp_path / "found")
    assert found.exit_code == 0, found.output
    assert (tmp_path / "found").read_bytes() == bytes(range(100))
    assert (tmp_path / "found").stat().st_mode & 0o777 == 0o600
    room = run("capacity", cover)
    assert f"bytes: {figures['capacity_bytes']}" in room.stdout.splitlines()


def test_standard_streams(tmp_path, cover):
    options = {"env": {VARIABLE: SECRET}}
    done = run("hide", cover, "--message-file", "-", "--output", tmp_path / "out.png", input=b"\x00\xff raw \r\n", **options)
    assert done.exit_code == 0, done.output
    found = run("reveal", tmp_path / "out.png", "--output", "-", **options)
    assert found.stdout_bytes == b"\x00\xff raw \r\n"
    assert "message_bytes: 9" in found.stderr
    assert SECRET not in done.output + found.output


def test_the_prompt_echoes_nothing_and_asks_twice(monkeypatch):
    asked = []
    monkeypatch.setattr(typer, "prompt", lambda text, **options: asked.append(options) or SECRET)
    monkeypatch.setattr(sys, "stdin", type("Terminal", (io.StringIO,), {"isatty": lambda self: True})())
    for confirm in (True, False):
        assert commands._secret(None, confirm) == {"passphrase": SECRET}
    assert [(o["hide_input"], o["confirmation_prompt"], o["err"]) for o in asked] == [(True, True, True), (True, False, True)]
    with pytest.raises(ValueError, match="no terminal"):
        commands._secret(None, True, standard_input=True)


def test_without_a_terminal_nobody_is_asked(tmp_path, cover):
    done = run("hide", cover, "--output", tmp_path / "out.png", input=b"m")
    assert (done.exit_code, "Give --key-file" in done.stderr) == (2, True)


def test_no_option_takes_a_secret():
    """What stands on a command line, every user of the machine can read."""
    known = {"cover", "image", "output", "message_file", "key_file", "model", "overwrite", "convert"}
    group = typer.main.get_command(commands.app)
    for command in group.commands.values():
        assert {p.name for p in command.params} - {"help"} <= known
        assert all(p.envvar is None for p in command.params)


def test_errors_are_one_line(tmp_path, cover):
    key = tmp_path / "key"
    run("key", "--output", key)
    (tmp_path / "long").write_bytes(bytes(5000))
    (tmp_path / "empty").write_bytes(b"")
    save(tmp_path / "photo.jpg", picture())
    out = ("--output", tmp_path / "out.png")

    def refused(message, *arguments):
        done = run(*arguments, "--key-file", key)
        assert done.exit_code == 2
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
        assert not (tmp_path / "out.png").exists()

    refused("this picture holds", "hide", cover, "--message-file", tmp_path / "long", *out)
    refused("The message is empty", "hide", cover, "--message-file", tmp_path / "empty", *out)
    refused("no message file", "hide", cover, "--message-file", tmp_path / "none", *out)
    refused("no picture", "hide", tmp_path / "none.png", "--message-file", key, *out)
    refused("It is a JPEG", "hide", tmp_path / "photo.jpg", "--message-file", key, *out)
    refused("It is a JPEG", "reveal", tmp_path / "photo.jpg", *out)
    refused("authentication failed", "reveal", cover, *out)
    refused("never overwritten", "hide", cover, "--message-file", tmp_path / "long", "--output", cover, "--overwrite")
    refused("is a folder", "hide", cover, "--message-file", tmp_path, *out)
    for source in (key, cover):
        before = source.read_bytes()
        refused("never overwritten", "reveal", cover, "--output", source, "--overwrite")
        assert source.read_bytes() == before
    # A message that is itself a picture stays too.
    message = save(tmp_path / "message.png", picture(8, 8))
    refused("never overwritten", "hide", cover, "--message-file", message, "--output", message, "--overwrite")
    assert run("key", "--output", key).exit_code == 2
    assert "exists" in run("key", "--output", key).stderr


def test_an_existing_output_stays_unless_told(tmp_path, cover):
    options = {"env": {VARIABLE: SECRET}}
    (tmp_path / "message").write_bytes(b"m")
    hide = ("hide", cover, "--message-file", tmp_path / "message", "--output", tmp_path / "out.png")
    assert run(*hide, **options).exit_code == 0
    assert "exists" in run(*hide, **options).stderr
    assert run(*hide, "--overwrite", **options).exit_code == 0
    reveal = ("reveal", tmp_path / "out.png", "--output", tmp_path / "found")
    (tmp_path / "found").write_bytes(b"older")
    assert "exists" in run(*reveal, **options).stderr
    assert (tmp_path / "found").read_bytes() == b"older"
    assert run(*reveal, "--overwrite", **options).exit_code == 0
    assert (tmp_path / "found").read_bytes() == b"m"


def test_an_unexpected_error_shows_no_secret(tmp_path, cover, monkeypatch):
    """Its text and its frames hold the passphrase; neither is printed."""

    def broken(*arguments, passphrase, **options):
        held = passphrase
        raise RuntimeError(f"broken with {held}")

    monkeypatch.setattr(tool, "hide", broken)
    done = run("hide", cover, "--output", tmp_path / "out.png", "--message-file", cover, env={VARIABLE: SECRET})
    assert done.exit_code == 1
    assert "RuntimeError, unexpected" in done.stderr
    assert SECRET not in done.output
    assert "Traceback" not in done.output
    for app in (cli.app, commands.app):
        assert not app.pretty_exceptions_enable


def test_an_interruption(tmp_path, cover, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(tool, "reveal", interrupted)
    done = run("reveal", cover, "--output", tmp_path / "out", env={VARIABLE: SECRET})
    assert (done.exit_code, done.stderr) == (130, "interrupted; no file was written\n")


def test_the_folder_of_the_model_is_handed_on(tmp_path, cover, monkeypatch):
    asked = []
    monkeypatch.setattr(tool, "channel_of", lambda folder: asked.append(str(folder)) or 1 / 0)
    assert run("capacity", cover, "--model", tmp_path).exit_code == 1
    assert asked == [str(tmp_path)]
