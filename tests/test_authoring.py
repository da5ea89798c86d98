"""From sources to notebooks without executing them: ids, digests, exercises."""

import os
import subprocess
import sys

import nbformat
import pytest
import toy_course

from aecourse import CourseError
from aecourse.authoring.dependencies import digest, helpers
from aecourse.base import project

# ---- what a notebook depends on -------------------------------------------------------------------------------------


def test_helpers_are_found_through_packages_functions_and_relative_imports(tmp_path):
    toy_course.make(tmp_path)
    everything = ["aecourse/__init__.py", "aecourse/inner/__init__.py", "aecourse/inner/one.py", "aecourse/toy.py"]
    for text in ("from aecourse import toy\ntoy.two()", "import aecourse.toy",
                 "def f():\n    from aecourse.toy import two\n    two()", "import aecourse.toy as t\nt.two"):
        assert list(helpers(text, tmp_path)) == everything
    assert list(helpers("from aecourse.inner import one", tmp_path)) == everything[:3]
    assert helpers("import torch\nfrom aecoursework import x", tmp_path) == {}


MODULE = '''"""A module."""

import math
from os import path, sep

from aecourse.inner import one

LIMIT = 3  # a limit
__all__ = ["used"]


def used(x=1):
    """Return something."""
    return helper(x) + one.ONE + LIMIT


def helper(x):
    return math.sqrt(x)  # of x


def unused():
    return path


print("on import")
'''


@pytest.mark.parametrize(("change", "stale"), [
    (("# a limit", "# another word"), False), (('"""Return something."""', '"""Return another thing."""'), False),
    (('"""A module."""', '"""Another."""'), False), (("LIMIT = 3  # a", "LIMIT = (\n    3)  # a"), False),
    (("def unused():\n    return path", "def unused():\n    return sep"), False),
    (("def unused", "def another():\n    pass\n\n\ndef unused"), False), (("from os import path, sep\n", ""), False),
    (("LIMIT = 3", "LIMIT = 4"), True), (("x=1", "x=2"), True), (("math.sqrt(x)", "math.cbrt(x)"), True),
    (("import math", "import cmath as math"), True), (("on import", "at import"), True),
    (('    """Return something."""\n', '    """Return something."""\n    x += 1\n'), True),
])
def test_only_code_that_is_used_makes_a_digest(tmp_path, change, stale):
    toy_course.make(tmp_path)
    file = tmp_path / "aecourse/toy.py"
    file.write_text(MODULE, encoding="utf-8")
    texts = ("from aecourse import toy\ntoy.used()", "from aecourse.toy import used as f\nf()",
             "import aecourse.toy as t\nt.used()")
    before = [helpers(text, tmp_path) for text in texts]
    assert change[0] in MODULE
    file.write_text(MODULE.replace(*change), encoding="utf-8")
    for text, old in zip(texts, before, strict=True):
        new = helpers(text, tmp_path)
        assert list(new) == list(old)
        assert (new != old) is stale
        assert new["aecourse/inner/one.py"] == old["aecourse/inner/one.py"]


@pytest.mark.parametrize("text", ["from aecourse import toy\nprint(vars(toy))", "import aecourse.toy",
                                  "from aecourse.toy import *", "from aecourse import toy\ntoy.dynamic()"])
def test_what_cannot_be_read_off_the_code_counts_as_the_whole_file(tmp_path, text):
    toy_course.make(tmp_path)
    file = tmp_path / "aecourse/toy.py"
    whole = MODULE + "\n\ndef dynamic(name='unused'):\n    return globals()[name]()\n"
    file.write_text(whole, encoding="utf-8")
    before = helpers(text, tmp_path)
    file.write_text(whole.replace("return path", "return sep"), encoding="utf-8")
    assert helpers(text, tmp_path) != before
    file.write_text(whole.replace("# of x", "# of it"), encoding="utf-8")
    assert helpers(text, tmp_path) == before


def test_a_name_that_a_file_hands_on_is_followed_to_where_it_is_defined(tmp_path):
    toy_course.make(tmp_path)
    (tmp_path / "aecourse/toy.py").write_text("from aecourse.inner.one import ONE as first\n", encoding="utf-8")
    text = "from aecourse import toy\nprint(toy.first)"
    before = helpers(text, tmp_path)
    (tmp_path / "aecourse/inner/one.py").write_text("ONE = 2\n", encoding="utf-8")
    assert helpers(text, tmp_path) != before


