"""Diagrams: what is drawn and written, without a look at the picture itself."""

import numpy as np
import pytest

from aecourse import diagrams, plots


def texts(axis):
    return [text.get_text() for text in axis.texts]


def test_layers_are_named_and_their_widths_written():
    axis = diagrams.layers([784, 32, 784], {0: "image", 1: "code"}, {"encoder": (0, 1), "decoder": (1, 2)})
    assert [text for text in texts(axis) if text] == ["encoder", "decoder", "784", "image", "32", "code", "784"]
    bars = [patch for patch in axis.patches if hasattr(patch, "get_boxstyle")]
    heights = [bar.get_height() for bar in bars]
    assert heights[1] < heights[0] == heights[2]


def test_layers_are_drawn_where_they_are_told():
    axis = diagrams.layers([4, 2], {}, {"encoder": (0, 1)})
    assert diagrams.layers([4, 2], {}, {"encoder": (0, 1)}, axis=axis) is axis


def test_a_flow_has_its_boxes_and_an_arrow_for_each_pair():
    axis = diagrams.flow({"x": (0, 0, "image", plots.SKY), "z": (1, 0, "code"), "n": (1, 1, "noise")},
                         {("x", "z"): "encoder", ("n", "z"): ""})
    axis.figure.canvas.draw()
    assert [text for text in texts(axis) if text] == ["image", "code", "noise", "encoder"]
    assert sum(getattr(text, "arrow_patch", None) is not None for text in axis.texts) == 2


def test_an_arrow_needs_both_its_boxes():
    with pytest.raises(KeyError, match="z"):
        diagrams.flow({"x": (0, 0, "image")}, {("x", "z"): ""})


def test_chains_name_their_rows_and_have_an_arrow_between_neighbours():
    axis = diagrams.chains({"one": ["images", "network", "label"], "two": ["images", "groups"]})
    axis.figure.canvas.draw()
    assert [text for text in texts(axis) if text] == [
        "images", "network", "label", "images", "groups", "one", "two"]
    assert sum(getattr(text, "arrow_patch", None) is not None for text in axis.texts) == 3
def test_the_points_near_a_curve_are_nearer_to_it_than_to_any_line():
    linear, nonlinear = diagrams.line_and_curve().axes

    def error(axis):
        return sum(np.ptp(line.get_xydata(), axis=0) @ np.ptp(line.get_xydata(), axis=0)
                   for line in axis.lines if len(line.get_xydata()) == 2 and line.get_linewidth() == 1)

    assert error(nonlinear) < error(linear) / 5


def test_a_filter_moves_by_two_pixels_and_its_output_by_one():
    for axis in diagrams.strides().axes:
        at = {width: [p.get_x() for p in axis.patches if p.get_width() == width] for width in (4, 1)}
        assert np.diff(at[4]).tolist() == [2]
        assert np.diff(at[1]).tolist() == [1]


def test_two_planes_are_as_far_apart_as_is_written():
    axis = diagrams.two_planes(30)
    assert "30°" in texts(axis)


def test_the_gap_of_jensen_is_between_the_mean_of_the_logarithms_and_the_logarithm_of_the_mean():
    axis = diagrams.jensen(1.0, 9.0)
    drawn = {line.get_label(): line.get_ydata() for line in axis.lines}
    assert drawn["gap"][0] == drawn["mean of the logs"][0] == pytest.approx(np.log(3))
    assert drawn["gap"][1] == drawn["log of the mean"][0] == pytest.approx(np.log(5))


def test_the_straight_way_leaves_the_shell_and_slerp_stays_on_it():
    axis = diagrams.shell()
    ways = {line.get_label(): np.hypot(*line.get_data()) for line in axis.lines}
    assert ways["on the sphere (slerp)"] == pytest.approx(1)
    middles = [np.hypot(*line.get_data())[0] for line in axis.lines if line.get_marker() == "D"]
    assert middles[0] < 0.6 < middles[1]
