"""The long runs of benchmarks/papers.py: stopped and gone on with, stored, and shown in RESULTS.md."""

import dataclasses
import json
import math
import shutil

import nbformat
import pytest
import torch

from aecourse import CourseError, data, longruns, losses, strokes
from aecourse.authoring import results
from aecourse.base import project
from aecourse.models import VAE, Autoencoder
from aecourse.train import seeded


@pytest.fixture(scope="module")
def digits():
    drawn = strokes.draw(600, 0)
    images, labels = torch.from_numpy(drawn.images), torch.from_numpy(drawn.labels)
    return data.Digits("strokes", images[:500], labels[:500], images[500:], labels[500:])


@pytest.fixture
def papers(monkeypatch, tmp_path):
    """The module, with its checkpoints and its results in a folder of the test."""
    monkeypatch.syspath_prepend(project.ROOT / "benchmarks")
    import papers

    monkeypatch.setattr(papers, "STORE", tmp_path / "store")
    monkeypatch.setattr(papers, "RESULTS", tmp_path / "benchmarks" / "papers.json")
    monkeypatch.setattr(papers.semi, "CACHE", tmp_path / "m1.pt")
    return papers


def tiny(_, seed):
    with seeded(seed):
        net = Autoencoder([784, 12, 4])
        net.encoder.insert(0, torch.nn.Dropout(0.1))  # draws from the global random state
    return net


@pytest.fixture
def toy(papers):
    return dataclasses.replace(papers.AUTOENCODER_30, name="toy", network=tiny, epochs=4, batch=100, seeds=(0, 1))


def _stop_in(run, call):
    """Return the run with a Ctrl-C in the given call of its loss."""
    calls = 0

    def loss(model, x, step):
        nonlocal calls
        calls += 1
        if calls == call:
            raise KeyboardInterrupt
        return run.loss(model, x, step)

    return dataclasses.replace(run, loss=loss)


# ---- training -------------------------------------------------------------------------------------------------------


def test_an_interrupted_run_ends_with_the_numbers_of_the_uninterrupted_one(papers, toy, digits, capsys):
    whole, done, _ = papers.train(toy, 1, digits)
    assert done == 4
    [path] = papers.STORE.iterdir()
    path.unlink()
    _, done, _ = papers.train(_stop_in(toy, 13), 1, digits)  # five steps an epoch: in the third one
    assert done == 2
    assert "2 of 4 epochs are stored" in capsys.readouterr().out
    resumed, done, _ = papers.train(toy, 1, digits)
    assert done == 4
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, rtol=0, atol=0)
    assert not torch.equal(whole.encoder[1].weight, tiny(None, 1).encoder[1].weight)


def test_time_ends_a_session_and_the_schedule_spans_the_whole_run(papers, toy, digits, monkeypatch, capsys):
    clock = iter(range(100))
    with monkeypatch.context() as patch:
        patch.setattr(papers.time, "monotonic", lambda: next(clock))
        assert papers.do(toy, digits, minutes=0.04) is None  # 2.4 ticks of the clock: it is read before each epoch
    assert "The same command goes on with it" in capsys.readouterr().out
    assert not papers.RESULTS.exists()
    path = papers.STORE / "toy-0.pt"
    assert 0 < torch.load(path, weights_only=True)["done"] < 4
    papers.train(toy, 0, digits)
    schedule = torch.load(path, weights_only=True)["schedule"]
    assert schedule["last_epoch"] == 4 * 5
    assert schedule["_last_lr"][0] < 0.02 * toy.lr


def test_a_checkpoint_of_other_settings_is_refused(papers, toy, digits):
    papers.train(_stop_in(toy, 6), 0, digits)
    with pytest.raises(CourseError, match="--again"):
        papers.train(dataclasses.replace(toy, lr=1e-4), 0, digits)


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_epoch(papers, toy, digits):
    bad = dataclasses.replace(toy, loss=lambda model, x, step: {
        name: value * (float("nan") if step.progress > 0.3 else 1) for name, value in toy.loss(model, x, step).items()})
    with pytest.raises(CourseError, match="became nan in epoch 2"):
        papers.train(bad, 0, digits)
    assert torch.load(next(papers.STORE.iterdir()), weights_only=True)["done"] == 1


