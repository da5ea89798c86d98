"""The pages that `aecourse run` makes: what they carry, and what is said where they cannot be written."""

import errno
import hashlib
import re

import nbformat
import pytest

from aecourse import CourseError
from aecourse.base import project
from aecourse.commands import render


def page(*cells):
    return render._html(nbformat.v4.new_notebook(cells=list(cells)), "toy")


def test_mathjax_is_the_published_file_with_its_licence():
    digest = hashlib.sha256(render.MATHJAX.read_bytes()).hexdigest()
    assert digest == "a4354ff94fd868aea0cc6eaaa79a57fda0588646fc46ee3700a349ee0a11cbe6"  # of MathJax 3.2.2
    assert "Apache License" in render.MATHJAX.with_name("MATHJAX-LICENSE").read_text(encoding="utf-8")


def test_a_page_sets_its_formulas_and_loads_nothing():
    text = page(nbformat.v4.new_markdown_cell(r"So $\tfrac12 x^2$ and $$\underbrace{\mathbb E\big[\log p\big]}_{a}$$"))
    assert r"$\tfrac12 x^2$" in text
    assert render.MATHJAX.read_text(encoding="utf-8") in text
    assert "cdnjs.cloudflare.com/ajax/libs/mathjax" not in text
    assert not re.search(r"<(script|img)\b[^>]*\bsrc=", text)
    assert not re.search(r"<link\b[^>]*\bhref=", text)


def test_what_is_wider_than_a_phone_scrolls():
    style = re.search(r"<style>\s*\.highlight pre,.*?</style>", page(nbformat.v4.new_code_cell("x = 1")), re.DOTALL)[0]
    assert re.search(r"\.highlight pre, mjx-container, \.jp-RenderedHTMLCommon \{[^}]*overflow-x: auto", style)
    assert re.search(r"\.jp-RenderedMarkdown table \{[^}]*overflow-x: auto", style)


@pytest.fixture
def course(tmp_path):
    (tmp_path / "notebooks").mkdir()
    for name in ("01_a", "02_b"):
        cells = [nbformat.v4.new_markdown_cell("# Nothing to execute")]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / f"notebooks/{name}.ipynb")
    return tmp_path


def test_a_place_that_cannot_be_written_is_said_before_the_work(course, monkeypatch):
    (course / "rendered").write_text("a file where the folder should be", encoding="utf-8")
    monkeypatch.setattr(render, "execute", lambda *_: pytest.fail("this would have been minutes of work"))
    with pytest.raises(CourseError, match=r"rendered cannot be written \(a file lies where a folder should be"):
        render.run([], course)


def test_a_disk_that_fills_up_ends_the_run_in_one_sentence(course, monkeypatch):
    asked = []

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(render, "execute", lambda nb, folder, root, name, quick: asked.append(name))
    monkeypatch.setattr(project, "write", full)
    with pytest.raises(CourseError, match=r"01_a.html cannot be written \(the disk is full.*free some space"):
        render.run([], course)
    assert asked == ["01_a"]
