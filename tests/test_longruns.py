"""What a lesson sees of the long runs where their results are not there."""

import pytest

from aecourse import CourseError, longruns
from aecourse.base import project


def test_a_lesson_says_that_the_results_are_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(project, "ROOT", tmp_path)
    assert longruns.load() == {}
    said = capsys.readouterr().out
    assert "benchmarks/papers.json" in said
    assert "are empty" in said
    assert "git checkout -- benchmarks/papers.json" in said


def test_the_build_of_another_course_says_nothing(tmp_path, capsys):
    assert longruns.load(tmp_path) == {}
    assert capsys.readouterr().out == ""


def test_results_that_are_there_are_read_in_silence(capsys):
    assert "vae-50" in longruns.load()
    assert capsys.readouterr().out == ""


def test_a_damaged_file_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(project, "ROOT", tmp_path)
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/papers.json").write_text("{", encoding="utf-8")
    with pytest.raises(CourseError, match="take it from git again"):
        longruns.load()
