"""The lessons' sentences about results: true on MNIST and on the built-in digits.

A sentence whose words depend on the numbers is made from them by ``say``. Each of these cells is run here with numbers
like those of a full run on either data set, and with others until every wording has been seen. What a run said is then
compared with the numbers that it showed: in the stored notebooks (MNIST), and in the lessons run in a hurry on the
built-in digits as far as the first such cell. A comparison that stands in
the text has in its section, and not more than three code cells away, a claim that is asserted on both data sets, or
such a cell; or it names MNIST; or it is one of ``FACTS``. No test can judge English: only the words of ``COMPARES``
are looked for, whether a claim near by is about the same thing is not, and what a picture shows is left to its reader.
"""

import ast
import re
from types import SimpleNamespace

import numpy as np
import pytest
from test_sources import ROOT, SOURCES, cells

from aecourse import claims, data
from aecourse.base import console

LESSONS = {path.stem: path for path in sorted((ROOT / "authoring" / "lessons").glob("*.py"))}
COMPARES = re.compile(r"\b(?:already|beats|(?<!to )(?<!not )beat|(?<!would )(?<!not )wins?|overtakes|leads|ahead|behind"
                      r"|far above|far below|the best|the lowest|the highest|(?:better|worse) than|does better)\b")
NEAR = 3  # code cells between a comparison and what backs it
FACTS = ("1 is perfect, 0 is no better than", "Of all *linear* maps", "For a target above 0", "For a target below 0",
         "For a pixel $x$ the best output", "the **posterior mean**",
         "So the best $q$ is the posterior.", "We try five densities $q$",
         "So the best encoder is $q(z", "the code is noise, so the best decoder",
         "Nets as deep as this could hardly be trained then")  # definitions, mathematics, history: true in every run
FILTERS = ("median filter", "Gaussian filter", "total variation", "PCA", "weighted mean", "best linear map")


def filtered(gaussian, salt_and_pepper):
    """Return what unit 04a's cell finds: (PSNR, SSIM) of the six methods under both corruptions."""
    return {"g": "g", "sp": "sp", "general": FILTERS[:3], "about_digits": FILTERS[3:],
            "found": {(name, kind): (None, *value) for kind, values in (("g", gaussian), ("sp", salt_and_pepper))
                      for name, value in zip(FILTERS, values, strict=True)}}


def probed(*accuracies):
    """Return what unit 04c's cell finds under noise, from (mean, standard deviation): pixels, then four networks."""
    readings = {s: mean + std * np.array([[0, -1], [0, 0], [0, 1]])
                for s, (mean, std) in zip((None, 0.0, 0.25, 0.5, 1.0), accuracies, strict=True)}
    rivals = {s: v[:, 1].mean() for s, v in readings.items() if s}
    return {"readings": readings, "rivals": rivals, "top": max(rivals, key=rivals.get)}


def spread_by(*percent):
    return {"mean": np.array(percent)}


def reconstructed(ten, one, pca, mean_image):
    return {"errors": {"ours, auto_1": ten[0], "ours, auto_2": ten[1], "ours, auto_3": one, "PCA, 10 numbers": pca,
                       "mean image": mean_image}}


def left(consistency, baseline):
    return {"conv_error": {"consistency": consistency}, "error_baseline": baseline}


def judged(*in_features):
    names = ("black image", "mean image", "noise")
    return {"judged": {name: [1.0, value] for name, value in zip(names, in_features, strict=True)}}


def four(*errors):
    names = (("default", "default"), ("default", "mean"), ("He", "default"), ("He", "mean"))
    return {"after": dict(zip(names, errors, strict=True))}


