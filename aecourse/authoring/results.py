"""RESULTS.md: every claim of the built notebooks and every long run in one page, from their stored records alone."""

import math
from pathlib import Path

from aecourse import longruns
from aecourse.base import project
from aecourse.claims import MIMETYPE

INTRO = ("# Results\n\nEvery number that the lessons measured when they were last built, beside the published one "
         "where there is one; `aecourse build` makes this page from the claims stored in the notebooks and the long "
         "runs stored in `benchmarks/papers.json`.\n")
RUNS = ("\n## Long runs\n\nWhat a lesson has no time for; [benchmarks](benchmarks/README.md) says how to repeat a run. "
        "A dash stands where the lesson has no figure of its own.\n\n")
HEADLINE = (("01", "label curve, 1 %"), ("03", "784-1000-500-250-30"), ("06", "ELBO"), ("06", "evidence"),
            ("07", "label propagation"), ("07", "M1 + M2"), ("07", "consistency"))  # README's rows


def records(nb) -> list[dict]:
    """Return the claim records stored in a notebook's outputs, in order."""
    outputs = (output for cell in nb.cells for output in cell.get("outputs", []))
    return [dict(output["data"][MIMETYPE]) for output in outputs if MIMETYPE in output.get("data", {})]


def page(root: Path) -> str:
    """Return the text of RESULTS.md, made from the notebooks that are built and the long runs stored in `root`."""
    parts, long = [INTRO], list(longruns.load(root).values())
    of_lessons: dict[tuple[str, str], dict] = {}
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


def headline(root: Path) -> list[str]:
    """Return the rows of README's table: the claims of HEADLINE, beside their long runs and the published figures."""
    of_claims = _of_claims(list(longruns.load(root).values()))
    found = {_key(record): (record, path) for path in project.lessons(root).values()
             for record in records(project.load(path))}
    head = ["lesson", "what is measured", "in the lesson", "long run", "published"]
    rows = []
    for key in HEADLINE:
        if key in found:
            (record, path), run = found[key], of_claims.get(key)
            rows.append([f"[{key[0]}]({path.relative_to(root).as_posix()})", record["statement"], measured(record),
                         run and measured(run), record["paper"]])
    return _table(head, rows).splitlines(keepends=True)


def doubled(root: Path) -> list[str]:
    """Return a line for each claim whose name stands twice in the units of one lesson."""
    seen: dict[tuple[str, str], str] = {}
    lines = []
    for name, path in project.lessons(root).items():
        for record in records(project.load(path)):
            if (first := seen.setdefault(_key(record), name)) != name:
                lines.append(f"{name}: the claim {record['name']!r} stands in {first} as well; give it another name")
    return lines


def unmatched(root: Path) -> list[str]:
    """Return a line for each long run of a built lesson that belongs to none of its claims."""
    claims = [record for path in project.lessons(root).values() for record in records(project.load(path))]
    keys, built = {_key(record) for record in claims}, {record["lesson"] for record in claims}
    return [f"benchmarks/papers.json: the run {run['run']!r} belongs to the claim {run['claim']!r}, and lesson "
            f"{run['lesson']} has no such claim" for run in longruns.load(root).values()
            if run["claim"] and run["lesson"] in built and _key(run) not in keys]


def _key(record: dict) -> tuple[str, str]:
    return record["lesson"], record["name"]


def _of_claims(long: list[dict]) -> dict[tuple[str, str], dict]:
    """Return (lesson, claim) → the long run that belongs to the claim."""
    return {_key(run): run for run in long}


def _title(nb, name: str) -> str:
    lines = (line for cell in nb.cells if cell.cell_type == "markdown" for line in cell.source.splitlines())
    return next((line[2:].strip() for line in lines if line.startswith("# ")), name)


def _claims(claims: list[dict], long: list[dict]) -> str:
    """Return the table of one notebook; the long runs have a column where one of them belongs to it."""
    of_claims = _of_claims(long)
    runs = [of_claims.get(_key(record)) for record in claims]
    also = any(runs)
    head = ["what is claimed", "measured", "for comparison", *(["long run"] if also else []), "paper", "data", "seeds"]
    rows = [[record["statement"], measured(record), record.get("baseline"), *([run and measured(run)] if also else []),
             record["paper"], record["data"], str(record["seeds"])] for record, run in zip(claims, runs, strict=True)]
    return _table(head, rows)


def _long(long: list[dict], of_lessons: dict[tuple[str, str], dict]) -> str:
    """Return the table of the long runs beside the lessons' figures and the papers', and how each was done."""
    rows, notes = [], []
    for run in long:
        lesson = of_lessons.get(_key(run))
        rows.append([run["run"], run["lesson"], run["statement"], lesson and measured(lesson), measured(run),
                     run["beside"], run["paper"], run["data"], str(len(run["seeds"])), f"{run['seconds'] / 60:.0f}"])
        notes.append(f"\n**{run['run']}.** {run['protocol']} Seeds: {', '.join(map(str, run['seeds']))}. Threads: "
                     f"{run['threads']}. {run['machine']}. {run['date']}.\n")
    head = ["run", "lesson", "what is claimed", "in the lesson", "long run", "for comparison", "paper", "data", "seeds",
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
