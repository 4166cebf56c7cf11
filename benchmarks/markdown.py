"""A Markdown table from the lines that proofs print: `python -m benchmarks.markdown LOG...`, one column per seed.

Figures of all seeds together have a column of their own.
"""

import json
import sys


def text(value):
    if isinstance(value, list):
        return ", ".join(text(v) for v in value)
    if isinstance(value, dict):
        return ", ".join(f"{k}: {text(v)}" for k, v in value.items())
    if isinstance(value, float):
        return f"{value:.1e}" if value and (abs(value) < 1e-3 or abs(value) >= 1e5) else f"{value:.4g}"
    return str(value)


def table(lines):
    """Rows of `figure | bar | one column per seed`; a figure that missed its bar is bold."""
    figures, bars, seeds = {}, {}, []
    for line in lines:
        seed = "all" if "seeds" in line else line.get("seed", 0)
        seeds += [seed] if seed not in seeds else []
        missed = line["ok"] is False
        figures.setdefault(line["figure"], {})[seed] = f"**{text(line['value'])}**" if missed else text(line["value"])
        bars[line["figure"]] = line["bar"] or bars.get(line["figure"]) or ""
    yield "| figure | bar | " + " | ".join("all seeds" if s == "all" else f"seed {s}" for s in seeds) + " |"
    yield "| --- " * (2 + len(seeds)) + "|"
    for figure, values in figures.items():
        name = figure.replace("|", "\\|")
        yield f"| {name} | {bars[figure]} | " + " | ".join(values.get(s, "-") for s in seeds) + " |"


def main(paths):
    for path in paths:
        with open(path) as file:
            lines = [json.loads(line) for line in file if line.startswith("{")]
        print("\n".join(table(lines)), end="\n\n")


if __name__ == "__main__":
    main(sys.argv[1:])