# ---- results --------------------------------------------------------------------------------------------------------


@pytest.fixture
def record(papers, toy, digits):
    return papers.do(toy, digits)


def test_a_finished_run_is_stored_as_it_is_returned_and_is_not_done_twice(papers, toy, digits, record, capsys):
    text = papers.RESULTS.read_text(encoding="utf-8")
    stored = json.loads(text)
    assert stored == papers.results() == {"toy": record}
    assert text == json.dumps(stored, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    capsys.readouterr()
    assert papers.do(dataclasses.replace(toy, loss=None), digits) == record
    assert "toy is finished; --again" in capsys.readouterr().out
    assert list(papers.STORE.iterdir()) == []
    errors = []
    for seed in toy.seeds:
        net, _, _ = papers.train(toy, seed, digits)
        errors.append((torch.sigmoid(net(digits.x_test)) - digits.x_test).square().sum(1).mean().item())
    assert record["value"] == pytest.approx(sum(errors) / 2, abs=1e-3)
    assert record["spread"] == pytest.approx(abs(errors[0] - errors[1]) / 2**0.5, abs=1e-3)
    assert record["values"] == [pytest.approx(error, abs=1e-3) for error in errors]
    assert record["seeds"] == [0, 1]


def test_again_begins_anew_can_be_interrupted_too_and_other_runs_stay(papers, toy, digits, record, capsys):
    papers.do(dataclasses.replace(toy, name="other", epochs=1), digits)
    assert papers.do(_stop_in(toy, 6), digits, again=True) is None
    assert papers._state(toy).endswith("; a new run is not finished, 1 of 8 epochs are stored")
    assert papers.do(_stop_in(toy, 1), digits, again=True) is None
    assert papers.do(_stop_in(toy, 6), digits, again=True) is None
    capsys.readouterr()
    assert papers.do(toy, digits)["value"] == record["value"]
    assert "is finished" not in capsys.readouterr().out
    assert list(papers.results()) == ["other", "toy"]


def test_the_command_lists_the_runs_and_how_far_they_are(papers, toy, digits, capsys, monkeypatch):
    monkeypatch.setattr(papers, "RUNS", {"toy": toy})
    beginning = "toy: lesson 03, Squared error per test image, 30 numbers: "
    papers.do(_stop_in(toy, 6), digits)
    capsys.readouterr()
    assert papers.main([]) == 0
    assert capsys.readouterr().out == f"{beginning}not finished, 1 of 8 epochs are stored; paper: {toy.paper}\n"
    record = papers.do(toy, digits)
    capsys.readouterr()
    assert papers.main([]) == 0
    assert capsys.readouterr().out.startswith(f"{beginning}{record['value']} squared grey levels, after 0.0 min; paper")


def test_a_part_of_the_images_is_refused(papers, capsys, monkeypatch):
    monkeypatch.setenv("AECOURSE_QUICK", "1")
    assert papers.main(["autoencoder-30"]) == 1
    assert "AECOURSE_QUICK" in capsys.readouterr().err


def test_bent_images_are_digits_still_and_the_last_tenth_is_plain(papers, digits):
    x = digits.x_train
    bent = papers.bend(x, torch.Generator().manual_seed(0))
    moved = (bent - x).square().sum(1)
    between = (x - x.roll(1, 0)).square().sum(1)
    assert 0.02 * between.mean() < moved.mean() < 0.4 * between.mean()
    torch.testing.assert_close(papers.bend(x, torch.Generator(), linear=0, elastic=0), x, rtol=0, atol=1e-4)
    net = tiny(x, 0).eval()
    for training, progress, plain in ((True, 0.5, False), (True, 0.95, True), (False, 0.5, True)):
        step = papers.Step(progress, torch.Generator().manual_seed(0), training)
        error = papers.drawn_error(net, x, step)["squared error"]
        assert error.shape == (len(x),)
        assert torch.equal(error, papers.losses.squared_error(torch.sigmoid(net(x)), x)) == plain


# ---- few labels -----------------------------------------------------------------------------------------------------


def _few(papers, monkeypatch, method, n=100):
    """Return a run of the method, short enough for a test."""
    monkeypatch.setattr(papers.semi, "M1_EPOCHS", 40)
    monkeypatch.setattr(papers.semi, "M1_WIDTHS", [784, 20, 5])
    return dataclasses.replace(papers.RUNS[f"{method}-{n}"], epochs=2, batch=250, seeds=(0, 1))


def _seen(run, digits):
    """Return what the run's network sees."""
    return run.prepare(digits) if run.prepare else digits


@pytest.mark.parametrize("method", ["m2", "m1m2", "shifts", "pseudo", "consistency"])
def test_a_run_with_few_labels_sees_those_of_its_draw_and_can_be_interrupted(papers, digits, monkeypatch, method):
    run = _few(papers, monkeypatch, method)
    images, digits = digits, _seen(run, digits)
    first, second = (run.network(digits, seed) for seed in (0, 1))
    assert first.y_l.bincount().tolist() == [10] * 10
    assert not torch.equal(first.x_l, second.x_l)
    whole, done, _ = papers.train(run, 1, digits)
    assert done == 2
    assert torch.equal(whole.x_l, second.x_l)
    papers._forget(run)
    assert papers.train(_stop_in(run, 4), 1, digits)[1] == 1  # two steps an epoch: in the second one
    resumed, done, _ = papers.train(run, 1, digits)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, rtol=0, atol=0)
    error, _ = run.measure(resumed, digits)
    assert 0 < error < 100
    record = papers.do(run, images)
    assert papers.results()[run.name]["values"][1] == pytest.approx(error, abs=1e-3)
    assert ("curve" in record) == bool(run.watch)


