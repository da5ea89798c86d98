"""The lessons' sentences about results: true on MNIST and on the built-in digits.

A sentence whose words depend on the numbers is made from them by ``say``. Each of these cells is run here with the
numbers of a full run on MNIST, with those of a full run on the built-in digits, and with others until every wording
has been seen; and lesson 02 is run as far as its first such cell on the built-in digits. A comparison that stands in
the text has in its section a claim that is asserted on both data sets, or such a cell, or it names MNIST. No test can
judge English: only the words of ``COMPARES`` are looked for, and what a picture shows is left to its reader.
"""

import ast
import re
from types import SimpleNamespace

import numpy as np
import pytest
from test_sources import ROOT, SOURCES, cells

from aecourse import claims, data

LESSONS = {path.stem: path for path in sorted((ROOT / "authoring" / "lessons").glob("*.py"))}
COMPARES = re.compile(r"\b(?:already|beats|(?<!to )(?<!not )beat|(?<!would )(?<!not )wins?|overtakes|leads|ahead|behind"
                      r"|far above|far below|the best|the lowest|the highest|(?:better|worse) than|does better)\b")
FILTERS = ("median filter", "Gaussian filter", "total variation", "PCA", "mean of training images", "best linear map")


def filtered(gaussian, salt_and_pepper):
    """Return what lesson 04's cell finds: (PSNR, SSIM) of the six filters under both kinds of damage."""
    return {"damaged": lambda x: ["g", "sp"], "sp": "sp", "x_test": [0], "general": FILTERS[:3],
            "about_digits": FILTERS[3:],
            "found": {(name, kind): (None, *value) for kind, values in (("g", gaussian), ("sp", salt_and_pepper))
                      for name, value in zip(FILTERS, values, strict=True)}}


def spread_by(*percent):
    return {"mean": np.array(percent)}


def reconstructed(ten, one, pca, mean_image):
    return {"errors": {"ours, auto_1": ten[0], "ours, auto_2": ten[1], "ours, auto_3": one, "PCA, 10 numbers": pca,
                       "mean image": mean_image}}


def left(consistency, rival):
    return {"conv_error": {"consistency": consistency}, "rival": rival}


def judged(*in_features):
    names = ("black image", "mean image", "noise")
    return {"judged": {name: [1.0, value] for name, value in zip(names, in_features, strict=True)}}


