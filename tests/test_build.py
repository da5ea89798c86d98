"""`aecourse build` on a toy course: what is executed, what is refused, what `--check` sees."""

import json
import shutil

import nbformat
import pytest
import toy_course

from aecourse import CourseError
from aecourse.base import project

pytestmark = pytest.mark.dev
LESSON, LAB, SHEET = "notebooks/01_toy.ipynb", "solutions/lab01/lab01.ipynb", "exercises/lab01/lab01.ipynb"


@pytest.fixture(scope="module")
def built_once(tmp_path_factory):
    pytest.importorskip("jupytext", reason="building needs jupytext: pip install -r requirements-dev.txt")
    pytest.importorskip("nbgrader", reason="building needs nbgrader: pip install -r requirements-dev.txt")
    from aecourse.authoring import build

    root = toy_course.make(tmp_path_factory.mktemp("toy"))
    with pytest.MonkeyPatch.context() as settings:
        settings.delenv("AECOURSE_DEVICE", raising=False)
        assert build.build([], root) == 0
    return root


@pytest.fixture
def root(built_once, tmp_path):
    return shutil.copytree(built_once, tmp_path / "course")


@pytest.fixture
def tool(built_once, monkeypatch):
    from aecourse.authoring import build

    monkeypatch.delenv("AECOURSE_DEVICE", raising=False)
    return build


@pytest.fixture
def no_kernel(tool, monkeypatch):
    """Make an execution an error: to prove that nothing is executed."""

    def forbidden(*_):
        raise AssertionError("a notebook was executed")

    monkeypatch.setattr(tool, "execute", forbidden)


def test_products_are_executed_and_exercises_are_not(root):
    lesson, lab, sheet = (nbformat.read(root / path, as_version=4) for path in (LESSON, LAB, SHEET))
    assert lesson.cells[2].outputs[0].text == "the same\n"
    assert [cell.execution_count for cell in lab.cells[1:]] == [1, 2]
    assert all(not cell.outputs and cell.execution_count is None for cell in sheet.cells[1:])
    about = lesson.metadata.aecourse
    assert about.python.startswith("3.")
    assert isinstance(about.seconds, int)
    assert "execution" not in lesson.cells[1].metadata
    assert "sheet" in sheet.metadata.aecourse


def test_an_unchanged_rebuild_executes_nothing_and_changes_no_byte(root, tool, no_kernel, capsys):
    before = toy_course.contents(root)
    assert tool.build([], root) == 0
    assert toy_course.contents(root) == before
    assert capsys.readouterr().out.startswith("01_toy: unchanged\nlab01: unchanged\nunit ")
    assert tool.check([], root) == []


def test_a_unit_over_a_limit_fails_the_build_and_the_check(root, tool, capsys):
    toy_course.append(root / "authoring/lessons/01_toy.py", "\n# %% [markdown]\n" + "# a long story of words\n" * 500)
    assert tool.build([], root) == 1
    said = "01_toy: 2503 words of prose, at most 2000 are allowed"
    assert said in capsys.readouterr().out
    assert said in tool.check([], root)


