"""What holds of every exercise of every lab: each lab in `aecourse/check/labNN/` is found and tried by itself.

Beside it, `test_labNN.py` holds what belongs to that lab, and five things that are read here:

- ``RIGHT``: pairs of an exercise's name and another right way of writing it;
- ``UNLISTED``: triples of an exercise's name, an answer that is wrong in a way of its own, and a piece of the sentence
  that is true of it;
- ``SLOW``: the exercises with checks that take long, which get fewer seeds and the mark `slow`;
- ``NAMED``: the share of pairs of mistakes of which both are named, where one often covers the other;
- ``PAIRS``: triples of an exercise's name and two mistakes, seen by facts, that are both named.

What is to hold for every seed is tried with some that are drawn anew in each run, from a pool in which all were tried
(with AECOURSE_SEEDS=all they all are again); a failure names its seed.
"""

import importlib
import os
import pkgutil
import random
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from aecourse import check
from aecourse.check.engine.exercise import CORRECT, INCORRECT, NOT_ATTEMPTED
from aecourse.check.engine.facts import differing, observe
from aecourse.check.engine.lab import examine, stars
from aecourse.check.engine.returned import NUMBERS

LABS = {name: importlib.import_module(f"aecourse.check.{name}")
        for name in sorted(module.name for module in pkgutil.iter_modules(check.__path__))
        if re.fullmatch(r"lab\d\d", name)}
HOUSES = {name: Path(lab.__file__).parent for name, lab in LABS.items()}
BESIDE = {name: importlib.import_module(f"test_{name}") for name in LABS}
SOURCES = Path(__file__).parents[2] / "authoring" / "labs"

ALL = [(name, exercise) for name, lab in LABS.items() for exercise in lab.EXERCISES]
SLOW = {name: getattr(BESIDE[name], "SLOW", ()) for name in LABS}
QUICK = [(name, exercise) for name, exercise in ALL if exercise.name not in SLOW[name]]
RIGHT = [(name, exercise, answer) for name, exercise in ALL for answer in [
    *(other for named, other in BESIDE[name].RIGHT if named == exercise.name),
    *filter(lambda a: a is not None, [exercise.reference]), *([exercise.family()] if exercise.family else [])]]

IN_SITTINGS = ("lab07",)  # labs of two sittings, whose Time line counts more than the exercises

pytestmark = pytest.mark.usefixtures("bars")


def seeds(lab, exercise, n):
    """Return n seeds of the pool; checks that take long have a smaller one."""
    pool = range(10 if exercise.name in SLOW[lab] else 60)
    return pool if os.environ.get("AECOURSE_SEEDS") == "all" else random.sample(pool, n)


def each(exercises, mark_slow=True):
    """Return the parameters for these exercises, those with slow checks marked so."""
    return [pytest.param(name, exercise, *rest, id=f"{name}-{exercise.name}", marks=(
        pytest.mark.slow if mark_slow and exercise.name in SLOW[name] else ())) for name, exercise, *rest in exercises]


every_exercise = pytest.mark.parametrize(("lab", "exercise"), each(ALL, mark_slow=False))


# ---- what a lab is made of ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lab", LABS)
def test_a_lab_has_exercises_in_rising_difficulty(lab):
    exercises = LABS[lab].EXERCISES
    assert 4 <= len(exercises) <= 7
    assert (30 if lab in IN_SITTINGS else 45) <= sum(exercise.minutes for exercise in exercises) <= 60
    assert [e.difficulty for e in exercises] == sorted(e.difficulty for e in exercises)
    assert len({e.name for e in exercises}) == len(exercises)
    assert {name for name, _ in BESIDE[lab].RIGHT} <= {e.name for e in exercises}


@pytest.mark.parametrize("lab", LABS)
def test_a_lab_is_a_folder_with_one_module_for_each_exercise(lab):
    modules = [path.stem for path in HOUSES[lab].glob("*.py") if not path.stem.startswith("_")]
    assert sorted(modules) == sorted(exercise.name for exercise in LABS[lab].EXERCISES)
    assert [exercise.title.split(" · ")[0] for exercise in LABS[lab].EXERCISES] == [
        str(number + 1) for number in range(len(modules))]


