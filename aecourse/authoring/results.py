"""RESULTS.md: every claim of the built notebooks in one page, from their stored records alone."""

import math
from pathlib import Path

from aecourse import project
from aecourse.claims import MIMETYPE

HEAD = ("| what is claimed | measured | beside it | paper | data | seeds |\n"
        "|---|---|---|---|---|---|\n")
INTRO = ("# Results\n\nEvery number that the lessons measured when they were last built, beside the published one "
         "where there is one; `aecourse build` makes this page from the claims stored in the notebooks.\n")


def records(nb) -> list[dict]:
    """Return the claim records stored in a notebook's outputs, in order."""
    outputs = (output for cell in nb.cells for output in cell.get("outputs", []))
    return [dict(output["data"][MIMETYPE]) for output in outputs if MIMETYPE in output.get("data", {})]


def page(root: Path) -> str:
    """Return the text of RESULTS.md, made from the notebooks that are built in `root`."""
    parts = [INTRO]
    for path in [*project.lessons(root).values(), *project.solutions(root).values()]:
        nb = project.load(path)
        rows = [_row(record) for record in records(nb)]
        if rows:
            where = path.relative_to(root).as_posix()
            parts.append(f"\n## {_title(nb, path.stem)}\n\n[{where}]({where})\n\n{HEAD}" + "".join(rows))
    if len(parts) == 1:
        parts.append("\nNo notebook states a claim yet.\n")
    return "".join(parts)


def _title(nb, name: str) -> str:
    lines = (line for cell in nb.cells if cell.cell_type == "markdown" for line in cell.source.splitlines())
    return next((line[2:].strip() for line in lines if line.startswith("# ")), name)


def _row(record: dict) -> str:
    cells = [record["statement"], measured(record), record.get("baseline") or "–", record["paper"] or "–",
             record["data"], str(record["seeds"])]
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |\n"


def measured(record: dict) -> str:
    """Return "value ± spread unit", the value cut to the digits that its spread leaves in doubt."""
    value, spread = record["value"], record["spread"]
    if spread and math.isfinite(spread):
        digits = max(0, 1 - math.floor(math.log10(spread)))
        text = f"{value:.{digits}f} ± {spread:.{digits}f}"
    else:
        text = f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
        text += " ± 0" if spread == 0 else ""
    return f"{text} {record['unit']}".strip()
