"""The report of a lab: what stands in it, what it says is missing, and which file it may replace."""

import re

import matplotlib.pyplot as plt
import pytest

from aecourse import CourseError, report, sittings
from aecourse.base import project
from aecourse.report import Answer, Picture, Table, write_report

STUB = "\n...  # YOUR CODE HERE\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(here, name="report.html", **changes):
    """Write a small report and return its body, without the picture's bytes."""
    figure, axis = plt.subplots(figsize=(2, 1))
    axis.plot([1, 2])
    given = {"author": "Ann", "data": "strokes", "sections": [
        ("Results", ["In words.", Table(["model", "accuracy"], [["a | b", 91.234], ["c", None], ["d", 7]])]),
        ("Curves", Picture(figure, "They fall.")),
        ("Answers", [Answer("question 1", "Why?", "Because of **this**, and $x^2$."),
                     Answer("question 2", "What for?", "It helps.")])]}
    write_report(name, "Lab 99", **given | changes)
    plt.close(figure)
    text = (here / name).read_text(encoding="utf-8")
    return re.sub(r"base64,[^\"]*", "base64", text[text.index("<body"):])


def test_all_is_in_it(here, capsys):
    page = written(here)
    assert capsys.readouterr().out == "The report is report.html.\nIt is complete.\n"
    for piece in ("Lab 99", "Ann · 20", "data set: strokes", "Python 3.", "torch 2.", "Complete.", "In words.",
                  "<td>a | b</td>", "<td>91.2</td>", "<td>–</td>", "<td>7</td>", "Why?",
                  "Because of <strong>this</strong>, and $x^2$."):
        assert piece in page
    assert page.count("data:image/png;base64") == 1
    assert 'alt="They fall."' in page
    assert "not answered" not in page


@pytest.mark.parametrize("nothing", [None, "", "  \n", STUB, f"\n### BEGIN SOLUTION{STUB}### END SOLUTION\n", ..., 3])
def test_it_says_what_is_missing(here, capsys, nothing):
    page = written(here, author="", missing=["`own_1` does not run yet"], sections=[
        ("Answers", [Answer("question 1", "Why?", "So."), Answer("question 2", "What for?", nothing)])])
    assert capsys.readouterr().out.endswith(
        "It is not complete: 2 things are missing.\n- `own_1` does not run yet\n- question 2 is not answered yet\n")
    for piece in ("Not complete yet.", "<code>own_1</code> does not run yet", "<li>question 2 is not answered yet</li>",
                  "Question 2 is not answered yet.", "No name given"):
        assert piece in page
    assert "YOUR CODE HERE" not in page
    assert "question 1 is not" not in page


def test_the_marks_around_an_answer_are_not_part_of_it(here):
    text = "\n### BEGIN SOLUTION\nFirst.\n\nSecond.\n### END SOLUTION\n"
    page = written(here, sections=[("Answers", Answer("question 1", "Why?", text))])
    assert "<p>First.</p>\n<p>Second.</p>" in page
    assert "SOLUTION" not in page


def test_nothing_that_was_typed_runs_in_the_page(here):
    evil = "<script>alert(1)</script> a < b <img src=x onerror=alert(2)> [l](javascript:alert(3)) ![p](http://x.y/p)"
    page = written(here, author=evil, sections=[
        ("Answers", Answer("question 1", "Why?", evil)), ("Results", Table(["model"], [[evil]]))])
    assert "<script" not in page
    assert "<img" not in page
    assert "href=\"javascript" not in page
    assert page.count("&lt;script&gt;alert(1)") == 3
    assert "a &lt; b" in page


def test_it_replaces_its_own_page_and_nothing_else(here, capsys):
    written(here)
    written(here, author="Ben")
    assert [path.name for path in here.iterdir()] == ["report.html"]
    assert "Ben" in (here / "report.html").read_text(encoding="utf-8")
    (here / "notes.html").write_text("my own notes", encoding="utf-8")
    (here / "notes_2.html").mkdir()
    write_report("notes.html", "Lab 99", author="", data="mnist", sections=[])
    assert "The report is notes_3.html." in capsys.readouterr().out
    assert (here / "notes.html").read_text(encoding="utf-8") == "my own notes"
    assert (here / "notes_3.html").is_file()


@pytest.mark.parametrize("room", ["", "notebooks", "exercises/lab07", "solutions/lab07"])
def test_the_courses_own_folders_stay_as_they_are(tmp_path, monkeypatch, capsys, room):
    course, elsewhere = tmp_path / "course", tmp_path / "temporary"
    (course / room).mkdir(parents=True)
    elsewhere.mkdir()
    monkeypatch.setattr(sittings, "ROOT", course)
    monkeypatch.setattr(sittings, "_temporary", lambda: elsewhere)
    monkeypatch.chdir(course / room)
    write_report("report.html", "Lab 99", author="", data="mnist", sections=[])
    assert (elsewhere / "report.html").is_file()
    assert not list(course.rglob("*.html"))
    assert "in a temporary folder" in capsys.readouterr().out


def test_a_learners_folder_is_written_to(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.setattr(sittings, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path / "work")
    write_report("report.html", "Lab 99", author="", data="mnist", sections=[])
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["report.html"]


def test_a_folder_that_cannot_be_written_to_is_named(here, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report, "write", full)
    with pytest.raises(CourseError, match="No space left on device"):
        write_report("report.html", "Lab 99", author="", data="mnist", sections=[])
    assert project.ROOT == sittings.ROOT


def test_a_table_has_its_caption_and_a_picture_too_and_the_page_can_be_printed(here):
    page = written(here, sections=[("Results", Table(["a"], [[1]], "Accuracy in %"))])
    assert "<strong>Accuracy in %</strong>" in page
    whole = (here / "report.html").read_text(encoding="utf-8")
    assert "@media print" in whole
    assert whole.index("@media print") < whole.index("</head>")