def test_a_constant_that_a_constant_needs_and_a_methods_helper_count(tmp_path):
    toy_course.make(tmp_path)
    code = "A = 1\nB = A + 1\n\n\nclass C:\n    def f(self):\n        return g()\n\n\ndef g():\n    return B\n"
    file = tmp_path / "aecourse/toy.py"
    file.write_text(code, encoding="utf-8")
    before = helpers("from aecourse.toy import C\nC().f()", tmp_path)
    file.write_text(code.replace("A = 1", "A = 5"), encoding="utf-8")
    assert helpers("from aecourse.toy import C\nC().f()", tmp_path) != before


def test_a_lab_depends_on_each_of_its_exercises():
    """The modules of a lab are imported by what is found in its folder, so they count by the names in the notebook."""
    for path in sorted((project.ROOT / "authoring/labs").glob("*.py")):
        modules = {module.relative_to(project.ROOT).as_posix()
                   for module in (project.ROOT / "aecourse/check" / path.stem).glob("*.py")}
        assert len(modules) > 5
        assert modules <= set(helpers(path.read_text(encoding="utf-8"), project.ROOT))


def test_two_modules_that_import_each_other_end(tmp_path):
    toy_course.make(tmp_path)
    toy_course.append(tmp_path / "aecourse/inner/one.py", "from aecourse import toy\n")
    assert "aecourse/toy.py" in helpers("import aecourse.inner", tmp_path)


def test_a_lesson_that_quotes_long_runs_depends_on_their_results(tmp_path):
    (tmp_path / "aecourse").mkdir()
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "aecourse" / "longruns.py").write_text("FILE = 1\n")
    stored = tmp_path / "benchmarks" / "papers.json"
    assert "benchmarks/papers.json" not in helpers("from aecourse import longruns", tmp_path)
    stored.write_text("{}")
    before = helpers("from aecourse import longruns", tmp_path)
    assert before["benchmarks/papers.json"] == digest("{}")
    assert "benchmarks/papers.json" not in helpers("import aecourse", tmp_path)
    stored.write_text('{"toy": 1}')
    assert helpers("from aecourse import longruns", tmp_path) != before


def test_a_source_that_is_no_python_is_named_with_its_line(tmp_path):
    with pytest.raises(CourseError, match=r"lab09\.py, line 2"):
        helpers("x = 1\ndef f(:\n", tmp_path, "authoring/labs/lab09.py")


def test_line_ends_do_not_change_a_digest():
    assert digest("a\r\nb\r\n") == digest("a\nb\n") != digest("a\nb")


# ---- names and files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "found"), [
    ([], ["01_a", "02_b", "lab02"]),
    (["02"], ["02_b"]),
    (["lab02", "01"], ["01_a", "lab02"]),
    (["notebooks/02_b.ipynb"], ["02_b"]),
    (["exercises\\lab02\\"], ["lab02"]),
])
def test_names_are_matched_by_their_start(asked, found):
    assert project.choose(asked, ["01_a", "02_b", "lab02"]) == found


@pytest.mark.parametrize("name", ["03", "b", "", "/"])
def test_an_unknown_name_lists_the_names(name):
    with pytest.raises(CourseError, match="01_a, 02_b"):
        project.choose([name], ["01_a", "02_b"])


