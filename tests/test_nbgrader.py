"""nbgrader for real, in a course folder of its own: generate, validate, autograde, and the scores that come out."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("nbgrader", reason="nbgrader comes with requirements-dev.txt")
jupytext = pytest.importorskip("jupytext", reason="jupytext comes with requirements-dev.txt")

import nbformat  # noqa: E402

pytestmark = [pytest.mark.dev, pytest.mark.slow]

ROOT = Path(__file__).resolve().parent.parent
SWITCH_OFF = "import os\nos.environ.pop('NBGRADER_EXECUTION', None)\nos.environ.pop('NBGRADER_VALIDATING', None)\n"
COMMON = '"schema_version": 3, "task": false'


@dataclass(frozen=True)
class Short:
    """A short lab: two exercises that need no data and no training, with the head and the right body of each."""

    lab: str
    first: tuple[str, str, str]  # name, text before the answer, right answer
    second: tuple[str, str, str]
    wrong: tuple[str, str]
    hidden: str  # a word of the answers that no released lab shows

    @property
    def names(self) -> tuple[str, str]:
        return self.first[0], self.second[0]

    def source(self) -> str:
        cells = [f"# %%\nfrom aecourse.check import {self.lab} as check\n"]
        for points, (name, head, right) in enumerate((self.first, self.second), 1):
            indent = " " * 4 if head.startswith("def ") else ""
            cells += [f'# %% nbgrader={{"grade": false, "grade_id": "{name}", "locked": false, "solution": true, '
                      f'{COMMON}}}',
                      f"{head}\n{indent}### BEGIN SOLUTION\n{indent}{right}\n{indent}### END SOLUTION\n",
                      f'# %% nbgrader={{"grade": true, "grade_id": "{name}-check", "locked": true, "points": {points}, '
                      f'"solution": false, {COMMON}}}', f"check.{name}({name})\n"]
        name = self.names[1]
        return "\n".join([*cells, f"# %%\n{name}_ok = check.use({name})\ncheck.summary()\n"])

    def answers(self, first: str, second: str, before: str = "") -> dict[str, str]:
        """Return the two cells, each with this answer in the place of the right one."""
        cells = {}
        for (name, head, _), answer in zip((self.first, self.second), (first, second), strict=True):
            text = f"{head}\n    {answer}" if head.startswith("def ") else answer
            cells[name] = (before + text) if name == self.first[0] else text
        return cells

    def students(self) -> dict[str, tuple[dict[str, str], tuple[int, int]]]:
        """Return what each hands in, and the points for the two exercises."""
        (_, _, right1), (_, _, right2) = self.first, self.second
        name = self.first[0]
        raising = f"{name} = 1 / 0" if not self.first[1].startswith("def ") else "raise ValueError('no')"
        loud = f"import sys, warnings; warnings.warn('a'); print('b', file=sys.stderr); {right2}"
        return {
            "right": (self.answers(right1, right2), (1, 2)),
            "partial": (self.answers(right1, self.wrong[1]), (1, 0)),
            "wrong": (self.answers(*self.wrong), (0, 0)),
            "raising": (self.answers(raising, "return None.no_such_thing()"), (0, 0)),
            "untouched": ({}, (0, 0)),
            "loud": (self.answers(right1, loud), (1, 2)),
            "switching": (self.answers(self.wrong[0], "return 3.0", SWITCH_OFF), (0, 0)),
            "number_at_the_end": (self.answers(self.wrong[0], "return 3.0\n\n\n3"), (0, 0)),
        }


LABS = {
    "lab01": Short(
        "lab01", ("updates", "def updates(n_labels, batch, epochs):", "return -(-n_labels // batch) * epochs"),
        ("halves", "def halves(x):", "return x.split(392, dim=1)"),
        ("return n_labels // batch * epochs", "return x[:, :392], x"), "split"),
    "lab02": Short(
        "lab02", ("n_parameters", "n_parameters = None", "n_parameters = 111_792"),
        ("gaussian_nll", "def gaussian_nll(x_hat, x, sigma):",
         "import torch; return -torch.distributions.Normal(x_hat, sigma).log_prob(x).sum(-1)"),
        ("n_parameters = 222_384", "return ((x - x_hat) ** 2).sum(-1)"), "log_prob"),
    "lab03": Short(
        "lab03", ("distances", "def distances(x, means, axes):", "a = x[:, None] - means; "
                  "return (a - (a[:, :, None] @ axes.mT @ axes)[:, :, 0]).square().sum(-1)"),
        ("best_error", "def best_error(x, k):",
         "import torch; return torch.linalg.svdvals(x)[k:].square().sum() / len(x)"),
        ("return (x[:, None] - means).square().sum(-1)", "return x.square().sum() / len(x)"), "svdvals"),
}
STUDENTS = list(LABS["lab01"].students())


@pytest.fixture(scope="module", params=list(LABS))
def course(request, tmp_path_factory):
    """A course folder with the project's own configuration, a released short lab, and one submission a student."""
    short = LABS[request.param]
    course = tmp_path_factory.mktemp("c")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    source = course / "solutions" / "short"
    source.mkdir(parents=True)
    lab = jupytext.reads(short.source(), fmt="py:percent")
    lab.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(lab, source / "short.ipynb")
    _nbgrader(course, "generate_assignment", "short")
    for student, (answers, _) in short.students().items():
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
    return course, short