# How a cell begins → numbers (like MNIST's, like those of the built-in digits, others) and what it then says.
SAID = {
    ("01_settings", "lead = mean[0]"): [
        (spread_by(78.7, 67.9, 66.2), "10.8 points ahead of the better baseline: the images without labels help."),
        (spread_by(46.4, 44.5, 43.9), "1.9 points ahead of the better baseline: the images without labels help little"),
        (spread_by(40.0, 44.5, 43.9), "4.5 points behind the better baseline")],
    ("03b_depth", "fallen = "): [
        (four(39.2, 23.8, 16.6, 12.9), "by 15, and both together by 26. The error with PyTorch's default is 3.0"),
        (four(33.7, 19.0, 12.7, 11.0), "by 15, and both together by 23. The error with PyTorch's default is 3.1")],
    ("03c_interpolation", "fooled = "): [
        (judged(1.62, 1.42, 1.64), "all three are clearly farther away than real digits"),
        (judged(1.53, 0.97, 1.44), "the measure is fooled by: mean image."),
        (judged(0.9, 0.97, 1.44), "the measure is fooled by: black image, mean image.")],
    ("04a_compare", "general = ("): [
        (filtered([(14.2, 0.478), (15.7, 0.518), (15.9, 0.525), (17.0, 0.596), (18.3, 0.784), (17.5, 0.608)],
                  [(17.0, 0.806), (14.0, 0.467), (13.8, 0.392), (16.5, 0.533), (18.6, 0.810), (18.1, 0.636)]),
         "the median filter leads under salt and pepper, total variation under Gaussian noise. There, all three"),
        (filtered([(14.5, 0.409), (16.1, 0.528), (16.2, 0.527), (17.5, 0.632), (18.6, 0.777), (18.0, 0.638)],
                  [(17.8, 0.824), (14.4, 0.450), (14.1, 0.393), (17.2, 0.555), (18.8, 0.799), (18.8, 0.668)]),
         "the median filter leads under salt and pepper, total variation under Gaussian noise. There, all three"),
        (filtered([(14.5, 0.4), (16.3, 0.5), (16.2, 0.5), (15.0, 0.6), (18.6, 0.7), (18.0, 0.6)], [(9, 0.1)] * 6),
         "the Gaussian filter under Gaussian noise. There, not all three methods")],
    ("04a_compare", "rank = "): [
        (filtered([(1, 1)] * 6, [(17.0, 0.806), (14.0, 0.467), (13.8, 0.392), (16.5, 0.533), (18.6, 0.81),
                                 (18.1, 0.636)]), "number 3 of six by PSNR and number 2 by SSIM"),
        (filtered([(1, 1)] * 6, [(17.8, 0.824), (14.4, 0.45), (14.1, 0.393), (17.2, 0.555), (18.8, 0.799),
                                 (18.81, 0.668)]), "number 3 of six by PSNR and number 1 by SSIM")],
    ("04c_features", "ordinary_noisy = "): [
        (probed((76.6, 1.0), (63.3, 1.0), (75.7, 1.0), (78.8, 0.4), (75.8, 1.0)),
         "clearly better than raw pixels. Of the 15.5 points that they gain over the ordinary codes, raw pixels gain "
         "13.3 as well."),
        (probed((72.7, 1.0), (60.7, 1.0), (71.0, 1.0), (73.6, 1.3), (69.0, 1.0)),
         "not clearly better than raw pixels. Of the 12.9 points that they gain over the ordinary codes, raw pixels "
         "gain 12.0 as well.")],
    ("04c_features", "denoiser, ordinary = "): [
        ({"results": [["", 5.64, 92.5, 87.0], ["", 1.71, 89.0, 83.8]]},
         "both probes read the class better from the denoiser's code, and its reconstructions are worse."),
        ({"results": [["", 4.75, 87.3, 74.4], ["", 1.41, 80.8, 69.9]]}, "read the class better from"),
        ({"results": [["", 1.2, 87.3, 60.0], ["", 1.41, 80.8, 69.9]]},
         "both probes read the class no better from the denoiser's code, and its reconstructions are no worse.")],
    ("07ca_logs", "ten_win = "): [
        (reconstructed((25.4, 17.5), 45.4, 26.7, 52.9),
         "beaten by 2 of our two autoencoders with a 10-dimensional code. The mean image is beaten by our autoencoder "
         "with a 1-dimensional code."),
        (reconstructed((20.9, 14.2), 38.7, 22.1, 44.5), "beaten by 2 of our two"),
        (reconstructed((29.0, 17.5), 60.0, 26.7, 52.9),
         "beaten by 1 of our two autoencoders with a 10-dimensional code. The mean image is not beaten by our "
         "autoencoder with a 1-dimensional code.")],
    ("07b_today", "saved = "): [
        (left(4.12, 6.87), "take away a large part: 40 %"), (left(8.675, 9.725), "take away a small part: 11 %"),
        (left(9.9, 9.0), "the images without a label add errors: 10 %."),
        (left(9.0, 9.0), "the images without a label add errors: 0 %.")],
}


def numbers(text):
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]


def shown_filters(shown):
    return filtered(*([shown.rows[name][i : i + 2] for name in FILTERS] for i in (1, 4)))


