"""What an exercise is: data, not code. The engine does the rest.

Two ways to look at an answer:

- by **values** (no ``probe``): a function is called on fresh inputs and its result is compared with the oracle's;
- by **facts** (a ``probe``): the probe builds, runs or measures the answer and returns named facts, each a plain value
  (a shape, a count, a word), and these are compared with the oracle's facts.

In both ways a known mistake is a wrong answer that is run on the same inputs; it is recognised because what is seen of
it equals what is seen of the learner's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

CORRECT, INCORRECT, NOT_ATTEMPTED = "correct", "incorrect", "not attempted"


@dataclass(frozen=True)
class Case:
    """One fresh input: the arguments of the learner's function, or what a probe needs.

    ``text`` says in words what the input is ("one image, all pixels 0.3"). ``only`` is the sentence for an answer that
    is right on all inputs without an ``only`` and wrong on this one.
    """

    args: tuple
    text: str = ""
    only: str = ""


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that learners give, and the sentence a tutor would say.

    ``wrong`` is a dict of changed keywords for the exercise's ``family``, or the wrong answer itself. Two or three
    mistakes of the first form that change different keywords are also tried together.
    """

    name: str
    wrong: Any
    says: str


@dataclass(frozen=True)
class Form:
    """What a function returns, where it is not one number per image; of a tuple, one of its parts.

    ``kind`` is "float" (a tensor of any precision) or "int64", or "count" or "share" for a plain number, which may come
    as a tensor of one element too. ``says`` completes "asked for is …": "the nearest centre's
    index for each image, shape (N,)". ``row`` is what the first dimension counts, ``name`` tells the parts of a tuple
    apart.
    """

    kind: str
    says: str
    row: str = "image"
    name: str = ""


PER_IMAGE = Form("float", "one number per image, shape (B,)")


@dataclass(frozen=True)
class Exercise:
    """An exercise as data.

    Parameters
    ----------
    takes
        What the learner hands in: "function", "class", "model" (a trained one) or "number".
    reference
        The right answer that ``check.use`` gives to those who have none yet; None where there is nothing to give.
    oracle
        The right values, found by another method than the reference: ``oracle(*case.args)`` gives the tensor (or the
        number); with a probe it gives the facts.
    draw
        ``draw(generator, size)`` gives a fresh `Case`; ``sizes`` is the ladder, smallest first. The smallest input on
        which an answer differs is shown. To see whether a right function goes through the images one by one, 24 and 72
        are drawn as well (4 and 24 without ``gives``).
    gives
        What a function returns, one `Form` for each part; left empty, it is one number per image, float32 (B,), and
        factors, constants and ``parts`` that are off are named in place of what ``look`` says.
    tidy, look
        With ``gives``: ``tidy(parts)`` brings results that are equally right into one order; ``look(cases, got, want)``
        returns the sentence for wrong values that no known mistake explains, or nothing.
    family
        ``family(**changes)`` gives a wrong answer, and without changes a right one.
    parts
        Each ``part(*case.args)`` gives the named terms, shape (B,), whose plain sum is the right value; more than one
        where there is more than one way to write the formula.
    gradients
        Positions of the arguments through which gradients must flow: tensors, or networks, whose parameters are meant
        then. On a case with an ``only``, which is extreme (a kink, a bound), any finite ones will do.
    errors
        A piece of an error's text, and what to say where the learner's code raises it.
    probe, facts
        ``probe(answer, case)`` returns the facts; ``facts`` gives for each the sentence for an unknown deviation, with
        the fields {got} and {expected}.
    methods
        The methods of a class that the learner writes.
    """

    name: str
    title: str
    takes: str
    difficulty: int
    minutes: int
    reference: Any
    oracle: Callable
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, ...]
    why: str
    draw: Callable[[torch.Generator, int], Case] = lambda generator, size: Case(())
    sizes: tuple[int, ...] = (1, 2, 5)
    arguments: tuple[str, ...] = ()
    gives: tuple[Form, ...] = ()
    tidy: Callable[[tuple], tuple] | None = None
    look: Callable[[list, list, list], str] | None = None
    family: Callable | None = None
    parts: tuple[Callable, ...] = ()
    gradients: tuple[int, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)
    probe: Callable[[Any, Case], dict] | None = None
    facts: dict[str, str] = field(default_factory=dict)
    methods: tuple[str, ...] = ()
    rtol: float = 1e-4
    atol: float = 1e-2

    @property
    def forms(self) -> tuple[Form, ...]:
        """What a function returns, one form for each part."""
        return self.gives or (PER_IMAGE,)

    def advice(self, error: str) -> str:
        """Return what to add to this error's text."""
        return "".join(" " + advice for piece, advice in self.errors.items() if piece in error)

    def wrong(self, *mistakes: Mistake) -> Any:
        """Return the answer that makes these mistakes, or None where they cannot be made together."""
        if len(mistakes) == 1 and not isinstance(mistakes[0].wrong, dict):
            return mistakes[0].wrong
        if self.family is None or not all(isinstance(m.wrong, dict) for m in mistakes):
            return None
        keys = [key for m in mistakes for key in m.wrong]
        if len(set(keys)) < len(keys):
            return None
        return self.family(**{key: value for m in mistakes for key, value in m.wrong.items()})


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check: what to say first, and what to add below it."""

    outcome: str
    says: str
    more: str = ""

    @property
    def text(self) -> str:
        return f"{self.says}\n{self.more}".strip()
