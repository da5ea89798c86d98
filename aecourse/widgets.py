"""Sliders over pictures, for a page that runs; a lesson shows one of the pictures beside, which always stays."""

import io
from collections.abc import Callable, Mapping, Sequence

import ipywidgets
import matplotlib.pyplot as plt
from matplotlib.figure import Figure


def sliders(draw: Callable[..., Figure], choices: Mapping[str, tuple[Sequence[float], float]]) -> ipywidgets.VBox:
    """Return one slider for each choice and, below them, the picture that ``draw`` makes of their values, in order.

    ``choices`` maps a slider's label to its values and the one it starts at. The sliders need a running kernel, so the
    build stores no output of them.
    """
    handles = [ipywidgets.SelectionSlider(options=[(f"{value:g}", value) for value in values], value=start,
                                          description=label, continuous_update=False)
               for label, (values, start) in choices.items()]
    picture = ipywidgets.Image(format="png")

    def show(_: object = None) -> None:
        with plt.ioff():  # the picture goes into the widget alone
            figure = draw(*(handle.value for handle in handles))
        file = io.BytesIO()
        figure.savefig(file, format="png")
        plt.close(figure)
        picture.value = file.getvalue()

    for handle in handles:
        handle.observe(show, names="value")
    show()
    return ipywidgets.VBox([*handles, picture])