# How a cell begins → the numbers it meets (MNIST's, those of the built-in digits, others) and what it then says.
SAID = {
    ("01_settings", "lead = mean[0]"): [
        (spread_by(78.7, 67.9, 66.2), "10.8 points ahead of the better baseline: the images without labels help."),
        (spread_by(46.4, 44.5, 43.9), "1.9 points ahead of the better baseline: the images without labels help little"),
        (spread_by(40.0, 44.5, 43.9), "4.5 points behind the better baseline")],
    ("01x_zoo", "say(f\"The nearest mean"): [
        ({"nearest_mean": 81.0, "guessing": 11.1}, "right 7.3 times as often as guessing"),
        ({"nearest_mean": 75.1, "guessing": 10.0}, "right 7.5 times as often as guessing")],
    ("02_autoencoder", "say(\"Over its first epoch"): [
        ({"summed": 39.5 * 4, "x": range(4), "error_of_mean": 52.9}, "the network already beats the machine"),
        ({"summed": 46.9 * 4, "x": range(4), "error_of_mean": 44.5}, "the network does not yet beat the machine")],
    ("03_manifolds", "deceived = "): [
        (judged(1.62, 1.42, 1.64), "all three are clearly further away than real digits"),
        (judged(1.53, 0.97, 1.44), "this may pass for a digit: mean image."),
        (judged(0.9, 0.97, 1.44), "this may pass for a digit: black image, mean image.")],
    ("04_denoising", "g, sp = damaged"): [
        (filtered([(14.2, 0.478), (15.7, 0.518), (15.9, 0.525), (17.0, 0.596), (18.3, 0.784), (17.5, 0.608)],
                  [(17.0, 0.806), (14.0, 0.467), (13.8, 0.392), (16.5, 0.533), (18.6, 0.810), (18.1, 0.636)]),
         "the median filter leads under salt and pepper, the total variation under Gaussian noise. There all three"),
        (filtered([(14.5, 0.409), (16.1, 0.528), (16.2, 0.527), (17.5, 0.632), (18.6, 0.777), (18.0, 0.638)],
                  [(17.8, 0.824), (14.4, 0.450), (14.1, 0.393), (17.2, 0.555), (18.8, 0.799), (18.8, 0.668)]),
         "the median filter leads under salt and pepper, the total variation under Gaussian noise. There all three"),
        (filtered([(14.5, 0.4), (16.3, 0.5), (16.2, 0.5), (15.0, 0.6), (18.6, 0.7), (18.0, 0.6)], [(9, 0.1)] * 6),
         "the Gaussian filter under Gaussian noise. There not all three methods")],
    ("04_denoising", "rank = "): [
        (filtered([(1, 1)] * 6, [(17.0, 0.806), (14.0, 0.467), (13.8, 0.392), (16.5, 0.533), (18.6, 0.81),
                                 (18.1, 0.636)]), "number 3 of six by PSNR and number 2 by SSIM"),
        (filtered([(1, 1)] * 6, [(17.8, 0.824), (14.4, 0.45), (14.1, 0.393), (17.2, 0.555), (18.8, 0.799),
                                 (18.81, 0.668)]), "number 3 of six by PSNR and number 1 by SSIM")],
    ("04_denoising", "*denoisers, ordinary"): [
        ({"rows": [["", 5.64, 92.5, 87.0], ["", 5.52, 91.8, 86.5], ["", 1.71, 89.0, 83.8]]},
         "2 of 2 denoisers have codes that are better for both probes, and 2 draw clean images worse"),
        ({"rows": [["", 4.75, 87.3, 74.4], ["", 4.58, 85.6, 74.1], ["", 1.41, 80.8, 69.9]]}, "2 of 2 denoisers"),
        ({"rows": [["", 1.2, 87.3, 74.4], ["", 4.58, 85.6, 60.0], ["", 1.41, 80.8, 69.9]]},
         "1 of 2 denoisers have codes that are better for both probes, and 1 draw clean images worse")],
    ("07_semi", "ten_win = "): [
        (reconstructed((25.4, 17.5), 45.4, 26.7, 52.9), "2 of our two codes of ten beat PCA with ten numbers, and our "
         "code of one beats the mean image"),
        (reconstructed((20.9, 14.2), 38.7, 22.1, 44.5), "2 of our two"),
        (reconstructed((29.0, 17.5), 60.0, 26.7, 52.9), "1 of our two codes of ten beat PCA with ten numbers, and our "
         "code of one does not beat the mean image")],
    ("07_semi", "saved = "): [
        (left(4.12, 6.87), "take away a large part: 40 %"), (left(8.675, 9.725), "take away a small part: 11 %"),
        (left(9.9, 9.0), "take away nothing: -10 %")],
}


def code_of(name):
    return ["\n".join(lines).strip() for markdown, lines in cells(LESSONS[name]) if not markdown]


def says(code):
    return re.search(r"^say\(", code, flags=re.MULTILINE) is not None


def wordings(code):
    """Return the texts between which a cell's numbers choose."""
    branches = [branch for node in ast.walk(ast.parse(code)) if isinstance(node, ast.IfExp)
                for branch in (node.body, node.orelse)]
    return {node.value.strip(" .") for branch in branches for node in ast.walk(branch)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) > 3}


def test_a_sentence_is_shown_and_can_be_found_in_a_notebook(capsys, monkeypatch):
    from IPython import display

    shown = []
    monkeypatch.setattr(display, "display", lambda data, raw: shown.append(data))
    claims.say("5 < 6, so it is below.")
    [data] = shown
    assert data["text/plain"] == data[claims.SENTENCE] == "5 < 6, so it is below."
    assert data["text/html"] == "<p>5 &lt; 6, so it is below.</p>"


@pytest.mark.parametrize(("name", "start"), SAID, ids=lambda text: text.split("_")[0])
def test_a_sentence_says_what_its_numbers_say(name, start):
    [code] = [code for code in code_of(name) if says(code) and code.startswith(start)]
    spoken = []
    for numbers, expected in SAID[name, start]:
        exec(code, {**numbers, "say": spoken.append})
        assert expected in spoken[-1]
        assert re.fullmatch(r"[A-Z0-9].*[.]", spoken[-1])
    assert {words for words in wordings(code) if words not in " ".join(spoken)} == set()


