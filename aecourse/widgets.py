"""Sliders over a picture, for a page that runs; the picture is an output of its own, which a notebook keeps."""

import io
from collections.abc import Callable, Mapping, Sequence

import ipywidgets
import matplotlib.pyplot as plt
from IPython.display import Image, display
from matplotlib.figure import Figure

from aecourse.base import console

SHARP = 2  # pixels of the picture for each pixel of the page: a good screen has twice as many
AGAIN = "The sliders work in a page that runs: run this cell again to move them."


def sliders(draw: Callable[..., Figure], choices: Mapping[str, tuple[Sequence[float], float]]) -> None:
    """Show one slider for each choice and, below them, the picture that ``draw`` makes of their values, in order.

    ``choices`` maps a slider's label to its values and the one it starts at. The sliders need a running kernel; what is
    stored is the picture, as it was shown last.
    """
    handles = [ipywidgets.SelectionSlider(options=[(f"{value:g}", value) for value in values], value=start,
                                          description=label, continuous_update=False)
               for label, (values, start) in choices.items()]

    def picture() -> Image:
        figure = draw(*(handle.value for handle in handles))
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=SHARP * figure.dpi)
        plt.close(figure)  # else the notebook shows it once more
        return Image(file.getvalue(), format="png", width=round(figure.get_size_inches()[0] * figure.dpi))

    bundle = ipywidgets.VBox(handles)._repr_mimebundle_()
    display({console.WIDGET: bundle[console.WIDGET], "text/plain": AGAIN}, raw=True)
    shown = display(picture(), display_id=True)
    for handle in handles:
        handle.observe(lambda _: shown.update(picture()), names="value")
