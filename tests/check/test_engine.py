"""The engine of the checks, on a small exercise: what it says of answers that go wrong in every way."""

import contextlib
import copy
import dataclasses
import importlib
import json
import math
import os
import re
import subprocess
import sys
import time
import types
from collections import OrderedDict

import numpy as np
import pytest
import torch

from aecourse import CourseError
from aecourse.base.project import ROOT
from aecourse.check import lab02
from aecourse.check.engine import call, diagnose, diagnose_forms, look, show, words
from aecourse.check.engine import lab as engine
from aecourse.check.engine.exercise import CORRECT, INCORRECT, NOT_ATTEMPTED, Case, Exercise, Mistake
from aecourse.check.engine.lab import Check, Lab, examine
from aecourse.check.engine.stub import is_stub


def _family(*, half=0.5, sign=1.0):
    return lambda x, s: sign * half * (x * s).square().sum(-1)


def _draw(generator, size):
    return Case((torch.rand(size, 6, generator=generator) + 0.5, 1.5), words.many(size, "image"))


EXERCISE = Exercise(
    "energy", "Energy", "function", 1, 2, reference=lambda x, s: 0.5 * (x * s).square().sum(-1), draw=_draw,
    oracle=lambda x, s: 0.5 * s**2 * torch.linalg.vector_norm(x, dim=-1) ** 2,
    mistakes=(Mistake("half", {"half": 1.0}, "The half is missing."),
              Mistake("sign", {"sign": -1.0}, "The sign is wrong.")),
    hints=("First hint.", "Second hint."), why="Because.", arguments=("x", "s"), family=_family, gradients=(0,),
    parts=(lambda x, s: {"the even pixels": 0.5 * (x[:, ::2] * s).square().sum(-1),
                         "the odd pixels": 0.5 * (x[:, 1::2] * s).square().sum(-1)},), atol=1e-4)


def right(x, s):
    return (x * s).pow(2).sum(1) / 2


def raises(x, s):
    y = x * s
    return y.no_such_thing()


def in_place(x, s):
    x *= s
    return x.square().sum(-1) / 2


def loops(x, s):
    return torch.stack([(row * s).square().sum() / 2 for row in x])


def two_arguments_too_few():
    return 1


def empty_list(x, s):
    return []


def noisy(x, s):
    return right(x, s) + torch.rand(len(x))


def half_detached(x, s):
    return (x * s).square()[:, :3].sum(-1) / 2 + (x.detach() * s).square()[:, 3:].sum(-1) / 2