def test_every_sentence_made_from_numbers_is_tried():
    found = [(name, code) for name in LESSONS for code in code_of(name) if says(code)]
    assert [code for name, code in found if not any(name == n and code.startswith(start) for n, start in SAID)] == []
    assert len(found) == len(SAID)


@pytest.mark.parametrize("name", LESSONS)
def test_words_that_depend_on_the_numbers_do_not_stand_in_the_text_beside_them(name):
    parts = [(markdown, " ".join(lines) if markdown else "\n".join(lines)) for markdown, lines in cells(LESSONS[name])]
    for i, (markdown, code) in enumerate(parts):
        if not markdown and says(code):
            beside = " ".join(re.sub(r" # ", " ", text) for is_text, text in parts[max(0, i - 2) : i + 3] if is_text)
            assert {words for words in wordings(code) if words in beside} == set()


def sections(name):
    """Return for each stretch between headings its sentences and whether a claim or a `say` there backs them."""
    found = [SimpleNamespace(texts=[], backed=False)]
    for markdown, lines in cells(LESSONS[name])[1:]:  # the first cell is the title, with its promise and its goals
        if not markdown:
            found[-1].backed |= backed("\n".join(lines))
            continue
        stretches = re.split(r"^(?=#{2,3} )", "\n".join(line.removeprefix("#").strip() for line in lines), flags=re.M)
        found[-1].texts.append(stretches[0])
        found += [SimpleNamespace(texts=[text], backed=False) for text in stretches[1:]]
    return found


def backed(code):
    """Return whether a cell makes a sentence from numbers, or a claim that is asserted on both data sets."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    on_both = [call for call in calls if "holds_on" not in [keyword.arg for keyword in call.keywords]]
    return any(isinstance(call.func, ast.Name) and call.func.id in ("say", "claim") for call in on_both)


def unbacked(section):
    if section.backed:
        return []
    prose = " ".join(" ".join(section.texts).split())
    prose = re.sub(r"\"[^\"]*\"|`[^`]*`|\|[^|]*", "", prose)  # quoted claims, code, tables
    return [sentence for sentence in re.split(r"(?<=[.:?]) (?=[A-Z*(])", prose)
            if COMPARES.search(sentence) and "MNIST" not in sentence and not sentence.endswith("?")]


@pytest.mark.parametrize("name", LESSONS)
def test_a_comparison_in_the_text_is_backed_on_both_data_sets(name):
    assert [sentence for section in sections(name) for sentence in unbacked(section)] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_text_speaks_of_more_images_than_the_built_in_digits_have(path):
    prose = " ".join(line.removeprefix("#").strip() for markdown, lines in cells(path) if markdown for line in lines)
    n_train, n_test = data.STROKES
    for sentence in re.split(r"(?<=[.:?]) (?=[A-Z*(])", prose):
        for count, kind in re.findall(r"(\d+,\d{3}) (?:of the )?(training |test )?images", sentence):
            there = n_test if kind == "test " else n_train - n_train // 12  # the rest is for validation
            assert int(count.replace(",", "")) <= there or re.search(
                r"\b(?:at most|up to|MNIST|paper|authors|report|long run)\b", sentence), sentence


@pytest.mark.slow
def test_on_the_built_in_digits_lesson_02_says_what_its_numbers_say(monkeypatch, tmp_path):
    import nbformat

    from aecourse.execute import execute

    code, last = code_of("02_autoencoder"), next(i for i, c in enumerate(code_of("02_autoencoder")) if says(c))
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in code[: last + 1]])
    monkeypatch.setenv("AECOURSE_DATASET", "strokes")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    execute(nb, tmp_path, ROOT, "lesson 02", quick=True)
    printed = " ".join(o.text for cell in nb.cells for o in cell.outputs if o.output_type == "stream")
    [epoch, mean_image] = (float(number) for number in re.findall(r"squared error per image, .*: (\d+\.\d)", printed))
    [sentence] = [o.data[claims.SENTENCE] for o in nb.cells[-1].outputs]
    assert ("already beats" in sentence, "does not yet beat" in sentence) == (epoch < mean_image, epoch >= mean_image)
