"""Text on consoles that lack some of its letters."""

import os
import subprocess
import sys

import pytest

from aecourse.base import console, project

TEXT = "✗ incorrect: got −1.5 × 10⁻² for σ², not ½ ± 0.1 → look at ‖x‖ ≥ 0, x̂ and θ in “a”, 한국"


@pytest.mark.parametrize(("encoding", "said"), [
    ("ascii", "x incorrect: got -1.5 x 10^-^2 for sigma^2, not 1/2 +- 0.1 -> look at ||x|| >= 0, x and theta "
              "in \"a\", ??"),
    ("cp1252", "x incorrect: got -1.5 × 10^-² for sigma², not ½ ± 0.1 -> look at ||x|| >= 0, x and theta in “a”, ??"),
    ("cp949", "x incorrect: got -1.5 × 10^-² for σ², not ½ ± 0.1 → look at ||x|| ≥ 0, x and θ in “a”, 한국"),
    ("utf-8", TEXT),
])
def test_each_letter_has_a_stand_in_where_it_is_lacking(encoding, said):
    assert TEXT.encode(encoding, console.ERRORS).decode(encoding) == said


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_path_that_the_locale_could_not_read_comes_out_as_it_came_in(encoding):
    path = "강의".encode()
    assert path.decode("ascii", "surrogateescape").encode(encoding, console.ERRORS) == path


@pytest.mark.parametrize("encoding", ["cp949", "cp1252", "ascii", "utf-8"])
@pytest.mark.parametrize("code", [
    "from aecourse.check.engine import show; "
    "show.card('incorrect', 'σ is −1', 'body ✓', 'code ≥', [['a', 'b'], ['−1', '✗']])",
    "import sys; from aecourse.commands import cli\ntry: cli.main(['--version'])\nexcept SystemExit: print('✗ −1')",
])
def test_a_card_and_a_command_are_printed_on_every_console(encoding, code):
    env = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(project.ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=env)
    assert done.returncode == 0, done.stderr
    assert "-1" in done.stdout.decode(encoding).replace("−", "-")
