"""A lesson's statements as computed numbers, and what the learner predicts and finds out beside them."""

import html
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

from aecourse.base import console, settings

MIMETYPE = "application/vnd.aecourse.claim+json"
SENTENCE = "application/vnd.aecourse.sentence+json"


@dataclass
class Record:
    """One claim as it is stored in the notebook's output; RESULTS.md is made from these alone."""

    lesson: str
    name: str
    statement: str
    value: float
    unit: str
    spread: float | None
    seeds: int
    data: str
    baseline: str | None
    paper: str | None
    bound: str
    held: bool | None  # None: shown without being asserted


class Claims:
    """The claims of one lesson: ``claim = Claims("02", digits.name)``, then ``claim("name", "statement", 1.2)``."""

    def __init__(self, lesson: str, data: str) -> None:
        self.lesson, self.data = lesson, data
        self.records: dict[str, Record] = {}
        self.quick = settings.quick()

    def __call__(self, name: str, statement: str, value: float, unit: str = "", *, at_most: float | None = None,
                 at_least: float | None = None, near: float | None = None, within: float | None = None,
                 spread: float | None = None, seeds: int = 1, baseline: str | None = None, paper: str | None = None,
                 holds_on: tuple[str, ...] = ("mnist", "strokes")) -> None:
        """Show a measured value with its statement and remember it for the checkpoint.

        Parameters
        ----------
        at_most, at_least, near, within
            What the checkpoint asserts: an upper bound, a lower bound, or ``near`` ± ``within``. One is needed.
        spread, seeds
            Standard deviation over so many runs, where there is more than one.
        baseline, paper
            A figure to show beside ours, and the published one with its protocol.
        holds_on
            The data sets on which the claim is asserted; on others it is shown only.
        """
        value, spread = float(value), None if spread is None else float(spread)
        tests = []
        if at_most is not None:
            tests.append((value <= at_most, f"at most {at_most:.4g}"))
        if at_least is not None:
            tests.append((value >= at_least, f"at least {at_least:.4g}"))
        if near is not None and within is not None:
            tests.append((abs(value - near) <= within, f"{near:.4g} ± {within:.2g}"))
        if not tests:
            raise ValueError(f"the claim {name!r} needs at_most, at_least, or near and within")
        asserted = self.data in holds_on and not self.quick
        held = all(ok for ok, _ in tests) if asserted else None
        record = Record(self.lesson, name, statement, value, unit, spread, seeds, self.data, baseline, paper,
                        " and ".join(bound for _, bound in tests), held)
        self.records[name] = record
        _show(record)

    def checkpoint(self) -> None:
        """Assert every claim made so far; with AECOURSE_QUICK=1 only count them."""
        failed = [r for r in self.records.values() if r.held is False]
        shown = sum(r.held is None for r in self.records.values())
        assert not failed, "; ".join(f"{r.name}: {r.value:.4g}, expected {r.bound}" for r in failed)
        kept = len(self.records) - shown
        print(f"{kept} claim{' holds' if kept == 1 else 's hold'} on {self.data}."
              + f" {shown} more are shown without being asserted." * (shown > 0))


def score(predictions: list[tuple[str, Any, Any]]) -> None:
    """Show what the learner predicted beside what was found: (question, prediction, found); None is no prediction."""
    table(["question", "you said", "we found", ""],
          [(question, guess, found, _verdict(guess, found)) for question, guess, found in predictions])


def try_it(question: str, answer: Any, found: Any, *, changed: bool = True, says: str = "", hint: str = "") -> None:
    """Ask the learner to change a line and to type what came out, and compare it with what the cells computed.

    Parameters
    ----------
    question
        Which line to change, and what to type.
    answer
        What the learner typed; None or ... until then, and the question is shown.
    found
        What it is compared with, a number or a word: computed by the cells above in this very run, or worked out in
        the call. A number is right if it is ``found``, rounded to the digits that were typed, or within 1 % of it; a
        count has to be exact.
    changed
        Whether the line was changed, as far as the notebook's names tell. An answer without the change is not compared.
    says, hint
        What to add where the answer is right, and where it is another.
    """
    if answer is None or answer is ...:
        colour, head, body, below = "#0072B2", "→ Try it.", question, ""
    elif not changed:
        colour, head, body = "#0072B2", "→ Not changed yet.", question
        below = "The line is still as it was: change it, run its cell again, then this one."
    elif _right(answer, found):
        colour, head, body, below = "#009E73", "✓ Right.", says or f"It is {_text(found)}.", question
    else:
        colour, head, below = "#D55E00", "✗ Not yet.", question
        body = f"You typed {answer!r}. {hint or 'Read again what the cell above shows.'}"
    _box(colour, f"{head} {body}", f"<b>{head}</b> {_code(body)}", below)


