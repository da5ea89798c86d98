"""Sliders over pictures, for a page that runs; a lesson shows one of the pictures beside, which always stays."""

import io
from collections.abc import Callable, Sequence

import ipywidgets
import matplotlib.pyplot as plt
from matplotlib.figure import Figure


def slider(draw: Callable[[float], Figure], values: Sequence[float], *, label: str, start: float) -> ipywidgets.VBox:
    """Return a slider over the values and, below it, the picture that ``draw(value)`` makes.

    It needs a running kernel, so the build stores no output of it.
    """
    choose = ipywidgets.SelectionSlider(options=[(f"{value:g}", value) for value in values], value=start,
                                        description=label, continuous_update=False)
    picture = ipywidgets.Image(format="png")

    def show(_: object = None) -> None:
        with plt.ioff():  # the picture goes into the widget alone
            figure = draw(choose.value)
        file = io.BytesIO()
        figure.savefig(file, format="png")
        plt.close(figure)
        picture.value = file.getvalue()

    choose.observe(show, names="value")
    show()
    return ipywidgets.VBox([choose, picture])