def test_line_ends_of_another_system_are_no_change(root, tool, no_kernel):
    for path in [*(root / "authoring").rglob("*.py"), *(root / "aecourse").rglob("*.py")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert tool.check([], root) == []


def test_a_changed_helper_is_seen_and_named_and_its_notebook_alone_is_built_again(root, tool, capsys):
    (root / "aecourse/inner/one.py").write_text("ONE = 2  # a comment\n", encoding="utf-8")
    toy_course.append(root / "aecourse/unused.py", "TWO = 2\n")
    assert tool.check([], root) == [f"{LESSON}: stale, aecourse/inner/one.py changed"]
    lab_before = (root / LAB).read_bytes()
    assert tool.build([], root) == 0
    assert "lab01: unchanged" in capsys.readouterr().out
    assert (root / LAB).read_bytes() == lab_before
    assert tool.check([], root) == []


def test_a_changed_text_is_written_without_running_the_code_again(root, tool, no_kernel, capsys):
    outputs = [cell.outputs for cell in nbformat.read(root / LESSON, as_version=4).cells[1:]]
    for name in ("lessons/01_toy.py", "labs/lab01.py"):
        path = root / "authoring" / name
        path.write_text(path.read_text(encoding="utf-8").replace("# # A toy", "# # Another"), encoding="utf-8")
    assert len(tool.check([], root)) == 2
    assert tool.build([], root) == 0
    assert "01_toy: its text is written again, the outputs stay" in capsys.readouterr().out
    lesson, sheet = (nbformat.read(root / path, as_version=4) for path in (LESSON, SHEET))
    assert lesson.cells[0].source.startswith("# Another")
    assert sheet.cells[0].source.startswith("# Another")
    assert [cell.outputs for cell in lesson.cells[1:]] == outputs
    assert tool.check([], root) == []


def test_a_deleted_helper_is_named(root, tool, no_kernel):
    (root / "aecourse/inner/one.py").unlink()
    assert tool.check(["01"], root) == [f"{LESSON}: stale, aecourse/inner/one.py changed"]


def test_a_changed_source_is_seen(root, tool, no_kernel):
    toy_course.append(root / "authoring/labs/lab01.py", "\n# %%\nprint(1)\n")
    assert tool.check([], root) == [f"{LAB}: stale, authoring/labs/lab01.py changed"]
    assert tool.check(["01"], root) == []


def _edit(path, change):
    nb = json.loads(path.read_text(encoding="utf-8"))
    change(nb)
    path.write_text(json.dumps(nb), encoding="utf-8")


def _other_source(nb):
    nb["cells"][2]["source"] = ["print('by hand')"]


def _one_more(nb):
    nb["cells"].append({**nb["cells"][2], "id": "more"})


def _clear(nb):
    nb["cells"][2] |= {"outputs": [], "execution_count": None}


def _other_number(nb):
    nb["cells"][2]["outputs"][0]["text"] = ["a better number"]


def _tag(nb):
    nb["cells"][1]["metadata"]["tags"] = ["by-hand"]


@pytest.mark.parametrize(("change", "line"), [
    (_other_source, "edited by hand, cell 3 differs from the source"),
    (_one_more, "edited by hand, cell 5 differs from the source"),
    (_tag, "edited by hand, cell 2 differs from the source"),
    (lambda nb: nb["metadata"].update(title="by hand"), "edited by hand"),
    (lambda nb: nb["metadata"]["aecourse"].update(digest="0"), "edited by hand"),
    (_clear, "not executed, its outputs were cleared"),
    (_other_number, "edited by hand, its outputs are not those of the build"),
    (lambda nb: nb["metadata"]["aecourse"].pop("outputs"), "edited by hand, its outputs are not those of the build"),
    (lambda nb: nb["metadata"].pop("aecourse"), "not a notebook that aecourse build wrote"),
    (lambda nb: nb.clear(), "not a notebook that aecourse build wrote"),
])
def test_a_product_edited_by_hand_is_seen(root, tool, no_kernel, change, line):
    _edit(root / LESSON, change)
    assert tool.check(["01"], root)[0] == f"{LESSON}: {line}"


def test_outputs_edited_by_hand_are_computed_again(root, tool):
    toy_course.append(root / "authoring/lessons/01_toy.py", "\n# %% [markdown]\n# A text more.\n")
    before = (root / LESSON).read_bytes()
    _edit(root / LESSON, _other_number)
    assert tool.build(["01"], root) == 0
    assert b"a better number" not in (root / LESSON).read_bytes()
    assert b"A text more." in (root / LESSON).read_bytes()
    assert nbformat.reads(before.decode(), 4).cells[2].outputs == nbformat.read(root / LESSON, 4).cells[2].outputs


def test_a_broken_missing_or_changed_exercise_is_seen_and_mended_without_a_kernel(root, tool, no_kernel, capsys):
    good = (root / SHEET).read_bytes()
    for damage, word in ((lambda: (root / SHEET).unlink(), "missing"),
                         (lambda: _edit(root / SHEET, lambda nb: nb["cells"].pop()), "differs from the solutions")):
        damage()
        assert tool.check([], root)[0].startswith(f"{SHEET}: {word}")
        assert tool.build([], root) == 0
        assert (root / SHEET).read_bytes() == good
    assert "written again" in capsys.readouterr().out


def test_missing_and_left_over_products_are_named(root, tool, no_kernel, capsys):
    (root / LESSON).unlink()
    (root / "authoring/labs/lab01.py").unlink()
    assert tool.check([], root) == [f"{LESSON}: missing", f"{LAB}: has no source any more; delete it",
                                    f"{SHEET}: has no source any more; delete it",
                                    "RESULTS.md: differs from the claims stored in the notebooks or from the long runs"]


def test_results_are_made_from_the_stored_claims_alone(root, tool, no_kernel):
    text = (root / "RESULTS.md").read_text(encoding="utf-8")
    assert "## A toy lesson" in text
    assert "| one and one \\| together | 2.00 ± 0.12 nats | – | 2 (1950) | mnist | 3 |" in text
    toy_course.append(root / "RESULTS.md", "our number is better\n")
    assert tool.check([], root) == ["RESULTS.md: differs from the claims stored in the notebooks or from the long runs"]
    tool.build([], root)
    assert (root / "RESULTS.md").read_text(encoding="utf-8") == text


def test_a_long_run_is_shown_beside_its_claim_and_a_change_of_it_is_seen(root, tool, no_kernel):
    stored = root / "benchmarks" / "papers.json"
    run = {"lesson": "01", "claim": "two", "statement": "one and one", "unit": "nats", "paper": "2 (1950)",
           "value": 2.5, "spread": None, "seeds": [0], "beside": "", "data": "mnist", "protocol": "Counted.",
           "seconds": 60, "threads": 1, "machine": "abacus", "date": "1950-01-01"}
    project.write(stored, json.dumps({"counting": run}))
    assert tool.check([], root) == ["RESULTS.md: differs from the claims stored in the notebooks or from the long runs"]
    assert tool.build([], root) == 0
    assert tool.check([], root) == []
    text = (root / "RESULTS.md").read_text(encoding="utf-8")
    assert "| one and one \\| together | 2.00 ± 0.12 nats | – | 2.5 nats | 2 (1950) | mnist | 3 |" in text
    project.write(stored, json.dumps({"counting": run | {"claim": "three"}}))
    tool.build([], root)
    assert tool.check([], root) == ["benchmarks/papers.json: the run 'counting' belongs to the claim 'three', and "
                                    "lesson 01 has no such claim"]
    project.write(stored, "no results")
    assert "papers.json is not a file" in tool.check([], root)[0]


def _refused(root, tool, capsys, cell, name="01"):
    """Append a cell to the lesson, expect the build to fail without touching a product, return what it said."""
    toy_course.append(root / "authoring/lessons/01_toy.py", f"\n# %%\n{cell}\n")
    before = toy_course.contents(root)
    assert tool.build([name], root) == 1
    assert toy_course.contents(root) == before
    return capsys.readouterr().out


def test_a_failing_cell_is_shown_and_nothing_is_written(root, tool, capsys):
    said = _refused(root, tool, capsys, "value = 41\nraise ValueError(f'{value} is no answer')")
    assert "01_toy, cell 5" in said
    assert "    value = 41\n" in said
    assert "ValueError: 41 is no answer" in said


def test_an_error_in_a_helper_says_where(root, tool, capsys):
    (root / "aecourse/toy.py").write_text("def two():\n    return 1 / 0\n", encoding="utf-8")
    assert tool.build(["01"], root) == 1
    said = capsys.readouterr().out
    assert "ZeroDivisionError" in said
    assert "toy.py, line 2" in said


def test_a_kernel_that_dies_is_named(root, tool, capsys):
    assert "the kernel died" in _refused(root, tool, capsys, "import os\nos._exit(1)")


def test_stderr_is_refused(root, tool, capsys):
    said = _refused(root, tool, capsys, "import warnings\nwarnings.warn('mind the gap')")
    assert "cell 5" in said
    assert "stderr" in said
    assert "mind the gap" in said


def test_a_slider_is_not_stored(root, tool):
    """Without its kernel it would show an error text in the page."""
    toy_course.append(root / "authoring/lessons/01_toy.py",
                      "\n# %%\nimport ipywidgets\n\nprint('beside it')\nipywidgets.IntSlider()\n")
    assert tool.build([], root) == 0
    (beside,) = nbformat.read(root / LESSON, as_version=4).cells[-1].outputs
    assert beside.text == "beside it\n"


def test_a_heavy_notebook_is_refused(root, tool, capsys):
    assert "1.6 MB and may have 1.5 MB" in _refused(root, tool, capsys, "print('x' * 1_600_000)")


def test_a_claim_that_does_not_hold_is_refused(root, tool, capsys):
    said = _refused(root, tool, capsys, "record['held'] = False\n"
                    "display({'application/vnd.aecourse.claim+json': record}, raw=True)")
    assert "a claim does not hold: 'one and one | together'" in said


def test_another_data_set_or_quick_is_never_stored(root, tool, no_kernel, monkeypatch):
    for name, value in (("AECOURSE_QUICK", "1"), ("AECOURSE_DATASET", "fashion"), ("AECOURSE_DEVICE", "auto")):
        with monkeypatch.context() as setting:
            setting.setenv(name, value)
            with pytest.raises(CourseError, match="built on all of MNIST"):
                tool.build([], root)


def test_a_draft_shows_a_source_on_any_images_and_stores_nothing(root, tool, monkeypatch, capsys):
    toy_course.append(root / "authoring/lessons/01_toy.py",
                      "\n# %%\nimport os\nprint('quick', os.environ['AECOURSE_QUICK'])\n")
    monkeypatch.setenv("AECOURSE_QUICK", "1")
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and "rendered" not in path.parts}
    assert tool.draft(["01"], root) == 0
    assert "quick 1" in (root / "rendered/01_toy.html").read_text(encoding="utf-8")
    assert {path: path.read_bytes() for path in before} == before
    assert "01_toy: done in" in capsys.readouterr().out