SENTENCES = [
    (right, CORRECT, "agrees"),
    (lambda x, s: (s * s * x * x).sum(1) * 0.5, CORRECT, "agrees"),
    (lambda x, s, more=3: right(x, s), CORRECT, "agrees"),
    (loops, CORRECT, "one at a time"),
    (raises, INCORRECT, "raises AttributeError: 'Tensor' object has no attribute 'no_such_thing', in line"),
    (raises, INCORRECT, "`return y.no_such_thing()`"),
    (raises, INCORRECT, "It was called with x (1, 6), s 1.5"),
    (in_place, INCORRECT, "changes its input `x` in place"),
    (two_arguments_too_few, INCORRECT, "It is called with 2 arguments, `(x, s)`, but yours takes 0"),
    (lambda x, s: None, NOT_ATTEMPTED, "Nothing is written"),
    (lambda x, s: print(x), INCORRECT, "is the `return` missing?"),
    (lambda x, s: right(x, s) if len(x) < 5 else None, INCORRECT, "is the `return` missing?\nSo it is on 5 images."),
    (lambda x, s: 2 * right(x, s) if len(x) < 5 else x.no_such_thing(), INCORRECT, "raises AttributeError"),
    (lambda x, s: right(x, s).numpy(), INCORRECT, "NumPy array"),
    (lambda x, s: np.square(x.numpy() * s).sum(-1) / 2, INCORRECT,
     "The values are right, one thing is not: It returns a NumPy"),
    (lambda x, s: right(x, s).tolist(), INCORRECT, "Python list"),
    (lambda x, s: float(right(x, s).sum()), INCORRECT, "one single number for 2 images"),
    (lambda x, s: right(x, s).sum(), INCORRECT, "one single number for 2 images"),
    (lambda x, s: right(x, s).double(), CORRECT, "One remark: it has the type float64 where the inputs are float32"),
    (lambda x, s: right(x, s)[:, None], INCORRECT,
     "The values are right, one thing is not: It has one dimension too many, a last one of size 1"),
    (lambda x, s: right(x, s)[None], INCORRECT, "It has one dimension too many, a first one of size 1"),
    (lambda x, s: right(x, s).squeeze(), INCORRECT, "no dimension left where there is one image only"),
    (lambda x, s: right(x, s).squeeze(), INCORRECT, "leave it out, or name the dimension that it should take away"),
    (lambda x, s: (x * s).square() / 2, INCORRECT, "one number per pixel"),
    (lambda x, s: (x * s).square(), INCORRECT, "And its sum would not be right yet: The half is missing."),
    (lambda x, s: (x * s).square().sum(0) / 2, INCORRECT, "per pixel position, shape (6,)"),
    (lambda x, s: right(x, s) - right(x, s)[:, None], INCORRECT, "every image against every image"),
    (lambda x, s: right(x, s) * float("nan"), INCORRECT, "It gives NaN"),
    (lambda x, s: right(x, s) / 0, INCORRECT, "It gives inf"),
    (lambda x, s: right(x, s).detach(), INCORRECT, "cut off from `x`"),
    (half_detached, INCORRECT, "the gradient of `x` is not"),
    (noisy, INCORRECT, "Called twice on the same input"),
    (lambda x, s: x.cuda().sum(-1), INCORRECT, "asks for a device") if not torch.cuda.is_available() else
    (lambda x, s: right(x, s).cuda(), INCORRECT, "without `.cuda()`"),
    (lambda x, s: right(x, s).to("meta"), INCORRECT, "lies on the device meta"),
    (lambda x, s: "text", INCORRECT, "returns a str"),
    (lambda x, s: ..., NOT_ATTEMPTED, "Nothing is written"),
    (empty_list, INCORRECT, "returns a list of 0"),
    (lambda x, s: (right(x, s), 1), INCORRECT, "returns a tuple of 2"),
    (lambda x, s: (yield x), INCORRECT, "`return` the result instead"),
    (lambda x, s: sys.exit(), INCORRECT, "raises SystemExit"),
    (lambda x, s: 2 * right(x, s), INCORRECT, "The half is missing."),
    (lambda x, s: -2 * right(x, s), INCORRECT, "Two things at once. 1. The half is missing. 2. The sign is wrong."),
    (lambda x, s: right(x, s) / 2, INCORRECT, "exactly half the right one"),
    (lambda x, s: right(x, s) / 6, INCORRECT, "divided by 6, the number of pixels"),
    (lambda x, s: right(x, s) * 6, INCORRECT, "6 times the right one: the number of pixels"),
    (lambda x, s: right(x, s) / len(x), INCORRECT, "divided by the number of images"),
    (lambda x, s: right(x, s) * len(x), INCORRECT, "times the number of images"),
    (lambda x, s: right(x, s) / math.log(2), INCORRECT, "bits"),
    (lambda x, s: right(x, s) * 0.3, INCORRECT, "0.3 times the right one"),
    (lambda x, s: right(x, s) + 7, INCORRECT, "7 too large, for each image of each input"),
    (lambda x, s: right(x, s) + x.shape[0], INCORRECT, "same for all images of a batch"),
    (lambda x, s: (x * s)[:, ::2].square().sum(-1) / 2, INCORRECT, "The term with the odd pixels is missing."),
    (lambda x, s: (x * s)[:, ::2].square().sum(-1), INCORRECT, "the even pixels enters 2 times"),
    (lambda x, s: x.exp().sum(-1), INCORRECT, "none of the usual mistakes"),
    (lambda x, s: torch.zeros(len(x)), INCORRECT, "always gives 0"),
    (torch.rand(3), INCORRECT, "This is a tensor, and the exercise asks for a function"),
    ("energy", INCORRECT, "This is of the type str"),
    (3, INCORRECT, "This is of the type int"),
    (torch.nn.Linear, INCORRECT, "This is a class"),
    (None, NOT_ATTEMPTED, "Nothing is written"),
    (..., NOT_ATTEMPTED, "Nothing is written"),
]


