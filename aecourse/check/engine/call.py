"""Run the learner's code: guarded, quiet, counted. Whatever happens in it becomes one sentence."""

import contextlib
import inspect
import io
import linecache
import re
import signal
import sysconfig
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

LIMIT = 10.0  # seconds
_OURS = (str(Path(__file__).resolve().parents[2]), str(Path(torch.__file__).resolve().parent),
         sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["purelib"])


class TooSlow(BaseException):
    """The time is up. No Exception, so that a learner's `except Exception` does not swallow it."""


@dataclass
class Ran:
    """What came of a call: its value, or its trouble as a sentence and the error's own text."""

    value: Any = None
    trouble: str = ""
    error: str = ""


class Counter(TorchFunctionMode):
    """Counts the calls into torch by name; it sees indexing, iteration and `.tolist()` too."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.names.append(getattr(function, "__name__", ""))
        return function(*args, **(kwargs or {}))


def run(function: Callable, *args: Any, name: str, shown: str = "", limit: float | None = None) -> Ran:
    """Call the function; a raised error, an endless loop, its prints and warnings stay in here.

    ``name`` is what the learner calls it and ``shown`` how its inputs looked, for the sentence.
    """
    try:
        with quiet(), _at_most(limit or LIMIT):
            return Ran(function(*args))
    except TooSlow:
        return Ran(trouble=f"`{name}` was still running after {limit or LIMIT:.0f} seconds and was stopped: is there "
                           "a loop that never ends, or one over single pixels?", error="TooSlow")
    except (Exception, SystemExit) as error:
        return Ran(trouble=_sentence(error, name, shown), error=f"{type(error).__name__}: {error}")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep prints and warnings of the learner's code out of the cell, and the random state as it was.

    A graded cell with anything on stderr scores 0, and a check calls a function many times.
    """
    numbers = np.random.get_state()
    with (torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(io.StringIO()),
          contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings(), torch.enable_grad()):
        warnings.simplefilter("ignore")
        torch.seed()  # another state at each call, so that noise inside a function shows
        np.random.seed()
        try:
            yield
        finally:
            np.random.set_state(numbers)


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise TooSlow after that time, where there is such an alarm (not on Windows, not outside the main thread)."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: Any) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _sentence(error: BaseException, name: str, shown: str) -> str:
    message = re.sub(r"\s+", " ", str(error)).strip()
    message = message if len(message) <= 240 else message[:240] + " …"
    called = f" It was called with {shown}." if shown else ""
    line = their_line(error)
    if re.search(r"cuda|nvidia|\bmps\b|same device|\bxpu\b", message, re.IGNORECASE):
        return (f"`{name}` asks for a device that its inputs are not on{line}: take out `.cuda()` and `.to(...)`, so "
                f"that it computes where its inputs are. ({type(error).__name__}: {message})")
    return f"`{name}` raises {type(error).__name__}: {message or 'no message'}{line}.{called}"


def their_line(error: BaseException) -> str:
    """Return ", in line 3: `return x + y`" for the deepest frame of the learner's own code."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.startswith(_OURS) or "site-packages" in frame.filename or frame.lineno is None:
            continue
        source = (frame.line or linecache.getline(frame.filename, frame.lineno)).strip()
        return f", in line {frame.lineno} of your cell" + (f": `{source}`" if source else "")
    return ""


def arity(answer: Callable, arguments: tuple[str, ...]) -> str:
    """Return what is wrong with the number of arguments that the function takes, or nothing."""
    try:
        signature = inspect.signature(answer)
        signature.bind(*arguments)
    except ValueError:  # some builtins have no signature
        return ""
    except TypeError:
        has = len(signature.parameters)
        return (f"It is called with {len(arguments)} arguments, `({', '.join(arguments)})`, but yours takes "
                f"{has}: `{signature}`. Keep the first line as it was given.")
    return ""


def copied(args: tuple, gradients: tuple[int, ...] = ()) -> tuple:
    """Return the arguments with fresh tensors, so that a function which changes its input spoils only its own copy."""
    return tuple(a.detach().clone().requires_grad_(i in gradients) if isinstance(a, Tensor) else a
                 for i, a in enumerate(args))


def describe(arguments: tuple[str, ...], args: tuple) -> str:
    """Return how the inputs look: "x_hat (2, 784), x (2, 784), sigma 0.3"."""
    words = []
    for name, value in zip(arguments, args, strict=False):
        if isinstance(value, Tensor):
            words.append(f"{name} {tuple(value.shape)}")
        elif isinstance(value, (int, float)):
            words.append(f"{name} {value:.3g}")
    return ", ".join(words)


def count_calls(function: Callable, args: tuple) -> list[str]:
    """Return the names of torch's functions that one call uses, in order."""
    with Counter() as counter:
        function(*args)
    return counter.names


