"""Examples in docstrings as code: what stands behind `>>>` up to an empty line, which the parser takes for a quotation."""

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^( *)>>> .*(?:\n\1\S.*|\n\1 +\S.*)*", flags=re.MULTILINE)


def fenced(text: str) -> str:
    return _EXAMPLE.sub(lambda match: f"\n{match[1]}```pycon\n{match[0]}\n{match[1]}```", text)


class Examples(griffe.Extension):
    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)
