"""One `Check` for each exercise, one `Lab` for each lab: what a notebook calls.

Three outcomes: correct, incorrect, not attempted. For a learner they are shown as a card. While nbgrader executes a
notebook, whatever is not correct raises the same text as an AssertionError, so that the cell scores 0.
"""

import difflib
import json
import os
import pkgutil
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from aecourse import CourseError
from aecourse.base import notebook
from aecourse.base.project import ROOT
from aecourse.check.engine.exercise import CORRECT, INCORRECT, NOT_ATTEMPTED, Exercise, Verdict
from aecourse.check.engine.facts import check_facts
from aecourse.check.engine.show import card
from aecourse.check.engine.stub import empty_methods, is_stub
from aecourse.check.engine.values import check_function, wrong_kind
from aecourse.check.engine.words import a

OLDER = (" If your page came with that name, it is older than the course: rename it, and for a fresh one run: python "
         "-m aecourse lab")
MARKS = ("### BEGIN SOLUTION", "### END SOLUTION")  # nbgrader's, around an answer


def _graded_at_start() -> bool:
    """Return whether nbgrader runs this notebook; asked once, at import, since a cell can change the environment later.

    On Linux the environment that the process was started with is read too, so that not even a cell before the import
    changes the answer.
    """
    name = "NBGRADER_EXECUTION"
    try:
        at_start = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:  # no such file on Windows and macOS
        at_start = []
    started = any(e.startswith(f"{name}=".encode()) and not e.endswith(b"=") for e in at_start)
    return started or bool(os.environ.get(name))


_GRADED = _graded_at_start()


class NoSuchCheck(AttributeError):
    """A name that is none of a lab's checks, or of a check's questions: the sentence alone, without frames."""

    def _render_traceback_(self) -> list[str]:
        return [f"AttributeError: {self}"]


class CheckFailed(AssertionError):
    """What a graded cell raises: the sentence alone, without the frames of the engine."""

    def _render_traceback_(self) -> list[str]:
        return [f"AssertionError: {self}"]


def examine(exercise: Exercise, answer: Any, seed: int | None = None) -> Verdict:
    """Return the verdict on an answer. The inputs are fresh at every call, unless a test gives a seed."""
    if is_stub(answer, exercise.methods):
        return Verdict(NOT_ATTEMPTED, "Nothing is written here yet. When you are stuck, type "
                       f"`check.{exercise.name}.hint()` into the cell below and run it.")
    generator = torch.Generator()
    generator.manual_seed(generator.seed() if seed is None else seed)
    if exercise.takes == "number":
        return _check_number(exercise, answer)
    if trouble := _wrong_kind(exercise, answer):
        return Verdict(INCORRECT, trouble)
    if exercise.probe:
        return check_facts(exercise, answer, generator)
    return check_function(exercise, answer, generator)


def _wrong_kind(exercise: Exercise, answer: Any) -> str:
    if exercise.takes == "function":
        builds = exercise.probe and isinstance(answer, type) and issubclass(answer, torch.nn.Module)
        return "" if builds else wrong_kind(exercise, answer)  # a network's class is called like a function
    if exercise.takes == "class":
        if not isinstance(answer, type):
            what = "a network that was built already" if isinstance(answer, torch.nn.Module) else (
                f"of the type {type(answer).__name__}")
            return (f"This is {what}; give the class itself, without parentheses: "
                    f"`check.{exercise.name}({exercise.name})`.")
        if not issubclass(answer, torch.nn.Module):
            return f"The class is no network yet: write `class {exercise.name}(nn.Module):`."
        own = getattr(answer.__init__, "__code__", None)
        assigned = own.co_names if own else ()  # `self.encode = nn.Sequential(...)` is as good as a method
        missing = [m for m in exercise.methods if not callable(getattr(answer, m, None)) and m not in assigned]
        if missing:
            return f"The class has no method `{missing[0]}`: look at its spelling and indentation."
        if empty := empty_methods(answer, exercise.methods):
            return f"The method `{empty[0]}` is still empty; the others are written."
    if exercise.takes == "model":
        if isinstance(answer, type):
            return ("This is the class; give the model that was built from it and trained: "
                    f"`check.{exercise.name}(model)`.")
        if not isinstance(answer, torch.nn.Module):
            return f"This is {a(answer)}; give the trained model itself: `check.{exercise.name}(model)`."
    return ""


