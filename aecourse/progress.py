"""One line that is live while something runs and leaves one clean line behind."""

import sys
import time

from aecourse.base import console

WIDTH = 20  # letters of the bar


class Line:
    """A line of text, rewritten in place: in a notebook as one output, on a terminal with a carriage return.

    Elsewhere (a log file, a test) only the last text is printed, by `close`.
    """

    def __init__(self, every: float = 0.2) -> None:
        self._every = every  # seconds between two updates: drawing each step would cost more than the step
        self._start, self._last = time.monotonic(), 0.0
        self._handle = None
        self._notebook = console.in_notebook()
        self._shown = 0  # letters on the terminal's line: a shorter text must cover a longer one

    def due(self) -> bool:
        """Return whether `show` would show a text now: for a text that costs something to make."""
        return time.monotonic() - self._last >= self._every

    def show(self, text: str, share: float | None = None) -> None:
        """Show the text, where the line is `due`; ``share``, the part that is done (0 to 1), adds a bar and a time."""
        if not self.due():
            return
        self._last = time.monotonic()
        if share:
            left = (self._last - self._start) * (1 - share) / share
            bar = "#" * round(WIDTH * share)  # letters that every console has
            text = f"[{bar:.<{WIDTH}}] {text} · {duration(left)} left"
        self._write(text)

    def close(self, text: str) -> None:
        """Show the last text; it stays."""
        self._write(text)
        if not self._notebook:
            console.say("" if sys.stdout.isatty() else text)

    def _write(self, text: str) -> None:
        if not self._notebook:
            if sys.stdout.isatty():
                console.say(f"\r{text:<{self._shown}}", end="")
                self._shown = len(text)
            return
        from IPython.display import display

        # Text alone, as plain text and not as a widget: nothing but this one line is stored in the notebook.
        bundle = {"text/plain": text}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


def duration(seconds: float) -> str:
    """Return a time in words: "8 s", "3 min 20 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
