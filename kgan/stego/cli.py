"""`kgan stego`: hide, reveal, capacity, key. No secret is ever an argument, and no error shows one."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from kgan.stego.errors import StegoError
from kgan.stego.keys import VARIABLE, read_limited, write_key, write_private

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    help="Hide a message in a PNG picture, and read it again.",
)

_LARGEST_MESSAGE = 2**28
_KEY = typer.Option("--key-file", help=f"file whose bytes are the key; else the passphrase in ${VARIABLE}, else a hidden prompt")
_MODEL = typer.Option(help="folder of a trained preset of your own; both sides need the same weights")
_CONVERT = typer.Option("--convert", help="convert palettes, 16 bits and transparency (laid on white) instead of refusing them")
_OVERWRITE = typer.Option("--overwrite", help="replace the output if it exists (never an input)")


def _secret(key_file: Path | None, confirm: bool, standard_input: bool = False) -> dict[str, Any]:
    """Keyword arguments of the secret: the key file, the environment, or a prompt that echoes nothing."""
    if key_file is not None:
        return {"key": key_file}
    if VARIABLE in os.environ:
        return {"passphrase": os.environ[VARIABLE]}
    if standard_input or not sys.stdin.isatty():
        raise StegoError(f"There is no terminal to ask for a passphrase. Give --key-file, or set ${VARIABLE}.")
    return {"passphrase": typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)}


def _print(figures: Mapping[str, Any], file: TextIO | None = None) -> None:
    for name, value in figures.items():
        for one in value if isinstance(value, tuple) else [value]:
            print(f"{name}: {one:.6g}" if isinstance(one, float) else f"{name}: {one}", file=file)


def _guarded(work: Callable[[], None]) -> None:
    """Run a command: one line for what the user can mend, one line without any content for everything else."""
    try:
        work()
    except (ValueError, FileNotFoundError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted; no file was written", file=sys.stderr)
        sys.exit(130)
    except (typer.Abort, typer.Exit, BrokenPipeError):
        raise
    except Exception as error:  # whose text or traceback might show a secret
        print(f"error: {type(error).__name__}, unexpected; details are withheld, for they may show a secret", file=sys.stderr)
        sys.exit(1)


@app.command()
def hide(
    cover: Annotated[Path, typer.Argument(help="PNG picture, 8 bits, gray or RGB; stays as it is, and should stay with you")],
    output: Annotated[Path, typer.Option(help="the picture to write, .png")],
    message_file: Annotated[Path, typer.Option(help="file with the message, any bytes; - reads standard input")] = Path("-"),
    key_file: Annotated[Path | None, _KEY] = None,
    model: Annotated[Path | None, _MODEL] = None,
    overwrite: Annotated[bool, _OVERWRITE] = False,
    convert: Annotated[bool, _CONVERT] = False,
) -> None:
    """Hide a message; the file is read back before it gets its name."""

    def work() -> None:
        from kgan.stego import photos, tool

        standard_input = str(message_file) == "-"
        photos.check_output(output, overwrite, [cover, key_file, None if standard_input else message_file])
        secret = _secret(key_file, confirm=True, standard_input=standard_input)
        if standard_input:
            message = sys.stdin.buffer.read(_LARGEST_MESSAGE + 1)
        else:
            message = read_limited(message_file, _LARGEST_MESSAGE, "message file")
        _print(asdict(tool.hide(cover, message, output, **secret, model=model, overwrite=overwrite, convert=convert)))

    _guarded(work)


@app.command()
def reveal(
    image: Annotated[Path, typer.Argument(help="PNG picture that `kgan stego hide` wrote")],
    output: Annotated[Path, typer.Option(help="file for the message, readable by you alone; - writes to standard output")],
    key_file: Annotated[Path | None, _KEY] = None,
    model: Annotated[Path | None, _MODEL] = None,
    overwrite: Annotated[bool, _OVERWRITE] = False,
) -> None:
    """Read the message from a picture."""

    def work() -> None:
        from kgan.stego import photos, tool

        standard_output = str(output) == "-"
        if not standard_output:
            photos.check_free(output, overwrite, [image, key_file])
        found = tool.reveal(image, **_secret(key_file, confirm=False), model=model)
        if standard_output:
            sys.stdout.buffer.write(found.message)
            sys.stdout.buffer.flush()
        else:
            write_private(output, found.message, overwrite)
        figures = {"message_bytes": len(found.message), **{k: v for k, v in vars(found).items() if k != "message"}}
        _print(figures, sys.stderr if standard_output else None)

    _guarded(work)


@app.command()
def capacity(
    cover: Annotated[Path, typer.Argument(help="PNG picture")],
    model: Annotated[Path | None, _MODEL] = None,
    convert: Annotated[bool, _CONVERT] = False,
) -> None:
    """How long a message the picture holds, measured in this very picture."""

    def work() -> None:
        from kgan.stego import tool

        _print(asdict(tool.capacity(cover, model=model, convert=convert)))

    _guarded(work)


@app.command()
def key(output: Annotated[Path, typer.Option(help="the key file to write; an existing file stays")]) -> None:
    """Make a key file of 32 random bytes, readable by you alone."""

    def work() -> None:
        write_key(output)
        print(f"key file {output}: give it to the other side by a way that is not the pictures', and lose it nowhere")

    _guarded(work)