# How a cell begins → the numbers it met, read from what the cells before it have shown (see `read`).
SHOWN = {
    ("01_settings", "lead = mean[0]"): lambda shown: spread_by(
        *numbers(re.search(r"label spreading .* %, linear .* %", shown.printed)[0])),
    ("03b_depth", "fallen = "): lambda shown: four(*shown.rows["weights default"], *shown.rows["weights He"]),
    ("03c_interpolation", "fooled = "): lambda shown: judged(
        *(shown.rows[name][1] for name in ("black image", "mean image", "noise"))),
    ("04a_compare", "general = ("): shown_filters,
    ("04a_compare", "rank = "): shown_filters,
    ("04c_features", "ordinary_noisy = "): lambda shown: probed(*(
        shown.rows[name][2:4]
        for name in ("raw pixels", "ordinary codes (σ = 0)",
                     *(f"codes, trained with σ = {s}" for s in ("0.25", "0.5", "1"))))),
    ("04c_features", "denoiser, ordinary = "): lambda shown: {
        "results": [["", *shown.rows[name]] for name in ("denoiser, σ = 0.5", "ordinary")]},
    ("07ca_logs", "ten_win = "): lambda shown: reconstructed(
        [shown.rows[name][0] for name in ("auto_1", "auto_2")],
        *(shown.rows[name][0] for name in ("auto_3", "PCA, 10 numbers", "mean image"))),
    ("07b_today", "saved = "): lambda shown: left(
        *(shown.rows[name][0] for name in ("consistency", "supervised baseline"))),
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
    monkeypatch.setattr(console, "in_notebook", lambda: True)
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
    """Return for each stretch between headings its texts, each with the number of code cells before it, and the
    numbers of the code cells there that back a comparison."""
    found, place = [SimpleNamespace(texts=[], backing=[])], 0
    for markdown, lines in cells(LESSONS[name])[1:]:  # the first cell is the title, with its promise and its goals
        if not markdown:
            place += 1
            found[-1].backing += [place] * backs("\n".join(lines))
            continue
        stretches = re.split(r"^(?=#{2,3} )", "\n".join(line.removeprefix("#").strip() for line in lines), flags=re.M)
        found[-1].texts.append((place, stretches[0]))
        found += [SimpleNamespace(texts=[(place, text)], backing=[]) for text in stretches[1:]]
    return found


def backs(code):
    """Return whether a cell makes a sentence from numbers, or a claim that is asserted on both data sets."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    on_both = [call for call in calls if "holds_on" not in [keyword.arg for keyword in call.keywords]]
    return any(isinstance(call.func, ast.Name) and call.func.id in ("say", "claim") for call in on_both)


def unbacked(section):
    found = []
    for place, text in section.texts:
        if any(place - NEAR < cell <= place + NEAR for cell in section.backing):
            continue
        prose = re.sub(r"\"[^\"]*\"|`[^`]*`|\|[^|]*", "", " ".join(text.split()))  # quoted claims, code, tables
        found += [sentence for sentence in re.split(r"(?<=[.:?]) (?=[A-Z*(])", prose)
                  if COMPARES.search(sentence) and "MNIST" not in sentence and not sentence.endswith("?")
                  and not any(fact in sentence for fact in FACTS)]
    return found


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


def read(nb):
    """Yield each cell of a run that says a sentence: code, sentence, and what was shown before it (rows of tables by
    their first column, claims by name, printed text)."""
    shown = SimpleNamespace(rows={}, claims={}, printed="")
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            bundle = output.get("data", {})
            if claims.SENTENCE in bundle:
                yield cell.source, bundle[claims.SENTENCE], shown
            if claims.MIMETYPE in bundle:
                shown.claims[bundle[claims.MIMETYPE]["name"]] = bundle[claims.MIMETYPE]
            shown.printed += output.get("text", "")
            for first, *rest in (line.split(" | ") for line in bundle.get("text/plain", "").splitlines()):
                shown.rows[first] = [sum(numbers(cell)) for cell in rest]  # a dash is 0


def says_what_it_shows(name, nb):
    """Assert that each sentence of a run is what its cell says about the numbers that the run shows, but for their
    rounding; return how many sentences there are."""
    count = 0
    for code, sentence, shown in read(nb):
        [found] = [found for (n, start), found in SHOWN.items() if n == name and code.startswith(start)]
        spoken = []
        exec(code, {**found(shown), "say": spoken.append})
        assert re.sub(r"[\d.]+", "", sentence) == re.sub(r"[\d.]+", "", spoken[-1])
        assert numbers(sentence) == pytest.approx(numbers(spoken[-1]), rel=0.03, abs=0.15)
        count += 1
    return count


@pytest.mark.parametrize("name", sorted({name for name, _ in SHOWN}))
def test_the_stored_sentences_agree_with_the_stored_numbers(name):
    import nbformat

    nb = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    assert says_what_it_shows(name, nb) == sum(says(code) for code in code_of(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({name for name, _ in SHOWN}))
def test_on_the_built_in_digits_a_lesson_says_what_its_numbers_say(name, monkeypatch, tmp_path):
    import nbformat

    from aecourse.commands.execute import execute

    code = code_of(name)
    first = next(i for i, c in enumerate(code) if says(c))
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in code[: first + 1]])
    monkeypatch.setenv("AECOURSE_DATASET", "strokes")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    execute(nb, tmp_path, ROOT, name, quick=True)
    assert says_what_it_shows(name, nb) == 1