@pytest.mark.parametrize(("answer", "outcome", "piece"), SENTENCES)
def test_every_kind_of_answer_gets_its_sentence(answer, outcome, piece, capfd):
    for seed in range(2):
        verdict = examine(EXERCISE, answer, seed)
        assert verdict.outcome == outcome, verdict.text
        assert piece in verdict.text
        assert "Traceback" not in verdict.text
    assert capfd.readouterr() == ("", ""), "a check shows its card alone"


def test_several_mistakes_are_looked_for_no_longer_than_a_learner_waits(monkeypatch):
    one, both = EXERCISE.wrong(EXERCISE.mistakes[0]), EXERCISE.wrong(*EXERCISE.mistakes)
    assert examine(EXERCISE, both, 0).says.startswith("Two things at once. 1. The half is missing.")
    monkeypatch.setattr(diagnose, "PATIENCE", -1.0)
    assert examine(EXERCISE, one, 0).says == "The half is missing."
    hurried = examine(EXERCISE, both, 0)
    assert hurried.outcome == INCORRECT
    assert "things at once" not in hurried.says


def test_wrong_values_come_with_the_smallest_input_expected_and_got():
    text = examine(EXERCISE, lambda x, s: torch.where(torch.arange(len(x)) > 0, 0.0, right(x, s)), 0).text
    assert "On 2 images, image 1: expected " in text
    assert re.search(r"On 1 image: expected [\d.]+, got 0\.$", examine(EXERCISE, lambda x, s: 0 * right(x, s), 0).text)
    assert text.rstrip(".").endswith("got 0")


def test_things_have_their_article_and_their_number():
    for value, named in ((1, "an int"), (1.5, "a float"), ([], "a list"), (np.zeros(1), "an ndarray"),
                         (OrderedDict(), "an OrderedDict"), ("", "a str")):
        assert words.a(value) == named
    assert [words.many(n, "number") for n in (0, 1, 2)] == ["0 numbers", "1 number", "2 numbers"]


def test_two_things_beside_right_values_are_not_called_one():
    said = examine(EXERCISE, lambda x, s: right(x, s).numpy()[:, None], 0).says
    assert said.startswith("The values are right, some things are not: ")
    assert "NumPy" in said
    assert "one dimension too many" in said


def test_two_different_values_never_look_the_same():
    shown = [diagnose_forms._both("Here", torch.tensor(656.5), torch.tensor(value)) for value in (2.0, 656.52, 656.501)]
    assert shown == [f"Here: expected 656.5, got {value}." for value in ("2", "656.52", "656.501")]


def test_a_mistake_is_named_where_extreme_inputs_fail_in_a_way_of_their_own():
    def draw(generator, size):
        x = torch.full((size, 6), 200.0) if size == 5 else torch.rand(size, 6, generator=generator) + 0.5
        return Case((x, 1.5), words.many(size, "image"), "With 200 it is wrong." if size == 5 else "")

    exercise = dataclasses.replace(EXERCISE, draw=draw)
    twice_and_not_finite = lambda x, s: 2 * right(x, s) if len(x) < 5 else right(x, s) * float("inf")  # noqa: E731
    assert examine(exercise, twice_and_not_finite, 0).says == "The half is missing."
    for factor, says in ((2, "The half is missing.\nOn 1 image: "), (0.3, "raises AttributeError")):
        answer = lambda x, s, f=factor: f * right(x, s) if len(x) < 5 else x.no_such_thing()  # noqa: E731
        assert says in examine(exercise, answer, 0).text
    assert examine(exercise, lambda x, s: right(x, s) * (1 + (len(x) == 5)), 0).says == "With 200 it is wrong."


