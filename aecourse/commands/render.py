"""`aecourse run`: execute the built notebooks again, headless, and write each as one HTML page."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from aecourse import CourseError
from aecourse.base import project
from aecourse.commands import places
from aecourse.commands.execute import NoKernel, execute

MATHJAX = Path(__file__).parent / "static" / "mathjax.js"  # tex-svg-full.js of MathJax 3.2.2: TeX in, pictures out

# A page is one file that needs nothing else, so it can be sent to a phone: no require.js, which serves only live
# widgets, and MathJax inside. On a narrow screen what is wider than the screen scrolls by itself.
TEMPLATE = r"""{% extends 'lab/index.html.j2' %}
{% block html_head_js_requirejs %}{% endblock %}
{% block html_head_js_mathjax %}
<!-- MathJax 3.2.2, https://www.mathjax.org, under the Apache License 2.0 -->
<script>
MathJax = {tex: {inlineMath: [["$", "$"], ["\\(", "\\)"]], processEscapes: true, tags: "ams"},
           svg: {fontCache: "global"}};
</script>
<script>{{ resources.mathjax }}</script>
{% endblock %}
{% block html_head_css %}
<style>
.highlight pre, mjx-container, .jp-RenderedHTMLCommon { overflow-x: auto; overflow-y: hidden; }
.jp-RenderedHTMLCommon mjx-container > svg { max-width: none; }
.jp-RenderedMarkdown table { display: block; width: max-content; max-width: 100%; overflow-x: auto; }
.jp-RenderedText pre { word-break: normal; overflow-wrap: break-word; }
</style>
{% endblock %}"""


def run(names: list[str], root: Path = project.ROOT, quick: bool = False) -> int:
    """Execute the chosen lessons and labs into ``rendered/NAME.html``; return 1 if one failed, else 0.

    The notebooks themselves stay as they are. One that fails is named with its cell, and the others go on.

    Raises
    ------
    CourseError
        Nothing is built, a name is unknown, no kernel starts, or the pages cannot be written.
    """
    there = {**project.lessons(root), **project.solutions(root)}
    chosen = project.choose(names, list(there))
    if not chosen:
        raise CourseError(f"there are no built notebooks in {root}: python -m aecourse build")
    return pages({name: (partial(project.load, there[name]), there[name].parent) for name in chosen}, root, quick)


def pages(notebooks: Mapping[str, tuple[Callable, Path]], root: Path, quick: bool = False) -> int:
    """Do what `run` does with notebooks that are given as name → (function that loads it, folder to execute it in)."""
    folder, failed = root / "rendered", []
    if error := places.trouble(folder):  # before minutes of work
        raise CourseError(project.why(error, folder))
    for name, (load, place) in notebooks.items():
        try:
            nb = load()
            seconds = execute(nb, place, root, name, quick)
        except NoKernel:  # nor for the next one
            raise
        except CourseError as error:
            print(f"{name}: failed. {error}\n", flush=True)
            failed.append(name)
            continue
        project.save(folder / f"{name}.html", _html(nb, name))  # where one page cannot be written, none can
        print(f"{name}: done in {seconds} s, rendered/{name}.html", flush=True)
    if failed:
        print(f"{len(failed)} of {len(notebooks)} failed: {', '.join(failed)}")
    return int(bool(failed))


def _html(nb, name: str) -> str:
    from jinja2 import DictLoader
    from nbconvert import HTMLExporter

    logging.getLogger("traitlets").setLevel(logging.ERROR)  # it warns of pictures that only the text describes
    exporter = HTMLExporter(extra_loaders=[DictLoader({"course.html.j2": TEMPLATE})], template_file="course.html.j2")
    resources = {"metadata": {"name": name}, "mathjax": MATHJAX.read_text(encoding="utf-8")}
    page, _ = exporter.from_notebook_node(nb, resources=resources)
    return page