def _check_number(exercise: Exercise, answer: Any) -> Verdict:
    if isinstance(answer, str):
        return Verdict(INCORRECT, "This is text, between quotes; give the number, or let Python compute it.")
    if callable(answer):
        return Verdict(INCORRECT, "This is a function; the exercise asks for a number.")
    try:
        value = float(answer)
    except (TypeError, ValueError, RuntimeError):
        return Verdict(INCORRECT, f"This is {a(answer)}; the exercise asks for one number.")
    right = exercise.oracle()
    close = 1e-6 * max(1.0, abs(right))
    if isinstance(answer, bool) or value != value:
        return Verdict(INCORRECT, f"This is {answer}; the exercise asks for one number.")
    if abs(value - right) <= close:
        return Verdict(CORRECT, "That is the number.")
    for mistake in exercise.mistakes:
        if abs(value - exercise.wrong(mistake)) <= close:
            return Verdict(INCORRECT, mistake.says)
    if abs(value - right) < 0.005 * abs(right):
        return Verdict(INCORRECT, "Close: it is less than half a per cent from the right number. "
                                  f"`check.{exercise.name}.hint()` helps.")
    return Verdict(INCORRECT, f"Too {'large' if value > right else 'small'}, and none of the usual slips. "
                   f"Write the sum out, one line for each part. `check.{exercise.name}.hint()` helps.")


def _known_as(exercise: Exercise, answer: Any, names: dict[str, Any]) -> str:
    """Return the name that an answer has in the notebook: a trained model has one of the learner's own."""
    if exercise.takes != "model":
        return exercise.name
    return next((n for n, value in names.items() if value is answer and not n.startswith("_")), exercise.name)


class Check:
    """The check of one exercise: call it with the answer; ask it for a hint or for the solution."""

    def __init__(self, exercise: Exercise, lab: str) -> None:
        self.exercise, self.lab, self.outcome, self._hints = exercise, lab, NOT_ATTEMPTED, 0
        self.__doc__ = f"{exercise.title}. Call it with your answer: check.{exercise.name}({exercise.name})"

    def __repr__(self) -> str:
        name = self.exercise.name
        return (f"{self.exercise.title}: check.{name}(your answer), check.{name}.hint(), check.{name}.solution()")

    def __call__(self, *answer: Any) -> None:
        """Show how the answer stands."""
        name = self.exercise.name
        if len(answer) == 1:
            verdict = examine(self.exercise, answer[0])
        else:
            verdict = Verdict(INCORRECT, f"The check takes one thing, your answer: `check.{name}({name})`.")
        self.outcome = verdict.outcome
        if _GRADED and verdict.outcome != CORRECT:
            raise CheckFailed(f"{name}: {verdict.outcome}. {verdict.text}")
        known_as = _known_as(self.exercise, answer[0], sys._getframe(1).f_globals) if len(answer) == 1 else name
        text = "\n".join(filter(None, [notebook.outdated(known_as), verdict.text]))
        card(verdict.outcome, f"{name}: {verdict.outcome}", text)

    def __getattr__(self, name: str) -> Any:
        """Say which questions there are, for a name that is none of them."""
        if name.startswith("_"):  # a notebook asks how to show it, or Python how to copy it
            raise AttributeError(name)
        raise _unknown(name, ["hint", "solution"], f"check.{self.exercise.name}.", "()")

    def hint(self) -> None:
        """Show one hint, at each call one step further."""
        hints, name = self.exercise.hints, self.exercise.name
        if self._hints >= len(hints):
            card("hint", f"{name}: no more hints", f"`check.{name}.solution()` shows the answer and why it is so.")
            return
        self._hints += 1
        card("hint", f"{name}: hint {self._hints} of {len(hints)}", hints[self._hints - 1])

    def solution(self) -> None:
        """Show the cell of the solutions notebook, and why it is so."""
        path = ROOT / "solutions" / self.lab / f"{self.lab}.ipynb"
        code = _solution_cell(path, self.exercise.name)
        if code is None:
            lacks = "does not hold it yet" if path.is_file() else "is not here"
            note = f"The code would stand in {path.relative_to(ROOT).as_posix()}, which {lacks}."
            card("solution", f"{self.exercise.name}: why", f"{self.exercise.why}\n{note}")
            return
        card("solution", f"{self.exercise.name}: one solution", self.exercise.why, code)


