"""One line that is live while something runs and leaves one clean line behind."""

import sys
import time


class Line:
    """A line of text, rewritten in place: in a notebook as one output, on a terminal with a carriage return.

    Elsewhere (a log file, a test) only the last text is printed, by `close`.
    """

    def __init__(self, every: float = 0.2) -> None:
        self._every = every  # seconds between two updates: drawing each step would cost more than the step
        self._last = 0.0
        self._handle = None
        self._notebook = _in_notebook()

    def show(self, text: str) -> None:
        """Show the text now, unless the last one is younger than ``every`` seconds."""
        now = time.monotonic()
        if now - self._last >= self._every:
            self._last = now
            self._write(text)

    def close(self, text: str) -> None:
        """Show the last text; it stays."""
        self._write(text)
        if not self._notebook:
            print(f"\r{text}" if sys.stdout.isatty() else text, flush=True)

    def _write(self, text: str) -> None:
        if not self._notebook:
            if sys.stdout.isatty():
                print(f"\r{text}", end="", flush=True)
            return
        from IPython.display import display

        # Text alone, as plain text and not as a widget: nothing but this one line is stored in the notebook.
        bundle = {"text/plain": text}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None
