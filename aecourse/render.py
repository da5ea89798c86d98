"""`aecourse run`: execute the built notebooks again, headless, and write each as one HTML page."""

import logging
from pathlib import Path

from aecourse import CourseError, project
from aecourse.execute import execute

# require.js serves only live widgets, which a page without a kernel does not have; without it the page needs the
# network for nothing but MathJax, which sets the formulas.
TEMPLATE = "{% extends 'lab/index.html.j2' %}{% block html_head_js_requirejs %}{% endblock %}"


def run(names: list[str], root: Path = project.ROOT, quick: bool = False) -> int:
    """Execute the chosen lessons and labs into ``rendered/NAME.html``; return 1 if one failed, else 0.

    The notebooks themselves stay as they are. One that fails is named with its cell, and the others go on.
    """
    there = {**project.lessons(root), **project.solutions(root)}
    chosen = project.choose(names, list(there))
    if not chosen:
        raise CourseError(f"there are no built notebooks in {root}: python -m aecourse build")
    failed = []
    for name in chosen:
        try:
            seconds = _run_one(there[name], name, root, quick)
            print(f"{name}: done in {seconds} s, rendered/{name}.html", flush=True)
        except CourseError as error:
            print(f"{name}: failed. {error}\n", flush=True)
            failed.append(name)
    if failed:
        print(f"{len(failed)} of {len(chosen)} failed: {', '.join(failed)}")
    return int(bool(failed))


def _run_one(path: Path, name: str, root: Path, quick: bool) -> int:
    nb = project.load(path)
    seconds = execute(nb, path.parent, root, name, quick)
    project.write(root / "rendered" / f"{name}.html", _html(nb, name))
    return seconds


def _html(nb, name: str) -> str:
    from jinja2 import DictLoader
    from nbconvert import HTMLExporter

    logging.getLogger("traitlets").setLevel(logging.ERROR)  # it warns of pictures that only the text describes
    exporter = HTMLExporter(extra_loaders=[DictLoader({"course.html.j2": TEMPLATE})], template_file="course.html.j2")
    page, _ = exporter.from_notebook_node(nb, resources={"metadata": {"name": name}})
    return page