def test_the_released_lab_holds_stubs_and_no_answers(course):
    folder, short = course
    text = (folder / "exercises" / "short" / "short.ipynb").read_text(encoding="utf-8")
    assert text.count("...  # YOUR CODE HERE") == 2
    assert short.hidden in short.source()
    assert short.hidden not in text
    assert "SOLUTION" not in text


@pytest.mark.parametrize("student", STUDENTS)
def test_scores(course, student):
    from nbgrader.api import Gradebook

    folder, short = course
    if student == "switching" and sys.platform != "linux":
        pytest.skip("the environment at a process's start can be read on Linux alone")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        notebook = book.find_submission_notebook("short", "short", student)
        scores = {grade.name: grade.score for grade in notebook.grades}
        assert notebook.max_score == 3
        assert not notebook.needs_manual_grade
    assert tuple(scores[f"{name}-check"] for name in short.names) == short.students()[student][1]


def test_graded_errors_are_sentences(course):
    folder, short = course
    name = short.names[1]
    graded = nbformat.read(folder / "autograded" / "partial" / "short" / "short.ipynb", as_version=4)
    cell = next(c for c in graded.cells if c.metadata.get("nbgrader", {}).get("grade_id") == f"{name}-check")
    (error,) = cell.outputs
    assert error.output_type == "error"
    text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback))
    assert text.startswith(f"AssertionError: {name}: incorrect.")
    assert "engine.py" not in text


@pytest.mark.parametrize(("student", "failed"), [("right", 0), ("partial", 1), ("wrong", 2), ("untouched", 2)])
def test_validate(course, student, failed):
    from nbgrader.validator import Validator

    result = Validator().validate(str(course[0] / "submitted" / student / "short" / "short.ipynb"))
    assert len(result.get("failed", [])) == failed


# ---- cells that a person marks, as in lab 07 ------------------------------------------------------------------------

ANSWER = 'answer_1 = r"""\n{}\n"""'
RELEASED = ANSWER.format("### BEGIN SOLUTION\nThe loss.\n### END SOLUTION")
MARKED = f"""# %%
from aecourse import report
from aecourse.check import lab07 as check

# %% nbgrader={{"grade": false, "grade_id": "m2_unlabelled", "locked": false, "solution": true, {COMMON}}}
def m2_unlabelled(by_class, class_logits):
    ### BEGIN SOLUTION
    log_q = class_logits.log_softmax(1)
    return (log_q.exp() * (by_class + log_q)).sum(1)
    ### END SOLUTION

# %% nbgrader={{"grade": true, "grade_id": "m2_unlabelled-check", "locked": true, "points": 3, "solution": false, {COMMON}}}
check.m2_unlabelled(m2_unlabelled)

# %% nbgrader={{"grade": true, "grade_id": "answer_1", "locked": false, "points": 2, "solution": true, {COMMON}}}
{RELEASED}

# %%
answer = report.Answer("question 1", "Why?", globals().get("answer_1"))
report.write_report("report.html", "Short", author="", data="none", sections=[("Answers", answer)])
"""  # noqa: E501
MARKED_STUDENTS = {  # what stands in the two cells; the points by the check; does a person have to look; the report
    "well": ("def m2_unlabelled(by_class, class_logits):\n    log_q = class_logits.log_softmax(1)\n"
             "    return (log_q.exp() * (by_class + log_q)).sum(1)", ANSWER.format("What is compared."), 3, True,
             "What is compared."),
    "badly": ("def m2_unlabelled(by_class, class_logits):\n    return by_class.mean(1)", 'answer_1 = "no end', 0, True,
              "Question 1 is not answered yet."),
    "untouched": (None, None, 0, False, "Question 1 is not answered yet."),
}


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """A course folder with a lab of one checked and one manually marked cell, autograded."""
    course = tmp_path_factory.mktemp("m")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    lab = jupytext.reads(MARKED, fmt="py:percent")
    lab.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    (course / "solutions" / "marked").mkdir(parents=True)
    nbformat.write(lab, course / "solutions" / "marked" / "marked.ipynb")
    _nbgrader(course, "generate_assignment", "marked")
    for student, (code, text, *_) in MARKED_STUDENTS.items():
        notebook = nbformat.read(course / "exercises" / "marked" / "marked.ipynb", as_version=4)
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            cell.source = {"m2_unlabelled": code, "answer_1": text}.get(name) or cell.source
        folder = course / "submitted" / student / "marked"
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / "marked.ipynb")
    _nbgrader(course, "autograde", "marked")
    return course