def test_few_digits_are_told_by_what_is_seen():
    want = [torch.rand(50) + 1]
    says = "Your values agree with the right ones in their first digits only."
    assert look.roughly([want[0].half().float()], want) == (
        says + " All of them are numbers that half precision (float16) can hold.")
    assert look.roughly([want[0].round(decimals=3)], want) == says + " All of them end 3 digits after the point."
    assert look.roughly([want[0] * 1.0001], want) == says
    few = want[0].clone()
    few[:3] *= 1.0001
    for other in (want[0] * 1.1, few, want[0], torch.rand(3)):
        assert look.roughly([other], want) == ""


def test_a_method_may_be_a_network_that_init_assigns():
    class Assigned(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encode = torch.nn.Linear(2, 1)

        def forward(self, x):
            return self.encode(x)

    exercise = dataclasses.replace(EXERCISE, takes="class", methods=("encode", "forward"))
    assert engine._wrong_kind(exercise, Assigned) == ""
    missing = engine._wrong_kind(dataclasses.replace(exercise, methods=("encode", "decode")), Assigned)
    assert "no method `decode`" in missing


def test_an_endless_loop_ends(monkeypatch):
    def forever(x, s):
        while True:
            with contextlib.suppress(Exception):
                time.sleep(0.01)

    monkeypatch.setattr(call, "LIMIT", 0.3)
    assert "a loop that never ends" in examine(EXERCISE, forever, 0).text


def test_random_state_and_prints_are_left_alone(capfd):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    state = np.random.get_state()[1].copy()

    def loud(x, s):
        print("hello")
        print("hello", file=sys.stderr)
        torch.rand(3), np.random.rand(3)
        return right(x, s)

    assert examine(EXERCISE, loud).outcome == CORRECT
    assert torch.equal(before, torch.get_rng_state())
    assert (state == np.random.get_state()[1]).all()
    assert capfd.readouterr() == ("", "")


def test_fresh_inputs_at_every_call():
    seen = []

    def notes(x, s):
        seen.append(x.sum().item())
        return right(x, s)

    examine(EXERCISE, notes)
    first = set(seen)
    seen.clear()
    examine(EXERCISE, notes)
    assert first.isdisjoint(seen)


# ---- the stub -------------------------------------------------------------------------------------------------------


def with_docstring(x):
    """Words."""
    ...  # YOUR CODE HERE


def only_docstring(x):
    """Words."""


def returns_placeholder(x):
    return ...


def not_implemented(x):
    raise NotImplementedError


def not_implemented_with_text(x):
    """Words."""
    raise NotImplementedError("write me")


def passes(x):
    pass


def closure():
    y = 1

    def inner(x):
        return y * x

    return inner


def other_error(x):
    raise ValueError("no")


def returns_zero(x):
    return 0


def half_written(x):
    y = x + 1  # noqa: F841


@pytest.mark.parametrize("stub", [with_docstring, only_docstring, returns_placeholder, not_implemented,
                                  not_implemented_with_text, passes, None, ...])
def test_stubs_are_seen(stub):
    assert is_stub(stub)


@pytest.mark.parametrize("written", [closure(), other_error, returns_zero, half_written, right, 0, "", torch.rand,
                                     False])
def test_what_is_written_is_no_stub(written):
    assert not is_stub(written)


def test_stub_of_a_class():
    class Empty(torch.nn.Module):
        def __init__(self):
            super().__init__()
            ...  # YOUR CODE HERE

        def encode(self, x):
            """Words."""
            ...  # YOUR CODE HERE

    class Written(Empty):
        def encode(self, x):
            return x

    assert is_stub(Empty, ("encode", "forward"))
    assert not is_stub(Written, ("encode", "forward"))
    assert not is_stub(torch.nn.Linear, ("forward",)) or torch.nn.Linear.__module__.startswith("torch")


# ---- Check and Lab --------------------------------------------------------------------------------------------------


def test_hints_come_in_steps_and_end(capsys):
    check = Check(EXERCISE, "lab99")
    for _ in range(3):
        check.hint()
    text = capsys.readouterr().out
    places = [text.index(piece) for piece in ("hint 1 of 2", "First hint.", "hint 2 of 2", "Second hint.")]
    assert places == sorted(places)
    assert "no more hints" in text


def test_solution_says_when_the_file_is_not_there(capsys):
    Check(EXERCISE, "lab99").solution()
    text = capsys.readouterr().out
    assert "Because." in text
    assert "solutions/lab99/lab99.ipynb, which is not here" in text


def test_solution_says_when_the_file_lacks_the_cell(capsys):
    Check(EXERCISE, "lab02").solution()
    assert "solutions/lab02/lab02.ipynb, which does not hold it yet" in capsys.readouterr().out


def test_solution_shows_the_cell(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "solutions" / "lab99"
    folder.mkdir(parents=True)
    source = ["def energy(x, s):\n", "    ### BEGIN SOLUTION\n", "    return 1\n", "    ### END SOLUTION"]
    cells = [{"source": ["1"], "metadata": {}}, {"source": source, "metadata": {"nbgrader": {"grade_id": "energy"}}}]
    (folder / "lab99.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    monkeypatch.setattr(engine, "ROOT", tmp_path)
    Check(EXERCISE, "lab99").solution()
    text = capsys.readouterr().out
    assert "    def energy(x, s):\n        return 1\n" in text
    assert "SOLUTION" not in text.replace("one solution", "")
    assert "Because." in text


def test_check_shows_a_card_returns_nothing_and_remembers(capfd):
    lab = Lab("lab99", (EXERCISE,))
    check = lab.checks["energy"]
    assert check(lambda x, s: -right(x, s)) is None
    assert check.outcome == INCORRECT
    assert check(right) is None
    lab.summary()
    out, err = capfd.readouterr()
    assert "✗ energy: incorrect" in out
    assert "✓ energy: correct" in out
    assert "1 of 1 exercises are correct" in out
    assert err == ""
    check()
    check(right, right)
    assert capfd.readouterr().out.count("takes one thing, your answer") == 2


def test_use_gives_theirs_or_the_reference(capsys):
    lab = Lab("lab99", (EXERCISE,))

    def energy(x, s):
        return right(x, s)

    assert lab.use(energy) is energy
    assert "your own" in capsys.readouterr().out
    for broken in (raises, None, ..., 3, "text", torch.rand(2), lambda x, s: x):
        assert lab.use(broken, "energy") is EXERCISE.reference
        assert "the course's own" in capsys.readouterr().out


def test_use_never_raises_because_of_the_answer():
    class Nasty:
        __name__ = "energy"

        def __getattribute__(self, name):
            raise RuntimeError("no")

    lab = Lab("lab99", (EXERCISE,))
    assert lab.use(Nasty(), "energy") is EXERCISE.reference


def test_use_finds_a_lambda_by_its_name_in_the_notebook():
    lab = Lab("lab99", (EXERCISE,))
    names = {"lab": lab, "right": right}
    exec("energy = lambda x, s: right(x, s)\nused = lab.use(energy)", names)
    assert names["used"] is names["energy"]


def test_use_without_a_known_name_is_one_sentence():
    with pytest.raises(CourseError, match="needs the name of the exercise"):
        Lab("lab99", (EXERCISE,)).use(3.0)


@pytest.mark.parametrize("wrong", ["gausian_nll", "Gaussian_nll", "gaussian_nl"])
def test_use_suggests_the_near_name(wrong):
    for call_ in (lambda: lab02.use(lambda x: x, wrong), lambda: lab02.use(types.new_class(wrong))):
        with pytest.raises(CourseError, match=rf"check.use\(answer, 'gaussian_nll'\); '{wrong}' is none"):
            call_()


@pytest.mark.parametrize(("wrong", "near"), [
    ("gausian_nll", "check.gaussian_nll"), ("tiedautoencoder", "check.TiedAutoencoder"),
    ("train_epochs", "check.train_epoch"), ("sumary", "check.summary"), ("uses", "check.use"),
])
def test_a_name_that_is_no_check_suggests_the_near_one_without_frames(wrong, near):
    with pytest.raises(AttributeError) as error:
        getattr(lab02, wrong)
    assert str(error.value) == f"There is no `check.{wrong}`; did you mean `{near}`?"
    assert error.value._render_traceback_() == [f"AttributeError: {error.value}"]


def test_a_name_that_is_near_none_gets_the_names():
    with pytest.raises(AttributeError, match=r"no `check.q`; there are `check.n_parameters`, .*`check.summary`\. If "
                                             r"your page came with that name, .* run: python -m aecourse lab"):
        lab02.q  # noqa: B018
    with pytest.raises(AttributeError, match=r"There is no `check.trained.hnt`; did you mean `check.trained.hint\(\)`"):
        lab02.trained.hnt  # noqa: B018
    with pytest.raises(AttributeError, match=r"`check.trained.hint\(\)`, `check.trained.solution\(\)`"):
        lab02.trained.xyz  # noqa: B018


def test_python_s_own_questions_are_answered_as_ever():
    assert not hasattr(lab02, "__wrapped__")
    assert not hasattr(lab02.trained, "_repr_html_")
    assert copy.copy(lab02.trained).exercise is lab02.trained.exercise
    with pytest.raises(ImportError, match="cannot import name 'gausian_nll'"):
        exec("from aecourse.check.lab02 import gausian_nll")


@pytest.mark.parametrize("path", sorted((ROOT / "authoring/labs").glob("*.py")), ids=lambda path: path.stem)
def test_below_each_check_there_is_a_cell_for_its_hints(path):
    module = importlib.import_module(f"aecourse.check.{path.stem}")
    cells = re.split(r"^# %%", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    places = [i for i, cell in enumerate(cells) if re.search(r'"grade_id": "\w+-check"', cell)]
    assert len(places) == len(module.EXERCISES)
    for i, exercise in zip(places, module.EXERCISES, strict=True):
        assert f"check.{exercise.name}(" in cells[i]
        said = f"check.{exercise.name}.hint()"
        assert cells[i + 1].strip() == f"# Stuck? Type {said} on the next line, and run this cell."
        assert f"`{said}` into the cell below" in examine(exercise, Ellipsis).text or exercise.takes == "class"


def test_card_escapes_what_a_learner_wrote():
    markup = show._markup("incorrect", "a < b", "`x<y>` & <script>", "if a < b:", [["<td>"], ["1"]])
    assert "<script>" not in markup
    assert "<code>x&lt;y&gt;</code>" in markup
    assert "if a &lt; b:" in markup
    assert "background" not in markup, "the theme's own colours stay"


# ---- grading --------------------------------------------------------------------------------------------------------

GRADED = """
import os
{before}
from aecourse.check import lab02 as check
os.environ.pop("NBGRADER_EXECUTION", None)
for answer in (111792, ..., 5, "text"):
    try:
        check.n_parameters(answer)
        print("passes", answer)
    except AssertionError as error:
        print("raises", error, error._render_traceback_()[0] == f"AssertionError: {{error}}")
"""


def test_a_graded_cell_raises_unless_correct():
    out = _graded("validate")
    assert out.count("passes") == 1
    assert "passes 111792" in out
    for text in ("not attempted. Nothing", "incorrect. Too small", "incorrect. This is text"):
        assert f"raises n_parameters: {text}" in out
    assert out.count("True") == 3


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the environment at a process's start can be read on Linux alone")
def test_a_cell_before_the_import_cannot_switch_grading_off():
    assert _graded("autograde", "os.environ.pop('NBGRADER_EXECUTION')").count("raises") == 3


def test_outside_grading_nothing_raises():
    assert _graded("").count("passes") == 4


def _graded(mode: str, before: str = "") -> str:
    env = {key: value for key, value in os.environ.items() if key != "NBGRADER_EXECUTION"}
    done = subprocess.run([sys.executable, "-c", GRADED.format(before=before)], text=True, encoding="utf-8",
                          env={**env, "PYTHONIOENCODING": "utf-8", **({"NBGRADER_EXECUTION": mode} if mode else {})},
                          capture_output=True, check=True)
    assert done.stderr == ""
    return done.stdout