def test_missing_images_stop_a_build_before_it_runs(root, tool, no_kernel, monkeypatch, tmp_path, capsys):
    (root / "aecourse/data.py").write_text("", encoding="utf-8")
    toy_course.append(root / "authoring/lessons/01_toy.py", "\n# %%\nfrom aecourse import data\n")
    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path))
    assert tool.build(["01"], root) == 1
    assert "AECOURSE_DATA" in capsys.readouterr().out
    assert tool.check(["01"], root)[0].startswith(f"{LESSON}: stale")  # and the check needs no images


def test_one_failure_does_not_keep_the_others_from_being_built(root, tool, capsys):
    toy_course.append(root / "authoring/lessons/01_toy.py", "\n# %%\n1 / 0\n")
    toy_course.append(root / "authoring/labs/lab01.py", "\n# %%\nprint('more')\n")
    assert tool.build([], root) == 1
    said = capsys.readouterr().out
    assert "01_toy: failed" in said
    assert "lab01: built in" in said


def test_a_folder_without_sources_is_a_sentence(tool, tmp_path):
    with pytest.raises(CourseError, match="there are no sources"):
        tool.build([], tmp_path)


def test_a_new_run_alone_does_not_change_the_sheet(root, tool):
    def sheet():
        return nbformat.read(root / SHEET, as_version=4).metadata.aecourse.sheet

    before = sheet()
    source = root / "authoring/labs/lab01.py"
    source.write_text(source.read_text(encoding="utf-8").replace("return 2 * x", "return x + x"), encoding="utf-8")
    tool.build(["lab01"], root)
    assert sheet() == before  # only the answer changed
    toy_course.append(source, "\n# %% [markdown]\n# One question more.\n")
    tool.build(["lab01"], root)
    assert sheet() != before


