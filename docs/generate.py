"""Pages of the site that are made from the code: one for every system, the reference, and what lies elsewhere in the repository.

Run by mkdocs (`make docs`); nothing of kgan is imported, all is read from its text.
"""

import ast
import json
import re
from pathlib import Path

import mkdocs_gen_files
from latex2mathml.converter import convert

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (  # of the reference, in the order of its menu
    "layers", "networks", "objectives", "penalties", "optimizers", "conditioning", "codes", "priors", "augmentations", "datasets",
    "metrics", "callbacks", "images", "pictures", "latents", "memory", "causal", "shapes", "stories", "stego", "control", "runs", "history",
    "evaluation", "report", "presets", "exports", "diagnostics", "divergences", "engine",
)  # fmt: skip
PAGES = {  # of files elsewhere
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "benchmarks/RESULTS.md": "results.md",
}


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def page_of(path):
    """The page of the site that a file of the repository becomes; None of one that becomes none."""
    if path in PAGES:
        return PAGES[path]
    if match := re.fullmatch(r"applications/(\w+)/README\.md", path):
        return f"applications/{match[1]}.md"
    if path.startswith("docs/") and not path.startswith("docs/new_family"):
        return path.removeprefix("docs/")
    return path if path.startswith("tutorials/") and path.endswith(".ipynb") else None


def with_links(text, file, page):
    """A file's text with links as its page needs them; to what is no page, none."""

    def link(match):
        mark, title, target = match.groups()
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        path, hash_, anchor = target.partition("#")
        there = page_of((ROOT / file).parent.joinpath(path).resolve().relative_to(ROOT).as_posix())
        if there is None:
            return title
        return f"{mark}[{title}]({'../' * page.count('/')}{there}{hash_}{anchor})"

    return re.sub(r"(!?)\[((?:[^][]|\[[^]]*\])*)\]\(([^)\s]+)\)", link, text)


def as_shown(cell, name):
    """A notebook's cell with links as the site needs them, and formulas as MathML, which browsers draw by themselves, without a script."""
    if cell["cell_type"] != "markdown":
        return cell
    page = f"tutorials/{name}"
    linked = re.sub(r"\]\((\.\./[^):]*)\.md", r"](\1.html", with_links("".join(cell["source"]), page, page))

    def drawn(match):
        code, display, inline = match.groups()
        formula = display or inline
        return code if code else convert(formula, display="block" if display else "inline")

    text = re.sub(r"(```.*?```|`[^`]*`)|\$\$(.+?)\$\$|\$([^$\n]+?)\$", drawn, linked, flags=re.DOTALL)
    return {**cell, "source": text}


def write(page, text):
    with mkdocs_gen_files.open(page, "w") as file:
        file.write(text)


