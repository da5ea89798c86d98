import errno
import hashlib
import os
import struct
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from aecourse import _files, _torchvision, data

N = {"train": 40, "t10k": 20}


def write_raw(raw):
    """Write a small MNIST look-alike and return its SHA-256 by file."""
    raw.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for part, n in N.items():
        images = rng.integers(0, 256, (n, 784), dtype=np.uint8)
        labels = (np.arange(n) % 10).astype(np.uint8)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4i", 2051, n, 28, 28) + images.tobytes())
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, n) + labels.tobytes())
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in raw.glob("*-ubyte")}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A verified small MNIST in tmp_path/data, an empty cache, and a torchvision that would download the same files."""
    digests = write_raw(tmp_path / "data" / "MNIST" / "raw")
    sizes = {f"{part}-{what}": size for part, n in N.items()
             for what, size in (("images-idx3-ubyte", 16 + n * 784), ("labels-idx1-ubyte", 8 + n))}
    monkeypatch.setattr(_files, "FILES", sizes)
    monkeypatch.setattr(_files, "SHA256", {"mnist": digests})
    monkeypatch.setattr(data, "QUICK", (30, 10))
    monkeypatch.setenv("AECOURSE_QUICK", "1")
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AECOURSE_DATA", raising=False)
    downloads = []

    def dataset(root, download):
        downloads.append(root)
        write_raw(root / "MNIST" / "raw")

    serve(monkeypatch, dataset)
    return SimpleNamespace(data=tmp_path / "data", cache=tmp_path / "cache", downloads=downloads)


def serve(monkeypatch, dataset):
    monkeypatch.setattr(_torchvision, "load", lambda: SimpleNamespace(datasets=SimpleNamespace(MNIST=dataset)))


def use_folder(small, monkeypatch):
    monkeypatch.setenv("AECOURSE_DATA", str(small.data))
    return small.data / "MNIST" / "raw"


def test_a_folder_is_read_as_it_is_and_nothing_is_downloaded(small, monkeypatch):
    raw = use_folder(small, monkeypatch)
    digits = data.load()
    first = np.frombuffer((raw / "train-images-idx3-ubyte").read_bytes()[16 : 16 + 784], np.uint8)
    assert digits.x_train.shape == (30, 784)
    assert digits.x_train.dtype == torch.float32
    np.testing.assert_allclose(digits.x_train[0].numpy(), first / np.float32(255), rtol=1e-6)
    assert digits.y_train.tolist() == [i % 10 for i in range(30)]
    assert digits.y_test.dtype == torch.int64
    assert small.downloads == []


def test_without_a_folder_it_is_downloaded_once_into_the_cache(small, capsys):
    data.load()
    data.load()
    assert len(small.downloads) == 1
    assert "Downloading mnist" in capsys.readouterr().out
    assert [report.state for report in data.inspect()] == ["ok"] * 4
    assert data.at_hand("mnist")


@pytest.mark.parametrize("harm", ["flip", "truncate", "grow", "delete", "folder"])
def test_a_bad_file_in_the_cache_is_named_and_fetched_again(small, capsys, harm):
    data.load()
    victim = small.cache / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    damage(victim, harm)
    digits = data.load()
    assert len(small.downloads) == 2
    assert harm == "delete" or "t10k-labels-idx1-ubyte is" in capsys.readouterr().out
    assert digits.y_test.tolist() == list(range(10))


def damage(path, harm):
    content = path.read_bytes()
    path.unlink()
    if harm == "folder":
        path.mkdir()
    elif harm != "delete":
        path.write_bytes({"flip": content[:-1] + bytes([content[-1] ^ 1]), "truncate": content[:-5],
                          "grow": content + b"x"}[harm])


@pytest.mark.parametrize(("harm", "word"), [("flip", "damaged"), ("truncate", "truncated"), ("grow", "damaged"),
                                            ("delete", "missing"), ("folder", "damaged")])
def test_a_bad_file_in_the_own_folder_is_an_error_that_names_it(small, monkeypatch, harm, word):
    raw = use_folder(small, monkeypatch)
    damage(raw / "train-images-idx3-ubyte", harm)
    with pytest.raises(data.DataError, match=rf"train-images-idx3-ubyte is {word}.*python -m aecourse data"):
        data.load()
    assert small.downloads == []


def test_an_unreadable_file_is_reported_not_raised(small, monkeypatch):
    raw = use_folder(small, monkeypatch)
    original = type(raw).open

    def refuse(path, *args, **kwargs):
        if path.name == "train-labels-idx1-ubyte":
            raise PermissionError(errno.EACCES, "Permission denied")
        return original(path, *args, **kwargs)

    monkeypatch.setattr(type(raw), "open", refuse)
    assert {r.path.name: r.state for r in data.inspect()}["train-labels-idx1-ubyte"] == "unreadable"
    with pytest.raises(data.DataError, match="train-labels-idx1-ubyte is unreadable"):
        data.load()


@pytest.mark.parametrize(("setting", "words"), [("some/folder", "absolute"), ("/no/such/folder", "not a folder")])
def test_a_wrong_setting_of_the_folder_is_one_sentence(small, monkeypatch, setting, words):
    monkeypatch.setenv("AECOURSE_DATA", setting if os.name != "nt" else setting.replace("/no", "C:/no"))
    with pytest.raises(data.DataError, match=words):
        data.load()


def test_a_failed_download_is_remembered_and_fetch_tries_again_at_once(small, monkeypatch):
    tries = []

    def dataset(root, download):
        tries.append(root)
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz: <urlopen error timed out>")

    serve(monkeypatch, dataset)
    with pytest.raises(data.DataError, match=r"no answer in time.*AECOURSE_DATA"):
        data.load("mnist")
    with pytest.raises(data.DataError, match="minutes ago"):
        data.load("mnist")
    assert len(tries) == 1
    with pytest.raises(data.DataError, match="no answer"):
        data.fetch()
    assert len(tries) == 2
    assert not any(small.cache.glob("tmp*")), "a failed download leaves no litter"


def test_a_download_that_is_not_the_published_file_is_refused(small, monkeypatch):
    def dataset(root, download):
        write_raw(root / "MNIST" / "raw")
        damage(root / "MNIST" / "raw" / "train-images-idx3-ubyte", "flip")

    serve(monkeypatch, dataset)
    with pytest.raises(data.DataError, match="not the published file"):
        data.load("mnist")
    assert not data.at_hand("mnist")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_a_full_disk_or_a_forbidden_cache_is_one_sentence(small, monkeypatch, code):
    def dataset(root, download):
        raise OSError(code, os.strerror(code))

    serve(monkeypatch, dataset)
    if code == errno.EACCES:
        monkeypatch.setattr(_files.tempfile, "TemporaryDirectory", lambda dir: dataset(dir, True))
    with pytest.raises(data.DataError, match=r"cannot be written.*AECOURSE_CACHE"):
        data.load("mnist")


def test_a_cache_path_that_is_a_file_is_one_sentence(small, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path / "file"))
    with pytest.raises(data.DataError, match="cannot be written"):
        data.load("mnist")


def test_an_unknown_data_set_is_one_sentence(small, monkeypatch):
    monkeypatch.setenv("AECOURSE_DATASET", "cats")
    with pytest.raises(data.DataError, match=r"'cats'; the course knows mnist"):
        data.load()


def test_torchvision_is_mended_only_where_its_operators_are_missing():
    torchvision = _torchvision.load()
    assert hasattr(torchvision.datasets, "MNIST")
    assert _torchvision.load() is torchvision


def test_validation_split_has_no_overlap_and_follows_its_seed():
    train, held_out = data.validation_split(100, 30, seed=1)
    assert sorted(torch.cat([train, held_out]).tolist()) == list(range(100))
    assert len(held_out) == 30
    assert torch.equal(held_out, data.validation_split(100, 30, seed=1)[1])
    assert not torch.equal(held_out, data.validation_split(100, 30, seed=2)[1])
    with pytest.raises(ValueError, match="between 1 and 99"):
        data.validation_split(100, 100)


@pytest.mark.parametrize("n", [10, 57, 100])
def test_stratified_subset_shares_the_classes_out(n):
    labels = torch.arange(1000) % 10
    chosen = data.stratified_subset(labels, n, seed=3)
    counts = labels[chosen].bincount(minlength=10)
    assert len(chosen.unique()) == n
    assert counts.max() - counts.min() <= 1
    assert torch.equal(chosen, data.stratified_subset(labels, n, seed=3))
    assert not torch.equal(chosen, data.stratified_subset(labels, n, seed=4))


def test_stratified_subset_says_which_class_is_short():
    labels = torch.tensor([0] * 50 + [1] * 3)
    with pytest.raises(ValueError, match="5 of class 1; it has 3"):
        data.stratified_subset(labels, 10)


def test_binarised_pixels_are_white_as_often_as_they_are_grey():
    grey = torch.tensor([0.0, 0.2, 0.7, 1.0]).repeat(20_000, 1)
    drawn = data.binarised(grey, torch.Generator().manual_seed(0))
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(drawn.mean(0), grey[0], atol=0.02, rtol=0)
    assert torch.equal(drawn, data.binarised(grey, torch.Generator().manual_seed(0)))


# ---- the built-in digits --------------------------------------------------------------------------------------------


@pytest.fixture
def few_strokes(small, monkeypatch):
    """A small set of built-in digits, and a count of how often they were drawn."""
    monkeypatch.setattr(data, "STROKES", (60, 30))
    monkeypatch.delenv("AECOURSE_QUICK")
    calls, draw = [], data.strokes.draw

    def counted(n, seed):
        calls.append(n)
        return draw(n, seed)

    monkeypatch.setattr(data.strokes, "draw", counted)
    return calls


def no_network(monkeypatch):
    def dataset(root, download):
        raise RuntimeError("Error downloading: <urlopen error>")

    serve(monkeypatch, dataset)


def test_without_mnist_and_a_network_the_built_in_digits_take_its_place_and_say_so(few_strokes, monkeypatch, capsys):
    no_network(monkeypatch)
    digits = data.load()
    assert digits.name == "strokes"
    out = capsys.readouterr().out
    assert "mnist could not be downloaded" in out
    assert '"strokes", take its place' in out
    with pytest.raises(data.DataError, match="could not be downloaded"):
        data.load("mnist")


@pytest.mark.parametrize("harm", ["flip", "delete"])
def test_a_bad_file_in_the_own_folder_is_never_replaced_by_strokes(few_strokes, small, monkeypatch, harm):
    damage(use_folder(small, monkeypatch) / "train-images-idx3-ubyte", harm)
    with pytest.raises(data.DataError, match="train-images-idx3-ubyte"):
        data.load()


def test_strokes_can_be_forced_and_are_drawn_once(few_strokes, small, monkeypatch):
    monkeypatch.setenv("AECOURSE_DATASET", "strokes")
    first, again = data.load(), data.load()
    assert few_strokes == [90]
    assert small.downloads == []
    assert (len(first.x_train), len(first.x_test)) == (60, 30)
    assert torch.equal(first.x_train, again.x_train)
    assert first.x_train.dtype == torch.float32
    assert first.x_train.max() <= 1
    assert first.drawn_test["slant"].shape == first.drawn_test["thickness"].shape == (30,)
    assert data.fetch() == data.cache_folder()
    assert data.at_hand("strokes")
    assert "drawn by the course" in data.where()


def test_mnist_has_no_drawing(small):
    assert data.load().drawn_train == {}


@pytest.mark.parametrize("harm", ["flip", "truncate", "delete"])
def test_a_damaged_cache_of_strokes_is_drawn_again(few_strokes, small, harm):
    whole = data.load("strokes")
    (kept,) = small.cache.glob("strokes-*.npz")
    content = bytearray(kept.read_bytes())
    content[len(content) // 3] ^= 1
    kept.write_bytes({"flip": bytes(content), "truncate": content[:2000], "delete": b""}[harm])
    assert torch.equal(data.load("strokes").x_train, whole.x_train)
    assert len(few_strokes) == 2


def test_strokes_that_cannot_be_kept_are_drawn_all_the_same(few_strokes, small, capsys):
    small.cache.write_text("a file is in the way", encoding="utf-8")
    assert len(data.load("strokes").x_train) == 60
    assert "could not be kept" in capsys.readouterr().out