@pytest.mark.parametrize("lab", LABS)
def test_no_lab_imports_another(lab):
    text = "".join(path.read_text(encoding="utf-8") for path in HOUSES[lab].glob("*.py"))
    imported = set(re.findall(r"^\s*(?:from|import) aecourse\.check(?:\.| import )(\w+)", text, flags=re.MULTILINE))
    assert imported <= {"engine", lab}


@pytest.mark.parametrize("lab", LABS)
def test_the_notebook_announces_the_exercises_as_they_are(lab):
    source = (SOURCES / f"{lab}.py").read_text(encoding="utf-8")
    announced = re.findall(r"^# ## (\d · .*)\n# (★.*) · (\d+) minutes$", source, flags=re.MULTILINE)
    assert announced == [(e.title, stars(e), str(e.minutes)) for e in LABS[lab].EXERCISES]
    minutes = re.search(r"\*\*Time:\*\* about (\d+) minutes", source)
    if lab not in IN_SITTINGS:  # the other parts of those take minutes of their own: see the lab's tests
        assert abs(int(minutes[1]) - sum(e.minutes for e in LABS[lab].EXERCISES)) <= 5
    assert re.findall(r"^check\.(\w+)\(", source, flags=re.MULTILINE)[:-1] == [e.name for e in LABS[lab].EXERCISES]


@every_exercise
def test_an_exercise_has_enough_mistakes_and_hints(lab, exercise):
    assert len(exercise.mistakes) >= 3
    assert 2 <= len(exercise.hints) <= 3
    assert exercise.why
    names = [mistake.name for mistake in exercise.mistakes]
    assert len(set(names)) == len(names)
    assert len({mistake.says for mistake in exercise.mistakes}) == len(names)
    assert sum(other.name == exercise.name for _, other, _ in RIGHT) >= 2 or exercise.takes == "model"


# ---- right answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lab", "exercise", "answer"), each(RIGHT, mark_slow=False))
def test_right_answers_pass(lab, exercise, answer):
    _pass(exercise, answer, seeds(lab, exercise, 2))


@pytest.mark.slow
@pytest.mark.parametrize(("lab", "exercise", "answer"), each(RIGHT))
def test_right_answers_pass_on_many_seeds(lab, exercise, answer):
    _pass(exercise, answer, seeds(lab, exercise, 4))


def _pass(exercise, answer, some):
    for seed in some:
        verdict = examine(exercise, answer, seed)
        assert verdict.outcome == CORRECT, f"seed {seed}: {verdict.text}"
        assert not verdict.more or verdict.more.startswith("One remark: "), f"seed {seed}"


# ---- known mistakes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lab", "exercise"), each(QUICK, mark_slow=False))
def test_each_known_mistake_is_refused_with_its_own_sentence(lab, exercise):
    _own_sentences(exercise, seeds(lab, exercise, 1))


@pytest.mark.slow
@pytest.mark.parametrize(("lab", "exercise"), each(ALL))
def test_each_known_mistake_is_refused_with_its_own_sentence_on_many_seeds(lab, exercise):
    _own_sentences(exercise, seeds(lab, exercise, 1 if exercise.name in SLOW[lab] else 3))


def _own_sentences(exercise, some):
    for seed in some:
        for mistake in exercise.mistakes:
            verdict = examine(exercise, exercise.wrong(mistake), seed)
            assert verdict.outcome == INCORRECT, f"{mistake.name}, seed {seed}"
            assert verdict.says == mistake.says, f"{mistake.name}, seed {seed}: {verdict.text}"
            if exercise.takes == "function" and not exercise.probe:  # the smallest input on which it differs
                assert verdict.more.startswith("On "), f"{mistake.name}, seed {seed}"
                assert "expected" in verdict.more, f"{mistake.name}, seed {seed}"


