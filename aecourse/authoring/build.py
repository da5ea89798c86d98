"""`aecourse build`: execute what is missing or stale and store it, and check that source and product agree."""

import json
import platform
from functools import partial
from importlib import metadata
from pathlib import Path

from aecourse import CourseError
from aecourse.authoring import pictures, results, syllabus, units
from aecourse.authoring.dependencies import digest
from aecourse.authoring.source import DATASET, Source, dumps, find_sources, loads, read, strip
from aecourse.base import project, settings
from aecourse.commands.execute import execute
from aecourse.commands.render import pages

MOST_BYTES = 1_500_000


def draft(names: list[str], root: Path = project.ROOT) -> int:
    """Execute sources as they are, on any data set, and write each as a page as `aecourse run` does; store nothing."""
    sources = find_sources(root, names)
    return pages({source.name: (partial(read, source), _folder(source)) for source in sources}, root)


def build(names: list[str], root: Path = project.ROOT, force: bool = False) -> int:
    """Build what is missing or stale, then RESULTS.md; print a line for each and return 1 if one failed, else 0."""
    usual = settings.data_set() in ("", DATASET) and settings.text("AECOURSE_DEVICE").lower() in ("", "cpu")
    if settings.quick() or not usual:
        raise CourseError("the stored notebooks are built on all of MNIST, on the CPU: unset AECOURSE_QUICK, "
                          "AECOURSE_DATASET and AECOURSE_DEVICE, then build again. (aecourse build --draft executes "
                          "a source on any images, into rendered/.)")
    failed = False
    sources = find_sources(root, names)
    for source in sources:
        try:
            _build_one(source, force)
        except CourseError as error:
            print(f"{source.name}: failed. {error}\n", flush=True)
            failed = True
    for path in _leftovers(root):
        print(f"{path}: has no source any more; delete it.")
    if project.lessons(root) or project.solutions(root):
        _write_if_changed(root / "RESULTS.md", results.page(root))
        pictures.write(root)
        if (root / "README.md").is_file():
            _write_if_changed(root / "README.md", syllabus.page(root))
    counted = _counted(sources)
    if counted:
        print(units.table(counted))
    broken = _broken(counted)
    print("\n".join(broken), end="\n" * bool(broken))
    return int(failed or bool(broken))


def check(names: list[str], root: Path = project.ROOT) -> list[str]:
    """Return a line for each product that is missing, stale, edited by hand or left over; nothing is executed."""
    lines, sources = [], find_sources(root, names)
    for source in sources:
        lines += _problems(source, read(source)) or _exercise_problems(source)
    lines += _broken(_counted(sources))
    if not names:
        lines += [f"{path}: has no source any more; delete it" for path in _leftovers(root)]
    stored = root / "RESULTS.md"
    try:
        if not stored.is_file() or stored.read_text(encoding="utf-8", errors="replace") != results.page(root):
            lines.append("RESULTS.md: differs from the claims stored in the notebooks or from the long runs")
        lines += results.unmatched(root) + results.doubled(root)
        lines += pictures.problems(root)
        readme = root / "README.md"
        if readme.is_file() and readme.read_text(encoding="utf-8") != syllabus.page(root):
            lines.append("README.md: its tables differ from the notebooks")
    except CourseError as error:  # a product that is no notebook has its own line above
        lines = lines or [str(error)]
    return lines


# ---- one notebook ----------------------------------------------------------------------------------------------------


def _build_one(source: Source, force: bool) -> None:
    nb = read(source)
    if not force and not _problems(source, nb):
        if source.is_lab and _exercise_problems(source):
            project.write(source.exercise, strip(project.load(source.product), source.name))
            print(f"{source.name}: the exercises are written again from the solutions", flush=True)
        else:
            print(f"{source.name}: unchanged", flush=True)
        return
    record = nb.metadata["aecourse"]
    if source.is_lab:  # tells a learner's copy in work/ whether the sheet changed since; a new run alone does not count
        sheet = loads(strip(nb, source.name))
        record["sheet"] = digest(repr([(cell.id, cell.cell_type, cell.source) for cell in sheet.cells]))
    kept = not force and _take_outputs(source, nb)
    if not kept:
        if record["data"]:
            from aecourse.base import datafiles

            datafiles.fetch(DATASET)  # a clear error before a long run, and never another data set in its place
        record["seconds"] = execute(nb, _folder(source), source.root, source.name)
        record["python"], record["torch"] = platform.python_version(), _version("torch")
    record["outputs"] = _of_outputs(loads(dumps(nb)))
    text = _accepted(nb, source.name)
    exercise = strip(nb, source.name) if source.is_lab else None
    project.write(source.product, text)
    if exercise is not None:
        project.write(source.exercise, exercise)
    how = "its text is written again, the outputs stay" if kept else f"built in {record['seconds']} s"
    print(f"{source.name}: {how}, {len(text.encode()) / 1e6:.2f} MB", flush=True)


def _folder(source: Source) -> Path:
    """Return the folder that the source is executed in."""
    return source.product.parent if source.product.parent.is_dir() else source.root


