"""Answers judged by facts: a network by what it is made of, a loop by what it does, a training by its result."""

from itertools import combinations
from typing import Any

import torch

from aecourse.check.engine.call import run
from aecourse.check.engine.exercise import CORRECT, INCORRECT, Case, Exercise, Verdict


def check_facts(exercise: Exercise, answer: Any, generator: torch.Generator) -> Verdict:
    """Return the verdict on an answer with a probe: which facts are not right, and which mistake gives these."""
    for size in exercise.sizes:
        case = exercise.draw(generator, size)
        right = exercise.oracle(*case.args)
        seen, trouble = observe(exercise, answer, case)
        off = differing(seen, right)
        if not off and not trouble:
            continue
        sentences, left = explain(exercise, off, case, right)
        if trouble and not sentences:
            return Verdict(INCORRECT, trouble + exercise.advice(seen["raises"]))
        sentences += [_unknown(exercise, name, got, right) for name, got in left if name != "raises"]
        return Verdict(INCORRECT, sentences[0], "\n".join(["Also: " + s for s in sentences[1:3]]))
    return Verdict(CORRECT, f"All {len(right)} properties that were looked at are as they should be.")


def observe(exercise: Exercise, answer: Any, case: Case) -> tuple[dict, str]:
    """Return the facts of an answer, and the sentence if looking at it raised; the error is then a fact too."""
    assert exercise.probe is not None  # else the exercise is judged by values
    ran = run(exercise.probe, answer, case, name=exercise.name, shown=case.text)
    return ({"raises": ran.error}, ran.trouble) if ran.trouble else (ran.value, "")


def differing(seen: dict, right: dict) -> frozenset:
    """Return the facts, as pairs of name and value, that are not as they should be."""
    return frozenset((name, value) for name, value in seen.items() if name not in right or right[name] != value)


def explain(exercise: Exercise, off: frozenset, case: Case, right: dict) -> tuple[list[str], list]:
    """Return the sentences of the known mistakes that give these facts, and the facts that remain.

    First one mistake that gives exactly these, then two, then those that each explain a part.
    """
    effects = {}
    for mistake in exercise.mistakes:
        wrong = exercise.wrong(mistake)
        effects[mistake.says] = differing(observe(exercise, wrong, case)[0], right)
    for says, effect in effects.items():
        if effect == off:
            return [says], []
    for (first, a), (second, b) in combinations(effects.items(), 2):
        if a and b and a | b == off:
            return [first, second], []
    for mistakes in combinations(exercise.mistakes, 2):  # two mistakes may meet in one fact: a count, say
        names = [{name for name, _ in effects[m.says]} for m in mistakes]
        if not names[0] & names[1] or names[0] | names[1] != {name for name, _ in off} or "raises" in names[0]:
            continue
        wrong = exercise.wrong(*mistakes)
        if wrong is not None and differing(observe(exercise, wrong, case)[0], right) == off:
            return [m.says for m in mistakes], []
    sentences, rest = [], off
    while inside := [says for says, effect in effects.items() if effect and effect <= rest]:
        says = max(inside, key=lambda s: len(effects[s]))
        sentences.append(says)
        rest -= effects[says]
    return sentences, _in_order(rest, right)


def _in_order(off: frozenset, right: dict) -> list:
    """Return the facts in the order of the oracle's, causes before consequences."""
    places = list(right)
    return sorted(off, key=lambda fact: places.index(fact[0]) if fact[0] in places else len(places))


def _unknown(exercise: Exercise, name: str, got: Any, right: dict) -> str:
    sentence = exercise.facts.get(name, "{name}: expected {expected}, got {got}.").format(
        name=name, got=got, expected=right.get(name))
    return sentence.replace(" (unknown)", "")