def test_a_watched_run_has_a_curve_of_images_without_a_label_and_an_interruption_leaves_it_whole(
        papers, digits, monkeypatch):
    run = dataclasses.replace(_few(papers, monkeypatch, "m1m2"), seeds=(0,))
    seen = _seen(run, digits)
    net = run.network(seen, 0)
    assert len(net.watched) == min(5000, len(digits.x_train) - 100)
    assert not set(net.watched.tolist()) & set(data.stratified_subset(digits.y_train, 100, seed=0).tolist())
    whole = papers.do(run, digits)["curve"]
    papers.do(_stop_in(run, 4), digits, again=True)
    papers.train(run, 0, seen)  # the second epoch
    last = run.watch(papers.train(run, 0, seen)[0], seen)
    assert whole == papers.do(run, digits)["curve"]
    assert len(whole) == 2
    assert whole[1] == pytest.approx(last, abs=0.01)


def test_labels_alone_see_no_other_image_and_every_loss_has_one_number_per_image(papers, digits, monkeypatch):
    step = lambda: papers.Step(0.5, torch.Generator().manual_seed(0), True)  # noqa: E731
    other = torch.rand(250, 784, generator=torch.Generator().manual_seed(1))
    run = _few(papers, monkeypatch, "shifts")
    net = run.network(digits, 0)
    alone = [run.loss(net, x, step())["labels"][0] for x in (digits.x_train[:250], other)]
    assert alone[0] == alone[1]
    for method in ("m2", "m1m2", "pseudo", "consistency"):
        run = _few(papers, monkeypatch, method)
        seen = _seen(run, digits)
        terms = run.loss(run.network(seen, 0), seen.x_train[:250], step())
        assert set(terms) <= {"U", "L", "labels", "consistency", "pseudo-labels"}
        assert all(len(term) == 250 for term in terms.values())