@pytest.mark.slow
@pytest.mark.parametrize(("lab", "exercise"), each([pair for pair in ALL if not pair[1].probe and pair[1].family]))
def test_two_mistakes_are_both_named(lab, exercise):
    known = {mistake.says for mistake in exercise.mistakes}
    named = total = 0
    every = list(combinations(exercise.mistakes, 2))
    some = [(pair, wrong) for pair in every[::3] if (wrong := exercise.wrong(*pair)) is not None]
    if len(some) < 6:  # of few mistakes all pairs
        some = [(pair, wrong) for pair in every if (wrong := exercise.wrong(*pair)) is not None]
    for pair, wrong in some:
        verdict = examine(exercise, wrong, 0)
        if verdict.outcome == CORRECT or " raises " in verdict.says:
            continue  # a pair may cancel, as two wrong signs do; another cannot be made together
        total += 1
        says = verdict.says
        assert says in known or says.startswith((
            "Two things", "It gives the same result", "Every number", "It gives NaN")), (
            [mistake.name for mistake in pair], verdict.text)
        named += all(mistake.says in verdict.text for mistake in pair)
    assert total > 2, "too few mistakes can be made together: let them change different keywords of the family"
    enough = getattr(BESIDE[lab], "NAMED", {}).get(exercise.name, 0.7)
    assert named > enough * total, f"{named} of {total}"


@pytest.mark.parametrize(("exercise", "first", "second"), [
    pytest.param(exercise, *pair, id=f"{lab}-{name}-{pair[0]}-{pair[1]}")
    for lab, exercise in ALL for name, *pair in getattr(BESIDE[lab], "PAIRS", ()) if name == exercise.name])
def test_two_mistakes_seen_by_facts_are_both_named(exercise, first, second):
    by_name = {mistake.name: mistake for mistake in exercise.mistakes}
    verdict = examine(exercise, exercise.wrong(by_name[first], by_name[second]), 0)
    assert verdict.outcome == INCORRECT
    assert by_name[first].says in verdict.text
    assert by_name[second].says in verdict.text


@pytest.mark.slow
@pytest.mark.parametrize(("lab", "exercise"), each([pair for pair in ALL if pair[1].probe]))
def test_every_mistake_has_facts_of_its_own(lab, exercise):
    """Where the facts of all mistakes differ, each is recognised as itself."""
    for seed in seeds(lab, exercise, 4):
        effects = {mistake.name: frozenset() for mistake in exercise.mistakes}
        for size in exercise.sizes:
            case = exercise.draw(torch.Generator().manual_seed(seed), size)
            right = exercise.oracle(*case.args)
            if exercise.family:
                assert not differing(observe(exercise, exercise.family(), case)[0], right)
            for mistake in exercise.mistakes:
                effects[mistake.name] |= {
                    (size, *fact) for fact in differing(observe(exercise, exercise.wrong(mistake), case)[0], right)}
        assert all(effects.values()), f"seed {seed}"
        assert len(set(effects.values())) == len(effects), f"seed {seed}"


@pytest.mark.parametrize(("lab", "exercise", "answer", "piece"), [
    pytest.param(lab, exercise, answer, piece, id=f"{lab}-{name}-{piece}")
    for lab, exercise in ALL for name, answer, piece in getattr(BESIDE[lab], "UNLISTED", ()) if name == exercise.name])
def test_unlisted_answers_get_a_true_sentence(lab, exercise, answer, piece):
    for seed in range(1 if exercise.name in SLOW[lab] else 3):  # another seed may call for another sentence
        verdict = examine(exercise, answer, seed)
        assert verdict.outcome == INCORRECT, f"seed {seed}: {verdict.text}"
        assert piece in verdict.text, f"seed {seed}: {verdict.text}"
        assert "Traceback" not in verdict.text, f"seed {seed}"


@pytest.mark.parametrize(("lab", "exercise"), each([
    pair for pair in ALL if pair[1].takes == "function" and not pair[1].probe and pair[1].name != "spread"  # a graph
    and any(form.row == "image" and form.kind not in NUMBERS for form in pair[1].forms)], mark_slow=False))
def test_one_image_is_among_the_inputs_so_that_a_squeeze_is_seen(lab, exercise):
    def squeezed(*args):
        value = exercise.reference(*args)
        return tuple(part.squeeze() for part in value) if isinstance(value, tuple) else value.squeeze()

    for seed in seeds(lab, exercise, 2):
        assert examine(exercise, squeezed, seed).outcome == INCORRECT


# ---- answers of every kind ------------------------------------------------------------------------------------------


