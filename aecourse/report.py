"""A learner's report of a lab, from their own runs and in their own words, written as one HTML page."""

import base64
import io
import logging
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from aecourse import CourseError
from aecourse.base.project import write
from aecourse.sittings import folder

_MARK = "<!-- a report of aecourse -->"  # at the end of every page that was written here: such a page may be replaced
_NOT_THEIRS = ("### BEGIN SOLUTION", "### END SOLUTION", "YOUR CODE HERE")  # lines that no learner wrote


_STYLE = """<style>
body, div#notebook, div.rendered_html { font-size: 15px; line-height: 1.45; background: white; color: black; }
div#notebook { padding: 0; } div#notebook-container { max-width: 56rem; padding: 2rem; box-shadow: none; }
div.prompt, a.anchor-link { display: none; } div.cell { padding: 0; border: 0; }
.rendered_html table { margin: 0.4em 0; font-size: 13px; border-collapse: collapse; }
.rendered_html th, .rendered_html td { text-align: left; max-width: none; padding: 3px 10px; vertical-align: top; }
.rendered_html td:first-child { white-space: nowrap; }
.rendered_html code { padding: 0 !important; background: none !important; }
.rendered_html thead { border-bottom: 1px solid black; display: table-header-group; }
.rendered_html table { border-bottom: 1px solid black; }
.rendered_html img, div.output_png img { max-width: 100%; height: auto; margin: 0 auto; }
.rendered_html h2 { border-bottom: 1px solid #bbb; padding-bottom: 2px; }
@page { size: A4; margin: 18mm 16mm; }
@media print {
  html, body, div#notebook, div#notebook-container { width: auto; max-width: none; margin: 0; padding: 0; height: auto;
    overflow: visible; border: 0; }
  div#notebook, div.rendered_html { font-size: 10.5pt; }
  .rendered_html table { font-size: 9pt; page-break-inside: avoid; break-inside: avoid; }
  .rendered_html tr, img, figure, div.output_area { page-break-inside: avoid; break-inside: avoid; }
  div.output_png img { max-height: 230mm; }
  h1, h2, h3, p.caption, p.question { page-break-after: avoid; break-after: avoid; }
  p, li { orphans: 3; widows: 3; }
  .rendered_html a[href]::after { content: ""; }
}
</style>
"""


@dataclass(frozen=True)
class Table:
    """A table of the report: its head and its rows; numbers get three significant digits, None a dash."""

    head: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str = ""  # stands above it


@dataclass(frozen=True)
class Answer:
    """A question and what the learner wrote; ``text`` is None, or empty, where there is no answer yet."""

    name: str  # "question 2", for the list of what is missing
    question: str
    text: str | None


@dataclass(frozen=True)
class Picture:
    """A figure, and its caption, which says what to see in it, for those who cannot see it too."""

    figure: Figure
    says: str


def write_report(name: str, title: str, *, author: str, data: str, sections: Sequence[tuple[str, Any]],
                 missing: Sequence[str] = ()) -> None:
    """Write the report into the current folder, and print where it lies and what is missing in it.

    Parameters
    ----------
    name
        The file's name. An older report of this name is replaced, and no other file: then a number is added to it.
        In the course's own folders nothing is written; there the report goes to a temporary folder.
    author, data
        The learner's name, which may be empty, and the data set's.
    sections
        Pairs of a heading and what stands below it: text, a `Table`, a `Picture`, an `Answer`, or a list of these.
    missing
        Sentences on what is not done yet, besides the answers, which are looked at here.
    """
    parts: list[tuple[str, Sequence[Any]]] = [
        (heading, content if isinstance(content, (list, tuple)) else [content]) for heading, content in sections]
    answers = [part for _, content in parts for part in content if isinstance(part, Answer)]
    lacking = [*missing, *(f"{answer.name} is not answered yet" for answer in answers if not _own(answer.text))]
    page = _page(title, _front(title, author, data, lacking), parts)
    path = _free(folder() / name)
    try:
        write(path, page + _MARK + "\n")
    except OSError as error:
        raise CourseError(f"the report could not be written to {path}: {error.strerror or error}.") from None
    where = "" if path.parent == Path.cwd() else ", in a temporary folder, since the course's own stay as they are"
    print(f"The report is {path.name}{where}.")
    print("\n".join([f"It is not complete: {len(lacking)} things are missing.", *(f"- {item}" for item in lacking)])
          if lacking else "It is complete.")