def say(sentence: str) -> None:
    """Show a sentence whose words were chosen by the numbers of this run, so that it is true on every data set."""
    console.show(sentence, f"<p>{html.escape(sentence)}</p>", {SENTENCE: sentence})


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Show a table: floats with three significant digits, None as a dash."""
    lines = [list(head), *([_text(value) for value in row] for row in rows)]
    tag = ["th"] + ["td"] * len(rows)
    markup = "".join("<tr>" + "".join(f'<{t} style="text-align:left">{html.escape(cell)}</{t}>' for cell in line)
                     + "</tr>" for t, line in zip(tag, lines, strict=True))
    console.show("\n".join(" | ".join(line) for line in lines), f"<table>{markup}</table>")


def _verdict(guess: Any, found: Any) -> str:
    if guess is None or guess is ...:
        return "no prediction"
    if isinstance(found, str):
        return "right" if str(guess).strip().lower() == found.lower() else "not this time"
    try:
        guess = float(guess)
    except (TypeError, ValueError):
        return "not a number"
    if guess == found or (found and abs(guess / found - 1) <= 0.2):
        return "close: within 20 %"
    return f"{max(guess / found, found / guess):.1f} times off" if guess * found > 0 else "far off"


def _right(answer: Any, found: Any) -> bool:
    if isinstance(found, str):
        return str(answer).strip().lower() == found.lower()
    try:
        typed = float(answer)
        exponent = Decimal(str(answer)).as_tuple().exponent  # of the last digit typed: −2 for 0.25, −7 for 1.2e-6
    except (TypeError, ValueError, ArithmeticError):
        return False
    if isinstance(found, Integral):
        return typed == found
    last_digit = 10.0 ** min(exponent, 0) if isinstance(exponent, int) else 0.0  # NaN and infinity have none
    return abs(typed - float(found)) <= max(0.01 * abs(float(found)), 0.5001 * last_digit)


def _text(value: Any) -> str:
    if value is None or value is ...:
        return "–"
    if isinstance(value, Real) and not isinstance(value, Integral):  # NumPy's numbers, too
        return f"{value:.1f}" if abs(float(value)) >= 100 else f"{value:.3g}"
    return str(value)


def _show(record: Record) -> None:
    spread = "" if record.spread is None else f" ± {record.spread:.2g}"
    measured = f"{record.value:.4g}{spread} {record.unit}".strip()
    mark = {True: "✓", False: "✗", None: "·"}[record.held]
    notes = [f"expected {record.bound}", f"data {record.data}"]
    notes += [f"{record.seeds} seeds"] * (record.seeds > 1) + ["not asserted here"] * (record.held is None)
    notes += [f"for comparison: {record.baseline}"] * bool(record.baseline)
    notes += [f"paper: {record.paper}"] * bool(record.paper)
    detail = " · ".join(notes)
    colour = {True: "#009E73", False: "#D55E00", None: "#888888"}[record.held]
    _box(colour, f"{mark} {record.statement}: {measured}",
         f"{mark} {html.escape(record.statement)}: <b>{html.escape(measured)}</b>", detail, {MIMETYPE: asdict(record)})


def _box(colour: str, text: str, markup: str, below: str, more: dict | None = None) -> None:
    """Show a box with a coloured edge, and a small line below."""
    small = f'<br><small style="opacity:.75">{_code(below)}</small>' if below else ""
    style = f"border-left:4px solid {colour};padding:2px 10px;margin:2px 0"
    console.show(text + (f"\n  {below}" if below else ""), f'<div style="{style}">{markup}{small}</div>', more)


def _code(text: str) -> str:
    """Return text as HTML, what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