def test_a_released_question_holds_the_stub_and_no_answer(marked):
    text = (marked / "exercises" / "marked" / "marked.ipynb").read_text(encoding="utf-8")
    assert text.count("...  # YOUR CODE HERE") == 2
    assert "The loss." not in text


@pytest.mark.parametrize("student", MARKED_STUDENTS)
def test_a_person_marks_what_was_written_and_nothing_else(marked, student):
    from nbgrader.api import Gradebook

    _, _, points, by_hand, shown = MARKED_STUDENTS[student]
    with Gradebook(f"sqlite:///{marked / 'gradebook.db'}") as book:
        notebook = book.find_submission_notebook("marked", "marked", student)
        assert (notebook.score, notebook.max_score, notebook.needs_manual_grade) == (points, 5, by_hand)
        if by_hand:
            grade = book.find_grade("answer_1", "marked", "marked", student)
            grade.manual_score, grade.needs_manual_grade = 1.5, False
            book.db.commit()
            notebook = book.find_submission_notebook("marked", "marked", student)
            assert (notebook.score, notebook.needs_manual_grade) == (points + 1.5, False)
    assert shown in (marked / "autograded" / student / "marked" / "report.html").read_text(encoding="utf-8")


def test_lab_07_gives_twelve_points_by_its_checks_and_eight_by_hand():
    lab = jupytext.read(ROOT / "authoring" / "labs" / "lab07.py", fmt="py:percent")
    grades = [cell.metadata["nbgrader"] for cell in lab.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert sum(grade["points"] for grade in grades if not grade["solution"]) == 12
    by_hand = {grade["grade_id"]: grade["points"] for grade in grades if grade["solution"]}
    assert by_hand == {"verdicts": 1, "answer_1": 1, "answer_2": 2, "own_1": 1, "own_2": 1, "answer_3": 2}
    rubric = (ROOT / "teaching" / "lab07_rubric.md").read_text(encoding="utf-8")
    assert all(f"`{grade['grade_id']}`" in rubric for grade in grades)


def test_the_labs_metadata_round_trips():
    for path in (ROOT / "authoring" / "labs").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        notebook = jupytext.reads(text, fmt="py:percent")
        again = jupytext.reads(jupytext.writes(notebook, fmt="py:percent"), fmt="py:percent")
        grades = [c.metadata.nbgrader for c in notebook.cells if "nbgrader" in c.metadata]
        assert grades == [c.metadata.nbgrader for c in again.cells if "nbgrader" in c.metadata]
        solutions = [g.grade_id for g in grades if g.solution and not g.grade]  # both: a person marks it
        assert [g.grade_id for g in grades if g.grade and not g.solution] == [f"{name}-check" for name in solutions]
        assert len(solutions) >= 4


def _nbgrader(folder: Path, *command: str) -> None:
    env = {k: v for k, v in os.environ.items() if k != "NBGRADER_EXECUTION"}
    env["PATH"] = str(Path(sys.executable).parent) + os.pathsep + env["PATH"]  # nbgrader looks for alembic there
    done = subprocess.run([sys.executable, "-m", "nbgrader", *command], cwd=folder, env=env, capture_output=True,
                          text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
