"""Told stories as a picture and as a page."""

import html
import textwrap
from pathlib import Path

from kgan import pictures
from kgan.files import atomic_write

_STYLE = """
body { font-family: sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; color: #222; }
.album { display: flex; flex-wrap: wrap; gap: 1em; margin: 1em 0 2em; }
figure { flex: 1 1 10em; margin: 0; }
figure img { width: 100%; image-rendering: pixelated; border-radius: 4px; }
table { border-collapse: collapse; } td, th { border: 1px solid #ccc; padding: .3em .6em; text-align: left; vertical-align: top; }
"""


def draw_told(path, stories, pixels=None, names=(), title=""):
    """A picture of stories: a row for every album, its photos above the sentences.

    Args:
        path: PNG file. stories: lists of five sentences. pixels: uint8 `(albums, 5, size, size, 3)`, or None.
        names: of the albums, in front of their rows; default none. title: above all, default none.
    """
    drawn, axes = pictures.figure(12.0, (2.9 if pixels is not None else 1.2) * len(stories), columns=5, rows=len(stories))
    for row, story in enumerate(stories):
        for column, sentence in enumerate(story):
            axis = axes[row, column]
            axis.set_xticks([])
            axis.set_yticks([])
            if pixels is not None:
                axis.imshow(pixels[row, column], interpolation="nearest")
            axis.set_xlabel("\n".join(textwrap.wrap(sentence, 28)), fontsize="small", parse_math=False)
    for row, name in zip(axes, names, strict=False):
        row[0].set_ylabel(name, fontsize="small", parse_math=False)
    pictures.title_figure(drawn, title, size=10)
    pictures.save_figure(path, drawn)


def album_html(files, captions):
    """Photos side by side with text below, escaped. `files`: paths relative to the page, or None for those without a picture."""
    parts = []
    for file, caption in zip(files, captions, strict=True):
        image = f'<img src="{html.escape(str(file), quote=True)}" alt="">' if file is not None else ""
        parts.append(f"<figure>{image}<figcaption>{html.escape(caption)}</figcaption></figure>")
    return '<div class="album">' + "\n".join(parts) + "</div>"


def write_page(path, title, body):
    """An HTML page with a title; `body` is HTML already."""
    title = html.escape(title)
    text = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>\n'
        f"<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    )
    atomic_write(path, lambda temporary: Path(temporary).write_text(text, encoding="utf-8"))