def _solution_cell(path: Path, name: str) -> str | None:
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return None
    for cell in cells:
        if cell.get("metadata", {}).get("nbgrader", {}).get("grade_id") == name:
            lines = "".join(cell["source"]).splitlines()
            return "\n".join(line for line in lines if line.strip() not in MARKS)
    return None


def exercises(package: str, folder: Iterable[str]) -> tuple[Exercise, ...]:
    """Return a lab's exercises, in the order of the numbers that their titles begin with.

    Each module of the lab's package holds one, under the name EXERCISE; a module whose name begins with an underscore
    holds what several of them share.
    """
    names = [module.name for module in pkgutil.iter_modules(folder) if not module.name.startswith("_")]
    found = [import_module(f"{package}.{name}").EXERCISE for name in names]
    return tuple(sorted(found, key=lambda exercise: int(exercise.title.split()[0])))


class Lab:
    """The exercises of a lab, in order."""

    def __init__(self, name: str, exercises: tuple[Exercise, ...]) -> None:
        self.checks = {exercise.name: Check(exercise, name) for exercise in exercises}

    def use(self, answer: Any, name: str | None = None) -> Any:
        """Return the answer if it is right, else the reference, and say in one line which of them it is.

        The name of the exercise is that of the function or class; of a value it must be given.

        Raises
        ------
        CourseError
            There is no exercise of that name. What is wrong with the answer raises nothing.
        """
        check = self.checks.get(name or self._name_of(answer, sys._getframe(1).f_globals))
        if check is None:
            wrong = name or getattr(answer, "__name__", "")
            near = difflib.get_close_matches(wrong, self.checks, 1) if isinstance(wrong, str) else []
            raise CourseError("`check.use` needs the name of the exercise: check.use(answer, "
                              f"{(near or list(self.checks))[0]!r}); " + f"{wrong!r} is none; " * bool(near)
                              + f"the names are {', '.join(self.checks)}.")
        try:
            outcome = examine(check.exercise, answer).outcome
        except Exception:  # an answer can do anything; the lab goes on
            outcome = INCORRECT
        if outcome == CORRECT:
            name = check.exercise.name
            card("use", f"{name}: your own is used from here on.", notebook.outdated(name))
            return answer
        why = "is not there yet" if outcome == NOT_ATTEMPTED else "is not right yet"
        if check.exercise.reference is None:
            card("use", f"{check.exercise.name}: yours {why}, and there is none to lend.")
            return None
        card("use", f"{check.exercise.name}: yours {why}, so the course's own is used from here on.")
        return check.exercise.reference

    def _name_of(self, answer: Any, names: dict[str, Any]) -> str:
        """Return the name of a function or class; a lambda or a value is looked up among the notebook's names."""
        name = getattr(answer, "__name__", "")
        if name in self.checks:
            return name
        return next((n for n in self.checks if n in names and names[n] is answer), "")

    def missing(self, name: str) -> Any:
        """Raise an AttributeError that names the nearest check: a lab's module has it as its ``__getattr__``."""
        if name.startswith("_"):  # Python asks what kind of module it is
            raise AttributeError(name)
        raise _unknown(name, [*self.checks, "use", "summary"], "check.", more=OLDER)

    def summary(self) -> None:
        """Show the lab's exercises, how each stands after its last check, and its difficulty."""
        rows = [[c.exercise.name, c.outcome, stars(c.exercise)] for c in self.checks.values()]
        done = sum(c.outcome == CORRECT for c in self.checks.values())
        card("summary", f"{done} of {len(rows)} "
                        "exercises are correct", table=[["exercise", "outcome", "difficulty"], *rows])


def stars(exercise: Exercise) -> str:
    """Return the difficulty, 1 to 3, as stars."""
    return "★" * exercise.difficulty + "☆" * (3 - exercise.difficulty)


def _unknown(name: str, known: list[str], start: str, end: str = "", more: str = "") -> AttributeError:
    if near := difflib.get_close_matches(name, known, 1):
        return NoSuchCheck(f"There is no `{start}{name}`; did you mean `{start}{near[0]}{end}`?")
    names = ", ".join(f"`{start}{n}{end}`" for n in known)
    return NoSuchCheck(f"There is no `{start}{name}`; there are {names}.{more}")