@every_exercise
def test_the_stub_is_not_attempted(lab, exercise):
    assert examine(exercise, _stub(exercise)).outcome == NOT_ATTEMPTED
    assert examine(exercise, ...).outcome == NOT_ATTEMPTED


def _stub(exercise):
    """Return what stands in an untouched lab."""
    def function(*args):
        """Words."""
        ...  # YOUR CODE HERE

    if exercise.takes == "class":
        return type(exercise.name, (nn.Module,), dict.fromkeys(exercise.methods, function))
    function.__name__ = exercise.name
    return function if exercise.takes == "function" else None


NONSENSE = [
    0, -1.5, "x", b"x", [], {}, object(), int, torch.rand(2, 2), float("nan"), 3j, True, nn.Linear(1, 1), nn.Module,
    lambda: 1, lambda *a, **k: a, max, F.relu, len, print, lambda *a: 3j, lambda *a: (), lambda *a: [[1], [1, 2]],
    lambda *a: torch.rand(3, 2).to_sparse(), lambda *a: (a[0], a[0], a[0]), lambda *a: (None, None),
    lambda *a: (None, None, None), lambda *a: np.array(["a"]), lambda *a: torch.tensor(float("nan")),
    lambda *a: (float("nan"), 2), lambda *a: (1, 2, 3), lambda *a: sys.exit(), lambda *a: torch.empty(0),
    lambda *a: torch.rand(2, 3, 4), lambda *a: (torch.empty(0), []), lambda *a: (torch.empty(0), [], 1)]


@pytest.mark.parametrize(("lab", "exercise"), each(ALL))
def test_no_answer_ever_raises(lab, exercise, capfd):
    for answer in NONSENSE:
        verdict = examine(exercise, answer, 0)
        assert verdict.outcome in (INCORRECT, NOT_ATTEMPTED)
        assert "Traceback" not in verdict.text
        assert not re.search(r"\ba (?:[aeiou]\w|ndarray|int\b)|\b1 (?:numbers|images|units|tensors)\b", verdict.text)
    assert capfd.readouterr() == ("", "")


def _nearly(value, factor, more):
    """Return a result whose numbers are a little off, whatever its form."""
    if isinstance(value, tuple):
        return tuple(_nearly(part, factor, more) for part in value)
    whole = isinstance(value, int) or (isinstance(value, torch.Tensor) and not value.is_floating_point())
    return value if whole else value * factor + more


@pytest.mark.parametrize(("lab", "exercise"), each([
    pair for pair in QUICK if pair[1].takes == "function" and not pair[1].probe]))
def test_nearly_right_answers_never_raise(lab, exercise):
    for factor, more in ((1.006, 0), (0.97, 0), (-1.004, 0), (1, 0.02), (float("nan"), 0), (float("inf"), 0)):
        verdict = examine(exercise, lambda *a, f=factor, m=more: _nearly(exercise.reference(*a), f, m), 0)
        assert verdict.outcome in (CORRECT, INCORRECT)
        assert "Traceback" not in verdict.text
        if factor != factor:
            assert "things at once" not in verdict.text, "of NaN alone no mistakes can be read off"


def test_importing_a_lab_leaves_the_random_numbers_alone():
    code = (f"import torch\nbefore = torch.get_rng_state()\nfrom aecourse.check import {', '.join(LABS)}\n"
            "assert torch.equal(before, torch.get_rng_state())")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=SOURCES.parents[1])


@every_exercise
def test_use_lends_the_reference_and_keeps_what_is_right(lab, exercise, capsys):
    use = LABS[lab].use
    assert use(_stub(exercise), exercise.name) is exercise.reference
    assert f"{exercise.name}: yours is not there yet" in capsys.readouterr().out
    if exercise.takes in ("function", "class"):
        assert use(_stub(exercise)) is exercise.reference  # it finds the exercise by the name of the answer
    for name, other, answer in RIGHT:
        if (name, other) == (lab, exercise):
            assert use(answer, exercise.name) is answer


@pytest.mark.parametrize("lab", LABS)
def test_the_summary_counts_the_exercises(lab, capsys):
    LABS[lab].summary()
    assert f"{len(LABS[lab].EXERCISES)} exercises" in capsys.readouterr().out