def _take_outputs(source: Source, nb) -> bool:
    """Take the stored outputs where nothing but the text between the code has changed, and return whether it was so."""
    try:
        stored = project.load(source.product)
        old, new = stored.metadata["aecourse"], nb.metadata["aecourse"]
        codes = [[(c.id, c.source, {**c.metadata, "jupyter": None}) for c in _code(each)] for each in (stored, nb)]
        same = codes[0] == codes[1] and all(old[key] == new[key] for key in ("helpers", "data"))
        if not same or old["outputs"] != _of_outputs(stored):  # cleared or edited outputs are no run's
            return False
        new.update({key: old[key] for key in ("seconds", "python", "torch")})
    except (CourseError, KeyError, AttributeError):  # it is not there, or not what the build wrote
        return False
    for cell, before in zip(_code(nb), _code(stored), strict=True):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    return True


def _accepted(nb, name: str) -> str:
    """Return an executed notebook's text, or raise where it has something that must not be stored."""
    for number, cell in enumerate(nb.cells, start=1):
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise CourseError(f"{name}, cell {number} ({cell.id}) wrote to stderr, which a reader would see as a "
                                  f"red box; mend the cause or filter the warning: {output['text'].strip()[:400]}")
    broken = [record["statement"] for record in results.records(nb) if record["held"] is False]
    if broken:
        raise CourseError(f"{name}: a claim does not hold: {broken[0]!r}.")
    text = dumps(nb)
    if (size := len(text.encode())) > MOST_BYTES:
        raise CourseError(f"{name} has {size / 1e6:.1f} MB and may have {MOST_BYTES / 1e6} MB: rasterise the scatters "
                          "or lower the figures' dpi.")
    return text


def _counted(sources: list[Source]) -> dict[str, tuple[units.Counts, int]]:
    """Return name → (counts, seconds of the last execution) of the lessons among these sources that are built."""
    counted = {}
    for source in sources:
        if source.is_lab or not source.product.is_file():
            continue
        try:
            nb = project.load(source.product)
            counted[source.name] = units.count(nb), nb.metadata["aecourse"]["seconds"]
        except (CourseError, KeyError):  # what is wrong with it is said elsewhere
            continue
    return counted


def _broken(counted: dict[str, tuple[units.Counts, int]]) -> list[str]:
    """Return a line for each limit that one of these units breaks."""
    return [line for name, (counts, seconds) in counted.items() for line in units.over(name, counts, seconds)]


# ---- what is wrong with what lies there -----------------------------------------------------------------------------


def _problems(source: Source, wanted) -> list[str]:
    """Return why the executed notebook is not what its source would give, without executing anything."""
    where = source.product.relative_to(source.root).as_posix()
    if not source.product.is_file():
        return [f"{where}: missing"]
    try:
        stored = project.load(source.product)
        old, new = stored.metadata["aecourse"], wanted.metadata["aecourse"]
        lines = []
        if old["source"] != new["source"]:
            lines.append(f"{where}: stale, {source.path.relative_to(source.root).as_posix()} changed")
        changed = sorted(file for file in {*old["helpers"], *new["helpers"]}
                         if old["helpers"].get(file) != new["helpers"].get(file))
        if changed:
            lines.append(f"{where}: stale, {', '.join(changed)} changed")
        if old["data"] != new["data"]:
            lines.append(f"{where}: stale, built on the data set {old['data']}, now {new['data']}")
        number = _first_difference(stored, wanted)
        if not lines and (number is not None or old["digest"] != new["digest"]):
            lines.append(f"{where}: edited by hand" + (f", cell {number} differs from the source" if number else ""))
        if not lines and any(cell.execution_count is None for cell in _code(stored)):
            lines.append(f"{where}: not executed, its outputs were cleared")
        if not lines and old.get("outputs") != _of_outputs(stored):
            lines.append(f"{where}: edited by hand, its outputs are not those of the build")
    except (CourseError, KeyError, TypeError, AttributeError):
        return [f"{where}: not a notebook that aecourse build wrote"]
    return lines


def _first_difference(stored, wanted) -> int | None:
    """Return the number of the first cell whose input differs, 0 for the notebook's metadata, None for none."""
    if {**stored.metadata, "aecourse": None} != {**wanted.metadata, "aecourse": None}:
        return 0
    inputs = [[(c.get("id"), c.cell_type, c.source, c.metadata) for c in nb.cells] for nb in (stored, wanted)]
    for number, (a, b) in enumerate(zip(*inputs, strict=False), start=1):
        if a != b:
            return number
    return None if len(inputs[0]) == len(inputs[1]) else min(map(len, inputs)) + 1


def _of_outputs(nb) -> str:
    """Return a digest of what the cells put out."""
    return digest(json.dumps([cell.outputs for cell in nb.cells if cell.cell_type == "code"], sort_keys=True))


def _exercise_problems(source: Source) -> list[str]:
    if not source.is_lab:
        return []
    where = source.exercise.relative_to(source.root).as_posix()
    if not source.exercise.is_file():
        return [f"{where}: missing"]
    stored = source.exercise.read_text(encoding="utf-8", errors="replace")
    if stored == strip(project.load(source.product), source.name):
        return []
    return [f"{where}: differs from the solutions with the answers taken out"]


def _leftovers(root: Path) -> list[str]:
    """Return the built notebooks whose source is not there any more."""
    known = {path for source in find_sources(root) for path in (source.product, source.exercise)}
    there = [*project.lessons(root).values(), *project.solutions(root).values(), *project.exercises(root).values()]
    return [path.relative_to(root).as_posix() for path in there if path not in known]


def _code(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code" and cell.source.strip()]


def _write_if_changed(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text:
        project.write(path, text)
        print(f"{path.name}: written", flush=True)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