def test_an_exact_name_is_not_a_prefix():
    assert project.choose(["lab1"], ["lab1", "lab10"]) == ["lab1"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "page.md"
    project.write(path, "old\n")
    assert path.read_bytes() == b"old\n"

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        project.write(path, "new\n")
    assert [p.name for p in tmp_path.iterdir()] == ["page.md"]
    assert path.read_bytes() == b"old\n"


# ---- one notebook ---------------------------------------------------------------------------------------------------


@pytest.fixture
def sources(tmp_path):
    pytest.importorskip("jupytext", reason="building needs jupytext: pip install -r requirements-dev.txt")
    pytest.importorskip("nbgrader", reason="building needs nbgrader: pip install -r requirements-dev.txt")
    from aecourse.authoring.source import find_sources

    return {source.name: source for source in find_sources(toy_course.make(tmp_path))}


@pytest.mark.dev
def test_ids_are_stable_valid_and_unique(sources):
    from aecourse.authoring.source import read

    first, second = read(sources["01_toy"]), read(sources["01_toy"])
    ids = [cell.id for cell in first.cells]
    assert ids == [cell.id for cell in second.cells]
    assert len(set(ids)) == len(ids) == 4
    assert ids[3] == f"{ids[2]}-2"  # two equal cells
    assert [cell.id for cell in read(sources["lab01"]).cells[1:]] == ["twice", "twice-check"]
    nbformat.validate(first)


@pytest.mark.dev
def test_odd_and_repeated_grade_ids_still_give_valid_ids(sources):
    from aecourse.authoring.source import read

    source = sources["01_toy"]
    cell = '\n# %% nbgrader={"grade_id": "' + "é ü" * 30 + '"}\npass\n'
    toy_course.append(source.path, cell + cell)
    nb = read(source)
    nbformat.validate(nb)
    assert len({c.id for c in nb.cells}) == 6


@pytest.mark.dev
def test_metadata_say_what_the_notebook_is_made_from_and_nothing_that_varies(sources):
    from aecourse.authoring.source import read

    nb = read(sources["01_toy"])
    assert nb.metadata.kernelspec == {"name": "python3", "language": "python", "display_name": "Python 3 (ipykernel)"}
    assert "version" not in nb.metadata.language_info
    assert "jupytext" not in nb.metadata
    assert all(not cell.metadata for cell in nb.cells)
    assert set(nb.metadata.aecourse.helpers) == {"aecourse/__init__.py", "aecourse/inner/__init__.py",
                                                 "aecourse/inner/one.py", "aecourse/toy.py"}
    assert nb.metadata.aecourse.data is None  # it imports no images


@pytest.mark.dev
def test_a_notebook_that_loads_images_depends_on_the_data_set(sources):
    from aecourse import data
    from aecourse.authoring.source import read

    source = sources["01_toy"]
    (source.root / "aecourse/data.py").write_text("", encoding="utf-8")
    before = read(source).metadata.aecourse.digest
    toy_course.append(source.path, "\n# %%\nfrom aecourse.data import load\n")
    assert read(source).metadata.aecourse.data == data.fingerprint("mnist")
    assert read(source).metadata.aecourse.digest != before


@pytest.mark.dev
@pytest.mark.slow
def test_exercises_are_what_nbgrader_itself_writes(sources, tmp_path):
    """The oracle: nbgrader's own command, in a course folder of its own, on the same solutions."""
    from aecourse.authoring.source import STUB, dumps, read, strip

    nb = read(sources["lab01"])
    nb.cells[1].outputs = [nbformat.v4.new_output("stream", text="an answer's output")]
    course = tmp_path / "course"
    project.write(course / "source/lab01/lab01.ipynb", dumps(nb))
    project.write(course / "nbgrader_config.py",
                  f"c = get_config()\nc.ClearSolutions.code_stub = {{'python': {STUB!r}}}\n")
    bin_first = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])  # nbgrader calls alembic
    subprocess.run([sys.executable, "-m", "nbgrader", "generate_assignment", "lab01"], cwd=course, check=True,
                   capture_output=True, env={**os.environ, "PATH": bin_first})
    made = (course / "release/lab01/lab01.ipynb").read_text(encoding="utf-8")
    assert strip(nb, "lab01") == made
    assert STUB in made
    assert "2 * x" not in made
    assert "twice(2) == 4" not in made
    assert "an answer's output" not in made


@pytest.mark.dev
def test_an_answer_outside_a_solution_cell_is_refused(sources):
    from aecourse.authoring.source import read, strip

    source = sources["lab01"]
    toy_course.append(source.path, "\n# %%\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n")
    with pytest.raises(CourseError, match="lab01: nbgrader cannot take the answers out"):
        strip(read(source), "lab01")


@pytest.mark.dev
def test_a_missing_tool_is_one_sentence_with_the_command(sources, monkeypatch):
    from aecourse.authoring.source import read, strip

    nb = read(sources["lab01"])
    monkeypatch.setitem(sys.modules, "jupytext", None)
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    for call, tool in ((lambda: read(sources["lab01"]), "jupytext"), (lambda: strip(nb, "lab01"), "nbgrader")):
        with pytest.raises(CourseError, match=f"needs {tool}.*pip install -r requirements-dev.txt"):
            call()
