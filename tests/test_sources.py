"""The style that CONTRIBUTING.md promises of every lesson and lab, held against their sources."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "authoring").glob("*/*.py"))


def cells(path):
    """Return (is it Markdown, its lines) for every cell of a percent script."""
    _, *parts = re.split(r"^# %%(.*)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return [("[markdown]" in head, body.rstrip().splitlines()) for head, body in pairs]


def test_there_are_sources():
    assert {path.stem for path in SOURCES} >= {"02_autoencoder", "lab02"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_cells_are_short_and_narrow(path):
    code = [lines for markdown, lines in cells(path) if not markdown]
    own = [[line for line in lines if "### " not in line] for lines in code]  # without the marks around an answer
    assert not [lines[0] for lines in own if len(lines) > 25]
    assert not [line for lines in code for line in lines if len(line) > 92]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_prose_is_plain(path):
    prose = " ".join(line for markdown, lines in cells(path) if markdown for line in lines)
    prose = re.sub(r"`[^`]*`|\$[^$]*\$", "", prose)
    assert not re.findall(r"\b(?:simply|just|obviously|trivially|of course)\b|!", prose, flags=re.IGNORECASE)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_sentence_follows_every_picture(path):
    parts = cells(path)
    for i, (markdown, lines) in enumerate(parts):
        if not markdown and re.search(r"plots\.images\(|subplots\(|plots\.curves\(", "\n".join(lines)):
            assert any(is_text for is_text, _ in parts[i + 1 : i + 4]), f"no text near the picture of: {lines[0]}"
