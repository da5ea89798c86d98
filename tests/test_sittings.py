"""What one sitting of a lab leaves for the next."""

import pytest
import torch

from aecourse import CourseError, sittings


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_kept_comes_back(here, capsys):
    values = {"choices": [torch.arange(3)], "results": {"a": torch.ones(2, 1)}, "text": "why", "none": None, "n": 0.5}
    sittings.keep("first", **values)
    assert capsys.readouterr().out.startswith("Kept in first.pt, ")
    back = sittings.kept("first", "Sitting A")
    assert back.keys() == values.keys()
    assert torch.equal(back["choices"][0], values["choices"][0])
    assert (back["text"], back["none"], back["n"]) == ("why", None, 0.5)
    assert [path.name for path in here.iterdir()] == ["first.pt"]


def test_a_missing_file_says_which_sitting_writes_it(here):
    with pytest.raises(CourseError, match=r"first\.pt is not in this folder\. Sitting A writes it"):
        sittings.kept("first", "Sitting A")


def test_a_file_that_is_something_else_is_not_executed(here):
    class Evil:
        def __reduce__(self):
            return open, ("made", "w")

    (here / "first.pt").write_bytes(b"no tensors")
    with pytest.raises(CourseError, match="cannot be read"):
        sittings.kept("first", "Sitting A")
    torch.save({"a": Evil()}, here / "first.pt")
    with pytest.raises(CourseError, match="cannot be read"):
        sittings.kept("first", "Sitting A")
    assert not (here / "made").exists()


def test_the_courses_own_folders_stay_as_they_are(here, monkeypatch):
    monkeypatch.setattr(sittings, "ROOT", here)
    sittings.keep("first", n=1)
    assert sittings.kept("first", "Sitting A") == {"n": 1}
    assert not list(here.iterdir())
