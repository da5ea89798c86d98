import subprocess
import sys

import numpy as np
import pytest

from aecourse import CourseError, claims


def test_a_claim_that_holds_and_one_that_does_not(capsys):
    claim = claims.Claims("02", "mnist")
    claim("a", "the error is small", 4.2, at_most=5, paper="3.0")
    assert "✓ the error is small: 4.2" in capsys.readouterr().out
    claim.checkpoint()
    claim("b", "the accuracy is high", 0.3, at_least=0.9)
    claim("c", "a count", 7, near=9, within=1)
    with pytest.raises(AssertionError, match=r"b: 0.3, expected at least 0.9; c: 7, expected 9 ± 1"):
        claim.checkpoint()


def test_a_claim_made_again_replaces_the_first():
    claim = claims.Claims("02", "mnist")
    claim("a", "the error is small", 9, at_most=5)
    claim("a", "the error is small", 4, at_most=5)
    claim.checkpoint()


@pytest.mark.parametrize(("data", "quick"), [("fashion", "0"), ("mnist", "1"), ("mnist", " Yes")])
def test_elsewhere_or_in_a_hurry_a_claim_is_shown_and_not_asserted(monkeypatch, capsys, data, quick):
    monkeypatch.setenv("AECOURSE_QUICK", quick)
    claim = claims.Claims("02", data)
    claim("a", "the error is small", 9, at_most=5)
    claim.checkpoint()
    out = capsys.readouterr().out
    assert "not asserted here" in out
    assert "0 claims hold" in out


def test_a_hurry_that_is_neither_yes_nor_no_is_refused(monkeypatch):
    monkeypatch.setenv("AECOURSE_QUICK", "maybe")
    with pytest.raises(CourseError, match="AECOURSE_QUICK is 'maybe'"):
        claims.Claims("02", "mnist")


def test_a_claim_without_a_bound_is_refused():
    with pytest.raises(ValueError, match="needs at_most"):
        claims.Claims("02", "mnist")("a", "says nothing", 1.0)


def test_nan_never_holds():
    claim = claims.Claims("02", "mnist")
    claim("a", "not a number", float("nan"), at_most=5)
    with pytest.raises(AssertionError):
        claim.checkpoint()


@pytest.mark.parametrize(("guess", "found", "verdict"), [
    (None, 3.0, "no prediction"), (3.1, 3.0, "close"), (30, 3.0, "10.0 times off"), ("Yes ", "yes", "right"),
    ("no", "yes", "not this time"), ("three", 3.0, "not a number"), (0, 3.0, "far off"), (0, 0, "close")])
def test_predictions_are_scored_and_nothing_raises(guess, found, verdict, capsys):
    claims.score([("How many?", guess, found)])
    assert verdict in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "found", "said"), [
    (None, 5.342, "→ Try it. Which `error`?"), (..., "pca", "→ Try it. Which `error`?"), (5.3, 5.342, "✓ Right."),
    (5, 5.342, "✓ Right."), (5.38, 5.342, "✓ Right."), (5.4, 5.342, "✗ Not yet. You typed 5.4. Look left."),
    (29, 29, "✓ Right."), (29.0, 29, "✓ Right."), (28.9, 29, "✗ Not yet."), (3, np.int64(3), "✓ Right."),
    (" PCA", "pca", "✓ Right."), ("ae", "pca", "✗ Not yet. You typed 'ae'."), ("three", 3, "✗ Not yet."),
    (2e-06, 1.2e-6, "✗ Not yet."), (1.2e-6, 1.18e-6, "✓ Right."), (100, 104, "✗ Not yet."), (1e2, 100.4, "✓ Right."),
    ("1_0", 10, "✓ Right."), (float("inf"), 3.0, "✗ Not yet."), (float("nan"), 3.0, "✗ Not yet."),
    (True, 1.0, "✗ Not yet."), (1.0, float("nan"), "✗ Not yet."), (0.0, 0.0, "✓ Right. It is 0.")])
def test_what_was_tried_is_compared_and_nothing_raises(answer, found, said, capsys):
    claims.try_it("Which `error`?", answer, found, hint="Look left.")
    assert capsys.readouterr().out.startswith(said)


def test_an_answer_without_the_change_is_not_compared(capsys):
    claims.try_it("Set k = 3.", 5.3, 5.3, changed=False)
    assert "✓" not in (said := capsys.readouterr().out)
    assert said.startswith("→ Not changed yet. Set k = 3.")
    claims.try_it("Set k = 3.", 5.3, 5.3, changed=True, says="A third of it is left.")
    assert capsys.readouterr().out.startswith("✓ Right. A third of it is left.")


def test_a_claim_is_stored_as_a_record_in_a_notebook():
    pytest.importorskip("nbclient")
    import nbformat
    from nbclient import NotebookClient

    code = "from aecourse.claims import Claims\nClaims('02', 'mnist')('a', 'small', 4.25, 'nats', at_most=5)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
    (output,) = notebook.cells[0].outputs
    record = output.data[claims.MIMETYPE]
    assert (record["value"], record["unit"], record["held"], record["data"]) == (4.25, "nats", True, "mnist")
    assert "✓ small: 4.25 nats" in output.data["text/plain"]


def test_claims_need_no_notebook():
    code = ("import sys; sys.modules['IPython'] = None\nfrom aecourse.claims import Claims\n"
            "Claims('02', 'mnist')('a', 'small', 4, at_most=5)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8")
    assert "small: 4" in done.stdout, done.stderr


def test_a_table_rounds_the_numbers_of_numpy_too(capsys):
    claims.table(["a", "b", "c", "d"], [[np.float32(85.729996), np.float64(0.12345), np.int64(7), None]])
    assert "85.7 | 0.123 | 7 | –" in capsys.readouterr().out