def test_the_picture_of_a_tagged_cell_is_written_and_checked(root, tool):
    cell = ('\n# %% tags=["picture-dot"]\nimport base64\nfrom IPython.display import Image\n'
            'Image(base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptV"\n'
            '                       "AAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="))\n')
    toy_course.append(root / "authoring/lessons/01_toy.py", cell)
    assert tool.build([], root) == 0
    picture = root / "notebooks/pictures/dot.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert tool.check([], root) == []
    picture.write_bytes(b"another")
    (root / "notebooks/pictures/old.png").write_bytes(b"left over")
    assert [line.split(":")[0] for line in tool.check([], root)] == ["notebooks/pictures/dot.png",
                                                                     "notebooks/pictures/old.png"]


def test_the_readme_lists_the_lessons_with_their_measured_seconds(root, tool):
    from aecourse.authoring import syllabus

    readme = root / "README.md"
    readme.write_text(f"# A course\n\n{syllabus.START}{syllabus.END}\nThe end.\n", encoding="utf-8")
    for name, title, more in (
            ("lessons/01_toy.py", "# # A toy lesson\n", "# **Promise.** You can add. More.\n# **Time:** 7 minutes.\n"),
            ("labs/lab01.py", "# # A toy lab\n", "# **Time:** 9 minutes.\n")):
        source = root / "authoring" / name
        text = source.read_text(encoding="utf-8").replace(title, title + more)
        source.write_text(text, encoding="utf-8", newline="\n")
    assert tool.build([], root) == 0
    assert tool.check([], root) == []
    text = readme.read_text(encoding="utf-8")
    seconds = nbformat.read(root / LESSON, as_version=4).metadata.aecourse.seconds
    assert f"| [A toy lesson]({LESSON}) | You can add. | 7 | {seconds} | [lab01]({SHEET}), 9 minutes," in text
    assert text.startswith("# A course\n")
    assert text.endswith("The end.\n")
    readme.write_text(text.replace("| 7 |", "| 1 |"), encoding="utf-8")
    assert tool.check([], root) == ["README.md: its tables differ from the notebooks"]
