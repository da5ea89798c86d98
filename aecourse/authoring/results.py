"""RESULTS.md: every claim of the built notebooks and every long run in one page, from their stored records alone."""

import json
import math
from pathlib import Path

from aecourse import CourseError, project
from aecourse.claims import MIMETYPE

INTRO = ("# Results\n\nEvery number that the lessons measured when they were last built, beside the published one "
         "where there is one; `aecourse build` makes this page from the claims stored in the notebooks and the long "
         "runs stored in `benchmarks/papers.json`.\n")
RUNS = ("\n## Long runs\n\nWhat a lesson has no time for; [benchmarks](benchmarks/README.md) says how to repeat a run. "
        "A dash stands where the lesson is not built yet.\n\n")


def records(nb) -> list[dict]:
    """Return the claim records stored in a notebook's outputs, in order."""
    outputs = (output for cell in nb.cells for output in cell.get("outputs", []))
    return [dict(output["data"][MIMETYPE]) for output in outputs if MIMETYPE in output.get("data", {})]


def page(root: Path) -> str:
    """Return the text of RESULTS.md, made from the notebooks that are built and the long runs stored in `root`."""
    parts, long, of_lessons = [INTRO], long_runs(root), {}
    for path in [*project.lessons(root).values(), *project.solutions(root).values()]:
        nb = project.load(path)
        claims = records(nb)
        of_lessons |= {_key(record): record for record in claims}
        if claims:
            where = path.relative_to(root).as_posix()
            parts.append(f"\n## {_title(nb, path.stem)}\n\n[{where}]({where})\n\n" + _claims(claims, long))
    if long:
        parts.append(RUNS + _long(long, of_lessons))
    if len(parts) == 1:
        parts.append("\nNo notebook states a claim yet.\n")
    return "".join(parts)


def long_runs(root: Path) -> dict[tuple[str, str], dict]:
    """Return (lesson, claim) → record of the long runs that benchmarks/papers.py stored, {} without any."""
    path = root / "benchmarks" / "papers.json"
    if not path.is_file():
        return {}
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {_key(record): record for record in
                ({**record, "run": name, "name": record["claim"]} for name, record in sorted(stored.items()))}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CourseError("benchmarks/papers.json is not a file that benchmarks/papers.py wrote; take it from git "
                          "again.") from None


def unmatched(root: Path) -> list[str]:
    """Return a line for each long run of a built lesson that belongs to none of its claims."""
    claims = [record for path in project.lessons(root).values() for record in records(project.load(path))]
    keys, built = {_key(record) for record in claims}, {record["lesson"] for record in claims}
    return [f"benchmarks/papers.json: the run {record['run']!r} belongs to the claim {claim!r}, and lesson {lesson} "
            "has no such claim" for (lesson, claim), record in long_runs(root).items()
            if lesson in built and (lesson, claim) not in keys]


def _key(record: dict) -> tuple[str, str]:
    return record["lesson"], record["name"]


def _title(nb, name: str) -> str:
    lines = (line for cell in nb.cells if cell.cell_type == "markdown" for line in cell.source.splitlines())
    return next((line[2:].strip() for line in lines if line.startswith("# ")), name)


def _claims(claims: list[dict], long: dict[tuple[str, str], dict]) -> str:
    """Return the table of one notebook; the long runs have a column where one of them belongs to it."""
    runs = [long.get(_key(record)) for record in claims]
    also = any(runs)
    head = ["what is claimed", "measured", "beside it", *(["long run"] if also else []), "paper", "data", "seeds"]
    rows = [[record["statement"], measured(record), record.get("baseline"), *([run and measured(run)] if also else []),
             record["paper"], record["data"], str(record["seeds"])] for record, run in zip(claims, runs, strict=True)]
    return _table(head, rows)


def _long(long: dict[tuple[str, str], dict], of_lessons: dict[tuple[str, str], dict]) -> str:
    """Return the table of the long runs beside the lessons' figures and the papers', and how each was done."""
    rows, notes = [], []
    for key, run in long.items():
        lesson = of_lessons.get(key)
        rows.append([run["run"], run["lesson"], run["statement"], lesson and measured(lesson), measured(run),
                     run["beside"], run["paper"], run["data"], str(len(run["seeds"])), f"{run['seconds'] / 60:.0f}"])
        notes.append(f"\n**{run['run']}.** {run['protocol']} Seeds: {', '.join(map(str, run['seeds']))}. Threads: "
                     f"{run['threads']}. {run['machine']}. {run['date']}.\n")
    head = ["run", "lesson", "what is claimed", "in the lesson", "long run", "beside it", "paper", "data", "seeds",
            "minutes"]
    return _table(head, rows) + "".join(notes)


def _table(head: list[str], rows: list[list[str | None]]) -> str:
    """Return a Markdown table; an empty cell is a dash."""
    return f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n" + "".join(
        "| " + " | ".join(" ".join((cell or "–").split()).replace("|", "\\|") for cell in row) + " |\n" for row in rows)


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