def test_only_an_image_of_which_the_net_is_sure_gets_a_pseudo_label(papers, digits, monkeypatch):
    run = _few(papers, monkeypatch, "pseudo")
    net = run.network(digits, 0)
    terms = lambda: run.loss(net, digits.x_train[:50], papers.Step(  # noqa: E731
        0.5, torch.Generator().manual_seed(0), True))["pseudo-labels"]
    assert (terms() == 0).all()  # before training it is sure of none
    with torch.no_grad():
        net.layers[-1].weight.mul_(15)
    counted = terms()
    assert 0 < (counted > 0).sum() < 50
    assert counted.max() <= -math.log(papers.semi.SURE)  # its own answer is the target


def test_a_few_samples_give_the_gradient_of_the_importance_weighted_bound_in_expectation(papers):
    with seeded(0):
        model = VAE([8, 6, 3])
    x = (torch.rand(5, 8, generator=torch.Generator().manual_seed(1)) < 0.5).float()  # binarising changes nothing
    step = lambda: papers.Step(0.5, torch.Generator().manual_seed(2), True)  # noqa: E731

    def gradient(loss):
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss.sum(), list(model.parameters()))])

    generator = step().generator  # the same numbers as in the loss: first for the pixels, then for the codes
    data.binarised(x, generator)
    eps = torch.randn(4, 5, 3, generator=generator)
    exact = -losses.importance_bound(papers.log_weights(model, x, eps))
    elbo = -papers.log_weights(model, x, eps).mean(0)
    many = papers.negative_importance_bound(model, x, step(), k=4, followed=100_000)["negative bound"]
    assert torch.allclose(many, exact, atol=1e-4)
    right, equal_weights = gradient(exact), gradient(elbo)
    error = (gradient(many) - right).norm()
    assert error < 0.02 * right.norm()
    assert error < 0.2 * (equal_weights - right).norm()  # a mean with equal weights would be seen


def test_the_first_model_is_trained_once_and_its_codes_take_the_place_of_the_pixels(papers, digits, monkeypatch):
    run = _few(papers, monkeypatch, "m1m2")
    seen = run.prepare(digits)
    monkeypatch.setattr(papers.semi, "fit", None)
    m1 = papers.semi.first_model(digits.x_train)
    with torch.no_grad():
        mu, logvar = m1.encode(digits.x_test)
        used = m1.encode(digits.x_train)[0].std(0) > 0.1
    assert used.any()
    assert torch.equal(seen.x_test, torch.cat([mu[:, used], logvar[:, used]], 1))
    assert torch.equal(seen.x_train, run.prepare(digits).x_train)
    assert torch.equal(seen.y_train, digits.y_train)
    monkeypatch.setattr(papers.semi, "M1_EPOCHS", 3)  # other settings: not from the cache
    with pytest.raises(TypeError):
        run.prepare(digits)


# ---- RESULTS.md -----------------------------------------------------------------------------------------------------


def _lesson(root, name="deep"):
    record = {"lesson": "03", "name": name, "statement": "error", "value": 4.0, "unit": "levels", "spread": None,
              "seeds": 1, "data": "mnist", "baseline": None, "paper": "3.00 (2006)", "bound": "", "held": True}
    output = nbformat.v4.new_output("display_data", {results.MIMETYPE: record})
    cell = nbformat.v4.new_code_cell("", outputs=[output])
    project.write(root / "notebooks" / "03_toy.ipynb", nbformat.writes(nbformat.v4.new_notebook(cells=[cell])))


@pytest.fixture
def course(papers, record, tmp_path):
    """A folder with the stored result of a toy run, which belongs to the claim "deep" of lesson 03."""
    stored = record | {"claim": "deep", "value": 3.1, "spread": None, "unit": "levels", "beside": "training 2.00",
                       "paper": "3.00 | 2006", "seconds": 1800}
    papers.project.write(papers.RESULTS, json.dumps({"toy": stored}))
    return tmp_path


