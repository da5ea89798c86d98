"""What the build counts in a unit, and which limits it holds it to."""

import dataclasses

import pytest

pytestmark = pytest.mark.dev
units = pytest.importorskip("aecourse.authoring.units")
nbformat = pytest.importorskip("nbformat")

HEAD = "# 09 · A unit\n\n**Time:** {minutes} minutes.\n\n## 1 · One\n\nTwo words, $a + b$, [a link](to/page.ipynb)."
CODE = "prediction_x = None\n\nfor i in range(3):\n    print(i)"
PICTURE = "plots.images({})\ntable([], [])"
CLAIM = "a = 2\nclaim('two', 'It is two', a, at_most=2)"
END = "## 2 · Glossary\n\nmany words here\n\n## 3 · What to keep\n\nEnd.\n\n### Papers\n- A. Author (1999). *A title.*"


def notebook(*cells):
    v4 = nbformat.v4
    return v4.new_notebook(cells=[v4.new_markdown_cell(c) if "#" in c else v4.new_code_cell(c) for c in cells])


def test_words_lines_pictures_and_things_to_do_are_counted():
    counts = units.count(notebook(HEAD, CODE, PICTURE, CLAIM, "try_it('Which?', None, 3)", END))
    assert counts.lines == (3, 2, 1)
    assert (counts.pictures, counts.to_do, counts.idle) == (2, 2, ())
    read = "09 A unit, Time minutes minutes, 1 One, Two words formula, a link, 3 What to keep, End"
    assert counts.words == read.count(" ") + 1
    assert counts.minutes == round(counts.words / 130 + 6 / 8 + 2 + 2 * 2)


def test_a_section_with_code_and_nothing_to_do_is_named():
    counts = units.count(notebook(HEAD, CODE, "## 2 · Two", "print(1)", "## 3 · Checkpoint", "print(2)"))
    assert counts.idle == ("2 · Two",)
    assert "there is nothing to do in the section '2 · Two'" in units.over("09_unit", counts, 1)[-1]


def test_minutes_stand_in_the_head_and_claims_are_folded():
    nb = notebook(HEAD, CODE, CLAIM, "claim.checkpoint()")
    units.prepare(nb)
    assert f"**Time:** {units.count(nb).minutes} minutes." in nb.cells[0].source
    assert [cell.metadata.get("jupyter") for cell in nb.cells[1:]] == [
        None, {"source_hidden": True}, {"source_hidden": True}]


GOOD = units.Counts(words=2000, lines=(6,) * 10, pictures=3, to_do=3, idle=())


@pytest.mark.parametrize(("change", "seconds", "said"), [
    ({}, 60, None), ({"words": 2001}, 60, "2001 words of prose, at most 2000"),
    ({"lines": (1,) * 31}, 60, "31 code cells, at most 30"), ({"lines": (7, 7)}, 60, "7 lines in the middle"),
    ({"lines": (1, 1, 21)}, 60, "21 lines in its longest"), ({"to_do": 2}, 60, "2 things to do, at least 3"),
    ({"pictures": 40}, 60, "at most 45 are allowed"), ({}, 61, "61 seconds, at most 60")])
def test_each_limit_is_held(change, seconds, said):
    lines = units.over("02_unit", dataclasses.replace(GOOD, **change), seconds)
    assert len(lines) == (said is not None)
    assert said is None or said in lines[0]


def test_some_lessons_may_take_longer_and_all_are_shown():
    assert units.over("06b_unit", GOOD, 120) == []
    assert len(units.over("06b_unit", GOOD, 121)) == 1
    shown = units.table({"02_unit": (GOOD, 50), "07_semi": (GOOD, 90)}).splitlines()
    assert shown[0].split() == ["unit", "words", "cells", "median", "longest", "to", "do", "minutes", "seconds"]
    assert shown[2].split() == ["02_unit", "2000", "10", "6", "6", "3", str(GOOD.minutes), "50"]
    assert shown[3].split()[0] == "07_semi"