def exports(room):
    """Names that `kgan/<room>/__init__.py` exports, and the module where each is."""
    tree = ast.parse(read(f"kgan/{room}/__init__.py"))
    where = {
        alias.asname or alias.name: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    listed = next(node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "__all__")
    return {name: where.get(name) for name in ast.literal_eval(listed)}


def defined(module):
    """Names of the functions and classes that a module defines for others."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [node.name for node in ast.parse(read(module)).body if isinstance(node, kinds) and not node.name.startswith("_")]


def sections(text):
    """Titles of a file's `##` sections to their text."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def systems():
    """Names of systems to the module of each."""
    found = {**exports("families"), **exports("programs")}
    classes = {}
    for name, module in found.items():
        file = ROOT / f"{(module or '').replace('.', '/')}.py"
        if file.is_file() and re.search(rf"^class {name}\(", file.read_text(encoding="utf-8"), flags=re.MULTILINE):
            classes[name] = module
    return classes


def mentioning(name, notebooks):
    return [(title, page) for page, (title, text) in notebooks.items() if re.search(rf"kgan\.{name}\b", text)]


def main():
    readme, results = read("README.md"), sections(read("benchmarks/RESULTS.md"))
    rows = {}  # systems to their row of the README's table
    for line in readme.splitlines():
        for name in re.findall(r"`kgan\.(\w+)`", line.split("|")[1]) if line.startswith("| `kgan.") else ():
            rows[name] = [cell.strip() for cell in line.strip("|").split(" | ")]
    notebooks = {}
    for file in sorted((ROOT / "tutorials").glob("*.ipynb")):
        notebook = json.loads(file.read_text(encoding="utf-8"))
        cells = notebook["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
        title = re.search(r"^# (.+)$", text, flags=re.MULTILINE)
        notebooks[f"tutorials/{file.name}"] = (title[1] if title else file.stem, text)
        write(f"tutorials/{file.name}", json.dumps({**notebook, "cells": [as_shown(cell, file.name) for cell in cells]}))

    for file, page in PAGES.items():
        text = read(file)
        if file == "README.md":
            table = re.search(r"(^\| system \|.*?\n)\n", text, flags=re.MULTILINE | re.DOTALL)[1]
            own = sections(text)["Your own pictures"]
            write(
                "own_data.md",
                read("docs/own_data.md").replace(
                    "<!-- README: Your own pictures -->",
                    with_links(own.partition("\n\nOther data: ")[0].strip(), file, "own_data.md"),
                ),
            )
            text = text.replace(
                own, "\n[Your own data](docs/own_data.md): a folder of photos with four commands, arrays, other files.\n\n"
            )
            text = text.replace(
                table, "[A page for every system](docs/systems/index.md); [which of them for what](docs/choose.md).\n"
            )
        write(page, with_links(text, file, page))
    applications = sorted(path.parent.name for path in (ROOT / "applications").glob("*/README.md"))
    for name in applications:
        write(
            f"applications/{name}.md",
            with_links(read(f"applications/{name}/README.md"), f"applications/{name}/README.md", f"applications/{name}.md"),
        )

    found, lines = systems(), ["# Systems", "", "| system | paper | state |", "| --- | --- | --- |"]
    for name, module in sorted(found.items(), key=lambda item: item[0].lower()):
        row = rows.get(name, [name, "", ""])
        lines.append(f"| [`{name}`]({name}.md) | {row[1]} | {row[2]} |")
        parts = [f"# {name}", "", f"{row[1]}. State: {row[2]}." if row[1] else ""]
        pictures = sorted((ROOT / "docs/zoo").glob(f"*_{name}.png"))
        parts += [
            f"![Samples of {name} with its defaults on {p.stem.split('_')[0]}, over the training](../zoo/{p.name})"
            for p in pictures
        ]
        if tutorials := mentioning(name, notebooks):
            parts += ["Tutorials: " + ", ".join(f"[{title}](../{page})" for title, page in tutorials) + "."]
        parts += [f"::: {module}.{name}\n    options:\n      show_root_heading: false\n      heading_level: 2"]
        papers = re.findall(r"\[(\d{4}\.\d{4,5})\]", row[1])
        for title, text in results.items():
            if any(paper in title for paper in papers) or title.startswith(f"{name} "):
                heading, _, command = title.partition(": `")
                text = re.sub(r"^#+ ", "#### ", text, flags=re.MULTILINE)
                own = f"\n`{command}\n" if command else ""
                parts += ["## Figures", f"### {heading}{own}", with_links(text, "benchmarks/RESULTS.md", f"systems/{name}.md")]
        write(f"systems/{name}.md", "\n\n".join(part for part in parts if part))
    write("systems/index.md", "\n".join(lines) + "\n")

    rooms = [room for room in ROOMS if (ROOT / f"kgan/{room}.py").is_file() or (ROOT / f"kgan/{room}/__init__.py").is_file()]
    for room in rooms:
        options = "    options:\n      show_root_heading: false\n      show_root_toc_entry: false\n      show_submodules: false\n"
        parts = [f"# kgan.{room}\n\n::: kgan.{room}\n{options}"]
        names = exports(room) if (ROOT / f"kgan/{room}/__init__.py").is_file() else {}
        # What has the name of its own file is taken for the file.
        parts += [f"::: {module}.{name}\n" for name, module in names.items() if module == f"kgan.{room}.{name}"]
        # Modules that a room exports, such as those of builders, without what the room itself shows of them.
        for name in (
            name for name, module in names.items() if module == f"kgan.{room}" and (ROOT / f"kgan/{room}/{name}.py").is_file()
        ):
            members = ", ".join(one for one in defined(f"kgan/{room}/{name}.py") if one not in names)
            parts.append(
                f"## kgan.{room}.{name}\n\n::: kgan.{room}.{name}\n{options}      heading_level: 3\n      members: [{members}]\n"
            )
        write(f"reference/{room}.md", "\n".join(parts))

    menu = ["* [Start](index.md)", "* [Your own data](own_data.md)", "* [Which system for what](choose.md)"]
    menu += ["* [Systems](systems/index.md)"]
    menu += [f"    * [{name}](systems/{name}.md)" for name in sorted(found, key=str.lower)]
    menu += ["* Tutorials", *(f"    * [{title}]({page})" for page, (title, _) in notebooks.items())]
    menu += ["* Applications", *(f"    * [{name}](applications/{name}.md)" for name in applications)]
    menu += ["* [Parts, in a Keras model of your own](parts.md)", "* Reference"]
    menu += [f"    * [{room}](reference/{room}.md)" for room in rooms]
    menu += [
        "* [The zoo](zoo.md)",
        "* [Scale, faults and recovery](scale.md)",
        "* [Watching a training](watching.md)",
        "* [Steganography](steganography.md)",
    ]
    menu += ["* [Coming from elsewhere](coming_from.md)", "* [Results](results.md)", "* [Contributing](contributing.md)"]
    menu += ["* [Changes](changelog.md)", "* [Security](security.md)"]
    write("SUMMARY.md", "\n".join(menu) + "\n")


main()
