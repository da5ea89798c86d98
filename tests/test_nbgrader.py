"""nbgrader for real, in a course folder of its own: generate, validate, autograde, and the scores that come out."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("nbgrader", reason="nbgrader comes with requirements-dev.txt")
jupytext = pytest.importorskip("jupytext", reason="jupytext comes with requirements-dev.txt")

import nbformat  # noqa: E402

pytestmark = [pytest.mark.dev, pytest.mark.slow]

ROOT = Path(__file__).resolve().parent.parent
# A short lab: two exercises of lab 02, which need no data and no training.
LAB = '''
# %%
from aecourse.check import lab02 as check

# %% nbgrader=SOLUTION(n_parameters)
n_parameters = None
### BEGIN SOLUTION
n_parameters = 222_384
### END SOLUTION

# %% nbgrader=CHECK(n_parameters, 1)
check.n_parameters(n_parameters)

# %% nbgrader=SOLUTION(gaussian_nll)
import torch


def gaussian_nll(x_hat, x, sigma):
    ### BEGIN SOLUTION
    return -torch.distributions.Normal(x_hat, sigma).log_prob(x).sum(-1)
    ### END SOLUTION

# %% nbgrader=CHECK(gaussian_nll, 2)
check.gaussian_nll(gaussian_nll)

# %%
gaussian_nll_ok = check.use(gaussian_nll)
check.summary()
'''
COMMON = '"schema_version": 3, "task": false'
LAB = re.sub(r"SOLUTION\((\w+)\)",
             rf'{{"grade": false, "grade_id": "\1", "locked": false, "solution": true, {COMMON}}}', LAB)
LAB = re.sub(r"CHECK\((\w+), (\d)\)",
             rf'{{"grade": true, "grade_id": "\1-check", "locked": true, "points": \2, "solution": false, {COMMON}}}',
             LAB)
SWITCH_OFF = "import os\nos.environ.pop('NBGRADER_EXECUTION', None)\nos.environ.pop('NBGRADER_VALIDATING', None)\n"
RIGHT = "return -torch.distributions.Normal(x_hat, sigma).log_prob(x).sum(-1)"


def _submission(number: str, body: str, before: str = "") -> dict[str, str]:
    return {"n_parameters": f"{before}n_parameters = {number}",
            "gaussian_nll": f"import torch\n\n\ndef gaussian_nll(x_hat, x, sigma):\n    {body}"}


STUDENTS = {  # what each hands in, and the points for the two exercises
    "right": (_submission("222_384", RIGHT), (1, 2)),
    "partial": (_submission("222_384", "return ((x - x_hat) ** 2).sum(-1)"), (1, 0)),
    "wrong": (_submission("111_568", "return x_hat"), (0, 0)),
    "raising": (_submission("222_384 / 0", "return x.no_such_thing()"), (0, 0)),
    "untouched": ({}, (0, 0)),
    "loud": (_submission("222_384", f"import sys, warnings; warnings.warn('a'); print('b', file=sys.stderr); {RIGHT}"),
             (1, 2)),
    "switching": (_submission("5", "return 3.0", SWITCH_OFF), (0, 0)),
    "number_at_the_end": (_submission("5", "return 3.0\n\n\n3"), (0, 0)),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course folder with the project's own configuration, the released lab, and one submission a student."""
    course = tmp_path_factory.mktemp("c")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    source = course / "solutions" / "short"
    source.mkdir(parents=True)
    lab = jupytext.reads(LAB, fmt="py:percent")
    lab.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(lab, source / "short.ipynb")
    _nbgrader(course, "generate_assignment", "short")
    for student, (answers, _) in STUDENTS.items():
        notebook = nbformat.read(course / "exercises" / "short" / "short.ipynb", as_version=4)
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if name in answers:
                cell.source = answers[name]
        if student == "switching":  # the very first cell, too
            notebook.cells.insert(0, nbformat.v4.new_code_cell(SWITCH_OFF))
        folder = course / "submitted" / student / "short"
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / "short.ipynb")
    _nbgrader(course, "autograde", "short")
    return course


def test_the_released_lab_holds_stubs_and_no_answers(course):
    text = (course / "exercises" / "short" / "short.ipynb").read_text(encoding="utf-8")
    assert text.count("...  # YOUR CODE HERE") == 2
    assert "log_prob" not in text
    assert "SOLUTION" not in text


@pytest.mark.parametrize("student", list(STUDENTS))
def test_scores(course, student):
    from nbgrader.api import Gradebook

    if student == "switching" and sys.platform != "linux":
        pytest.skip("the environment at a process's start can be read on Linux alone")
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        notebook = book.find_submission_notebook("short", "short", student)
        scores = {grade.name: grade.score for grade in notebook.grades}
        assert notebook.max_score == 3
        assert not notebook.needs_manual_grade
    expected = STUDENTS[student][1]
    assert (scores["n_parameters-check"], scores["gaussian_nll-check"]) == expected


def test_graded_errors_are_sentences(course):
    graded = nbformat.read(course / "autograded" / "partial" / "short" / "short.ipynb", as_version=4)
    cell = next(c for c in graded.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "gaussian_nll-check")
    (error,) = cell.outputs
    assert error.output_type == "error"
    text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback))
    assert text.startswith("AssertionError: gaussian_nll: incorrect.")
    assert "engine.py" not in text


@pytest.mark.parametrize(("student", "failed"), [("right", 0), ("partial", 1), ("wrong", 2), ("untouched", 2)])
def test_validate(course, student, failed):
    from nbgrader.validator import Validator

    result = Validator().validate(str(course / "submitted" / student / "short" / "short.ipynb"))
    assert len(result.get("failed", [])) == failed


def test_the_labs_metadata_round_trips():
    for path in (ROOT / "authoring" / "labs").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        notebook = jupytext.reads(text, fmt="py:percent")
        again = jupytext.reads(jupytext.writes(notebook, fmt="py:percent"), fmt="py:percent")
        grades = [c.metadata.nbgrader for c in notebook.cells if "nbgrader" in c.metadata]
        assert grades == [c.metadata.nbgrader for c in again.cells if "nbgrader" in c.metadata]
        solutions = [g.grade_id for g in grades if g.solution]
        assert [g.grade_id for g in grades if g.grade] == [f"{name}-check" for name in solutions]
        assert len(solutions) >= 4


def _nbgrader(folder: Path, *command: str) -> None:
    env = {k: v for k, v in os.environ.items() if k != "NBGRADER_EXECUTION"}
    env["PATH"] = str(Path(sys.executable).parent) + os.pathsep + env["PATH"]  # nbgrader looks for alembic there
    done = subprocess.run([sys.executable, "-m", "nbgrader", *command], cwd=folder, env=env, capture_output=True,
                          text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