def test_results_show_lesson_run_and_paper_side_by_side(course):
    _lesson(course)
    text = results.page(course)
    assert "| error | 4 levels | – | 3.1 levels | 3.00 (2006) | mnist | 1 |" in text
    assert ("| toy | 03 | Squared error per test image, 30 numbers | 4 levels | 3.1 levels | training 2.00 "
            "| 3.00 \\| 2006 | strokes | 2 | 30 |") in text
    assert "**toy.** " in text
    assert results.unmatched(course) == []


def test_a_run_that_belongs_to_no_claim_is_shown_by_itself(course, papers):
    _lesson(course)
    stored = json.loads(papers.RESULTS.read_text(encoding="utf-8"))
    papers.project.write(papers.RESULTS, json.dumps(stored | {"other": stored["toy"] | {"claim": None, "value": 2.5}}))
    text = results.page(course)
    assert "| other | 03 | Squared error per test image, 30 numbers | – | 2.5 levels |" in text
    assert "| toy | 03 | Squared error per test image, 30 numbers | 4 levels | 3.1 levels |" in text
    assert results.unmatched(course) == []


def test_the_main_results_stand_beside_their_long_runs(course, monkeypatch):
    _lesson(course)
    monkeypatch.setattr(results, "HEADLINE", (("03", "deep"), ("09", "not built yet")))
    [row] = results.headline(course)[2:]
    assert row == "| [03](notebooks/03_toy.ipynb) | error | 4 levels | 3.1 levels | 3.00 (2006) |\n"


def test_every_main_result_of_a_built_lesson_is_one_of_its_claims():
    claims = {(record["lesson"], record["name"]) for lesson in project.lessons(project.ROOT).values()
              for record in results.records(project.load(lesson))}
    assert set(results.HEADLINE) <= claims


def test_a_claim_that_stands_in_two_units_of_a_lesson_is_named(course):
    _lesson(course)
    assert results.doubled(course) == []
    shutil.copy(course / "notebooks" / "03_toy.ipynb", course / "notebooks" / "03a_toy.ipynb")
    assert results.doubled(course) == ["03a_toy: the claim 'deep' stands in 03_toy as well; give it another name"]


def test_a_run_whose_lesson_is_not_there_yet_has_a_dash(course):
    assert "30 numbers | – | 3.1 levels |" in results.page(course)
    assert results.unmatched(course) == []


def test_a_run_that_fits_no_claim_of_its_lesson_is_named(course):
    _lesson(course, "deeper")
    assert "| – | 3.1 levels |" in results.page(course)
    [line] = results.unmatched(course)
    assert "'toy' belongs to the claim 'deep', and lesson 03 has no such claim" in line


def test_a_lesson_without_long_runs_has_no_column_for_them(course):
    _lesson(course)
    (course / "benchmarks" / "papers.json").unlink()
    text = results.page(course)
    assert "| error | 4 levels | – | 3.00 (2006) | mnist | 1 |" in text
    assert "ong run" not in text.split("##")[1]


@pytest.mark.parametrize("text", ["[]", "{", '{"toy": {}}', '{"toy": 1}'])
def test_a_damaged_results_file_is_a_sentence(tmp_path, text):
    project.write(tmp_path / "benchmarks" / "papers.json", text)
    with pytest.raises(CourseError, match=r"papers\.json is not a file"):
        results.page(tmp_path)


def test_what_is_stored_for_the_course_was_measured_by_the_runs_as_they_are_written(papers):
    stored = longruns.load()
    assert set(stored) <= set(papers.RUNS)  # a run that is not finished has no figure yet
    for name in stored:
        run = papers.RUNS[name]
        assert stored[name]["protocol"].startswith(run.protocol)
        for part in ("lesson", "claim", "statement", "unit", "paper"):
            assert stored[name][part] == getattr(run, part)