def _own(text: Any) -> str:
    """Return what the learner wrote, without the lines that stood there before.

    Markdown works in it, HTML, links and foreign pictures do not: a teacher opens the page, and nothing may run there.
    """
    lines = text.splitlines() if isinstance(text, str) else []
    kept = "\n".join(line for line in lines if not any(mark in line for mark in _NOT_THEIRS)).strip()
    return re.sub(r"\](?=[(\[:])", "] ", re.sub(r"<(?=[a-zA-Z/!?])", "&lt;", kept))


def _free(path: Path) -> Path:
    """Return the path, or one with a number where something that is no report has this name."""
    number, free = 1, path
    while free.exists() and not (free.is_file() and free.read_bytes().rstrip().endswith(_MARK.encode())):
        number += 1
        free = path.with_name(f"{path.stem}_{number}{path.suffix}")
    return free


# ---- the page: a notebook that nobody runs, made into HTML by nbconvert ---------------------------------------------


def _front(title: str, author: str, data: str, lacking: list[str]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in [
        ("Python", platform.python_version()), *((package, _version(package)) for package in ("torch", "aecourse"))])
    items = "\n".join(f"- {item}" for item in lacking)
    state = f"**Not complete yet.** What is missing:\n\n{items}" if lacking else "**Complete.**"
    facts = [_own(author) or "No name given", date.today().isoformat(), f"data set: {data}", versions]
    return f"# {title}\n\n{' · '.join(facts)}\n\n{state}"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(version unknown)"


def _page(title: str, front: str, parts: list[tuple[str, Sequence[Any]]]) -> str:
    from nbconvert import HTMLExporter
    from nbformat import v4

    cells = [v4.new_markdown_cell(front)]
    for heading, content in parts:
        cells.append(v4.new_markdown_cell(f"## {heading}"))
        for part in content:
            made = _cell(part)
            cells += made if isinstance(made, list) else [made]
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    exporter = HTMLExporter(template_name="classic", exclude_input=True, exclude_output_prompt=True)
    nb = v4.new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})
    page, _ = exporter.from_notebook_node(nb, resources={"metadata": {"name": title}})
    return page.replace("</head>", _STYLE + "</head>", 1)


def _cell(part: Any) -> Any:
    from nbformat import v4

    if isinstance(part, Picture):
        file = io.BytesIO()
        part.figure.savefig(file, format="png", dpi=150)
        image = v4.new_output("display_data", {"image/png": base64.b64encode(file.getvalue()).decode()},
                              metadata={"image/png": {"alt": part.says}})
        return [v4.new_code_cell(outputs=[image]), v4.new_markdown_cell(part.says)]
    if isinstance(part, Table):
        head = [list(part.head), ["---"] * len(part.head)]
        lines = [*head, *([_text(value) for value in row] for row in part.rows)]
        above = f"**{part.caption}**\n\n" if part.caption else ""
        return v4.new_markdown_cell(above + "\n".join("| " + " | ".join(line) + " |" for line in lines))
    if isinstance(part, Answer):
        answer = _own(part.text) or f"*{part.name[0].upper()}{part.name[1:]} is not answered yet.*"
        return v4.new_markdown_cell(f"**{part.question}**\n\n{answer}")
    return v4.new_markdown_cell(str(part))


def _text(value: Any) -> str:
    if value is None or value is ...:
        return "–"
    if isinstance(value, Real) and not isinstance(value, Integral):
        return f"{value:.3g}"
    return (_own(value) if isinstance(value, str) else str(value)).replace("|", "\\|").replace("\n", " ")
