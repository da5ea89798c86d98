import errno
import gzip
import hashlib
import io
import os
import struct
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from aecourse import CourseError, data
from aecourse.base import datafiles, download, project, vision
from aecourse.commands import cli

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
    """A verified small MNIST in tmp_path/data, an empty cache, and a network that sends the same files."""
    digests = write_raw(tmp_path / "data" / "MNIST" / "raw")
    sizes = {f"{part}-{what}": size for part, n in N.items()
             for what, size in (("images-idx3-ubyte", 16 + n * 784), ("labels-idx1-ubyte", 8 + n))}
    monkeypatch.setattr(datafiles, "FILES", sizes)
    monkeypatch.setattr(datafiles, "SHA256", {"mnist": digests, "fashion": dict.fromkeys(digests, "another")})
    monkeypatch.setattr(data, "QUICK", (30, 10))
    monkeypatch.setenv("AECOURSE_QUICK", "1")
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AECOURSE_DATA", raising=False)
    downloads = []

    def send(url):
        file = url.rsplit("/", 1)[-1]
        downloads.append(file)
        return gzip.compress((tmp_path / "data" / "MNIST" / "raw" / file.removesuffix(".gz")).read_bytes())

    monkeypatch.setattr(download, "get", send)
    return SimpleNamespace(data=tmp_path / "data", cache=tmp_path / "cache", downloads=downloads)


def no_network(monkeypatch):
    asked = []

    def refuse(url):
        asked.append(url)
        raise download.Refused(f"server {len(asked)}: no answer within 10 seconds", ("Where there is a proxy:",))

    monkeypatch.setattr(download, "get", refuse)
    return asked


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
    assert len(small.downloads) == 4
    assert "Downloading MNIST" in capsys.readouterr().out
    assert [report.state for report in data.inspect()] == ["ok"] * 4
    assert data.at_hand("mnist")


@pytest.mark.parametrize("harm", ["flip", "truncate", "grow", "delete", "folder"])
def test_a_bad_file_in_the_cache_is_named_and_alone_fetched_again(small, capsys, harm):
    data.load()
    victim = small.cache / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    damage(victim, harm)
    digits = data.load()
    assert small.downloads[4:] == ["t10k-labels-idx1-ubyte.gz"]
    assert harm == "delete" or str(victim) in capsys.readouterr().out
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
    with pytest.raises(data.DataError, match=rf"(?s){word}.*train-images-idx3-ubyte.*python -m aecourse data"):
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
    with pytest.raises(data.DataError, match=r"(?s)unreadable.*train-labels-idx1-ubyte"):
        data.load()


def test_a_failed_download_is_remembered_with_its_reason_and_fetch_tries_again_at_once(small, monkeypatch):
    asked = no_network(monkeypatch)
    with pytest.raises(data.DataError, match=r"(?s)downloaded\.\nserver 1: no answer.*AECOURSE_DATA"):
        data.load("mnist")
    assert len(asked) == len(datafiles.MIRRORS["mnist"])
    with pytest.raises(data.DataError, match=r"(?s)downloaded 0 s ago\.\nserver 1: no answer.*proxy.*AECOURSE_DATA"):
        data.load("mnist")
    assert len(asked) == 2
    with pytest.raises(data.DataError, match="server 3: no answer"):
        data.fetch()
    os.utime(small.cache / "mnist-download-failed", (0, 0))
    with pytest.raises(data.DataError, match="server 5: no answer"):
        data.load("mnist")


def test_the_second_server_sends_what_the_first_one_does_not(small, monkeypatch):
    send, asked = download.get, []

    def half(url):
        asked.append(url)
        if len(asked) == 3:
            raise download.Refused("broken", ())
        return send(url)

    monkeypatch.setattr(download, "get", half)
    assert data.load("mnist").y_test.tolist() == list(range(10))
    first, second = datafiles.MIRRORS["mnist"]
    assert [url.startswith(first) for url in asked] == [True] * 3 + [False] * 2
    assert asked[3].startswith(second)
    assert not (small.cache / "mnist-download-failed").exists()


@pytest.mark.parametrize("what", ["another file", "a page", "half a file", "an endless file", "nothing"])
def test_a_download_that_is_not_the_published_file_is_refused(small, monkeypatch, what):
    send = download.get

    def get(url):
        if "images" not in url:
            return send(url)
        return {"another file": gzip.compress(b"x" * 100), "a page": b"<html>Log in</html>", "nothing": b"",
                "half a file": send(url)[:-30], "an endless file": gzip.compress(bytes(10_000_000))}[what]

    monkeypatch.setattr(download, "get", get)
    with pytest.raises(data.DataError, match=r"ossci-datasets\.s3\.amazonaws\.com: what came is not the published"):
        data.load("mnist")
    assert not data.at_hand("mnist")
    assert not list(small.cache.glob("MNIST/raw/*images*"))


@pytest.mark.parametrize(("code", "words"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "no permission")])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_full_disk_or_a_forbidden_cache_is_said_with_another_place(small, monkeypatch, code, words, moment):
    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    if moment == "before":
        monkeypatch.setattr(datafiles.tempfile, "TemporaryFile", refuse)
    else:
        monkeypatch.setattr(datafiles.project.os, "replace", refuse)
    with pytest.raises(data.DataError, match=rf"(?s)cache.MNIST.raw\s+cannot.*{words}.*AECOURSE_CACHE"):
        data.load("mnist")
    assert len(small.downloads) == (moment == "after")
    assert not list((small.cache / "MNIST" / "raw").iterdir()), "nothing half-written stays"


def test_a_download_needs_neither_torchvision_nor_torch(small, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    assert data.load().name == "mnist"
    code = ("import sys; from aecourse.base import datafiles, settings, download\n"
            "assert not {'torch', 'torchvision', 'numpy', 'platformdirs'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_cache_that_cannot_be_found_for_want_of_platformdirs_is_an_import_error(small, monkeypatch):
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    assert data.load().name == "mnist", "a cache that is named needs no platformdirs"
    monkeypatch.delenv("AECOURSE_CACHE")
    with pytest.raises(ModuleNotFoundError) as error:  # the kernel and the command line have their sentences on it
        data.load()
    assert error.value.name == "platformdirs"


def test_a_command_without_platformdirs_names_the_command_of_a_terminal(small, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    monkeypatch.delenv("AECOURSE_CACHE")
    assert cli.main(["data"]) == 1
    assert f"platformdirs is not installed in {sys.executable}. Run: python -m pip" in capsys.readouterr().err


# ---- the folder that AECOURSE_DATA names ----------------------------------------------------------------------------


def test_a_missing_or_a_closed_folder_is_said_with_the_commands(small, monkeypatch):
    monkeypatch.setenv("AECOURSE_DATA", str(small.data / "nowhere"))
    with pytest.raises(data.DataError, match=r"(?s)cannot be opened \(No such.*nowhere.*MNIST/raw.*aecourse data"):
        data.load()

    def closed(_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(datafiles.os, "listdir", closed)
    with pytest.raises(data.DataError, match=r"Permission\s+denied"):
        data.load()


@pytest.mark.parametrize("kind", ["relative", "file"])
@pytest.mark.parametrize("variable", ["AECOURSE_DATA", "AECOURSE_CACHE"])
def test_a_wrong_setting_of_a_folder_is_said(small, monkeypatch, tmp_path, kind, variable):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv(variable, {"relative": "some/folder", "file": str(tmp_path / "file")}[kind])
    with pytest.raises(CourseError, match=f"{variable} (must be the absolute|names a file)"):
        data.load()


@pytest.mark.parametrize("deep", ["MNIST", "MNIST/raw"])
def test_a_folder_too_deep_works_and_so_does_one_with_the_bare_files(small, monkeypatch, deep):
    monkeypatch.setenv("AECOURSE_DATA", str(small.data / deep))
    assert data.load().y_test.tolist() == list(range(10))
    assert str(small.data / "MNIST" / "raw") in data.where()
    monkeypatch.setenv("AECOURSE_DATA", str((small.data / "MNIST" / "raw").rename(small.data / "my files")))
    assert data.load().y_test.tolist() == list(range(10))
    assert small.downloads == []


def test_bare_files_are_the_data_set_that_they_hold(small, monkeypatch):
    monkeypatch.setenv("AECOURSE_DATA", str(small.data / "MNIST" / "raw"))
    no_network(monkeypatch)
    with pytest.raises(data.DataError, match="Fashion-MNIST could not be downloaded"):
        data.load("fashion")


def test_a_folder_without_mnist_is_said_with_what_is_missing(small, monkeypatch, tmp_path):
    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path))
    (tmp_path / "MNIST").write_text("a file is in the way", encoding="utf-8")
    with pytest.raises(data.DataError, match=r"(?s)folder without MNIST.*train-images-idx3-ubyte\n.*MNIST/raw"):
        data.load()


def pack(raw, file, harm=None):
    content = gzip.compress((raw / file).read_bytes())
    (raw / file).unlink()
    (raw / f"{file}.gz").write_bytes({None: content, "truncate": content[:-30], "page": b"<html>",
                                      "flip": gzip.compress(b"x" * 10)}[harm])


@pytest.mark.parametrize("place", ["folder", "cache"])
@pytest.mark.parametrize("how_many", [1, 4])
def test_packed_files_are_used(small, monkeypatch, place, how_many, capsys):
    plain = data.load()
    if place == "folder":
        use_folder(small, monkeypatch)
    raw = (small.data if place == "folder" else small.cache) / "MNIST" / "raw"
    for file in list(datafiles.FILES)[:how_many]:
        pack(raw, file)
    before = sorted(raw.iterdir())
    small.downloads.clear()
    packed = data.load()
    assert torch.equal(plain.x_train, packed.x_train)
    assert torch.equal(plain.y_test, packed.y_test)
    assert (small.downloads, sorted(raw.iterdir())) == ([], before)
    capsys.readouterr()
    assert cli.main(["data"]) == 0
    assert capsys.readouterr().out.count("ubyte.gz\n") == how_many


@pytest.mark.parametrize(("harm", "word"), [("truncate", "truncated"), ("page", "damaged"), ("flip", "damaged")])
def test_a_bad_packed_file_is_named(small, monkeypatch, harm, word):
    pack(use_folder(small, monkeypatch), "train-images-idx3-ubyte", harm)
    with pytest.raises(data.DataError, match=rf"(?s){word}:.*train-images-idx3-ubyte\.gz"):
        data.load()


def test_a_whole_packed_file_stands_in_for_a_damaged_plain_one(small, capsys):
    data.load()
    file = small.cache / "MNIST" / "raw" / "train-images-idx3-ubyte"
    file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    file.write_bytes(b"short")
    data.load()
    assert len(small.downloads) == 4


def test_messages_name_the_data_set_that_was_asked_for(small, monkeypatch, capsys):
    no_network(monkeypatch)
    monkeypatch.setenv("AECOURSE_DATASET", " Fashion ")
    with pytest.raises(data.DataError, match=r"(?s)Fashion-MNIST could.*--dataset fashion.*FashionMNIST/raw") as told:
        data.load()
    assert "MNIST/raw" not in str(told.value).replace("FashionMNIST/raw", "")
    use_folder(small, monkeypatch)
    with pytest.raises(data.DataError, match=r"(?s)copy FashionMNIST/raw.*names:\s+\S+data$"):
        data.fetch()


def test_a_message_fits_a_terminal_and_keeps_a_path_whole(small, monkeypatch, tmp_path):
    cache = tmp_path / "한국어 폴더 with blanks"
    monkeypatch.setenv("AECOURSE_CACHE", str(cache))

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(datafiles.tempfile, "TemporaryFile", full)
    with pytest.raises(data.DataError) as told:
        data.load("mnist")
    assert str(cache / "MNIST" / "raw") in str(told.value)


def test_an_unknown_data_set_is_one_sentence(small, monkeypatch):
    monkeypatch.setenv("AECOURSE_DATASET", "cats")
    with pytest.raises(data.DataError, match=r"(?s)'cats'; there are mnist.*AECOURSE_DATASET"):
        data.load()
    with pytest.raises(data.DataError, match="Fix the name"):
        data.load("dogs")
    monkeypatch.setenv("AECOURSE_DATASET", " 'MNIST' ")
    assert data.load().name == "mnist"


def test_torchvision_is_mended_only_where_its_operators_are_missing():
    torchvision = vision.load()
    assert hasattr(torchvision.datasets, "MNIST")
    assert vision.load() is torchvision


def test_validation_split_has_no_overlap_and_follows_its_seed():
    train, held_out = data.validation_split(100, 30, seed=1)
    assert sorted(torch.cat([train, held_out]).tolist()) == list(range(100))
    assert len(held_out) == 30
    assert torch.equal(held_out, data.validation_split(100, 30, seed=1)[1])
    assert not torch.equal(held_out, data.validation_split(100, 30, seed=2)[1])
    with pytest.raises(ValueError, match="between 1 and 99"):
        data.validation_split(100, 100)


def test_three_parts_are_the_same_each_time_without_overlap_and_never_more_than_there_are():
    digits = data.Digits("toy", *(torch.zeros(n, *more) for n in (120, 60) for more in ((784,), ())))
    train, valid, test = data.three_parts(digits, train=50, valid=8, test=40)
    assert (len(train), len(valid), len(test)) == (50, 8, 40)
    assert not set(train.tolist()) & set(valid.tolist())
    assert len(test.unique()) == 40
    assert test.max() >= 40
    assert set(valid.tolist()) <= set(data.validation_split(120, 10)[1].tolist())
    larger = data.three_parts(digits, train=1000, valid=1000, test=1000)
    assert [len(part) for part in larger] == [110, 10, 60]
    for few, more in zip((train, valid, test), larger, strict=True):
        assert few.equal(more[:len(few)])


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


def test_without_mnist_and_a_network_the_built_in_digits_take_its_place_and_say_so(few_strokes, small, monkeypatch,
                                                                                   capsys):
    no_network(monkeypatch)
    digits = data.load()
    assert digits.name == "strokes"
    out = capsys.readouterr().out
    assert "MNIST could not be downloaded" in out
    assert '"strokes", take its place' in " ".join(out.split())
    assert all(len(line) <= 79 for line in out.splitlines() if str(small.cache) not in line)
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
    assert data.fingerprint().startswith("strokes:")
    assert cli.main(["data"]) == 0


@pytest.mark.parametrize("encoding", ["latin-1", "cp949", "ascii"])
@pytest.mark.parametrize("kept", [True, False])
def test_a_console_that_lacks_letters_stops_no_drawing(tmp_path, encoding, kept):
    cache = tmp_path / "강의 ✗"
    if not kept:
        cache.parent.joinpath("강의 ✗").write_text("", encoding="utf-8")
        cache /= "below"
    code = "from aecourse import data; data.STROKES = (20, 10); print(data.load('strokes').name)"
    env = os.environ | {"PYTHONIOENCODING": encoding, "AECOURSE_CACHE": str(cache), "PYTHONPATH": str(project.ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=env)
    assert done.returncode == 0, done.stderr
    said = done.stdout.decode(encoding)
    assert "Drawing 30 digits" in said
    assert ("could not be kept" in said) is not kept
    assert said.split()[-1] == "strokes"


@pytest.mark.parametrize("encoding", ["latin-1", "cp949"])
def test_a_console_that_lacks_letters_stops_no_download_and_no_other_digits(few_strokes, small, monkeypatch, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("AECOURSE_QUICK", "1")
    monkeypatch.setenv("AECOURSE_CACHE", str(small.cache / "강의 ✗"))
    data.load("mnist")
    damage(small.cache / "강의 ✗/MNIST/raw/t10k-labels-idx1-ubyte", "flip")
    data.load("mnist")
    monkeypatch.setenv("AECOURSE_CACHE", str(small.cache / "강의 ✗ 2"))
    no_network(monkeypatch)
    assert data.load().name == "strokes"
    said = stream.buffer.getvalue().decode(encoding)
    for words in ("Downloading MNIST", "fetched again", "take its place", "Drawing 90 digits"):
        assert words in said


def test_images_are_tiled_row_by_row():
    images = torch.arange(7.0)[:, None].expand(7, 784)
    picture = data.tiled(images)
    assert picture.shape == (56, 56)
    assert picture[::28, ::28].tolist() == [[0, 1], [2, 3]]


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


def test_strokes_that_cannot_be_kept_are_drawn_all_the_same(few_strokes, small, capsys, monkeypatch):
    (small.cache.parent / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("AECOURSE_CACHE", str(small.cache.parent / "file" / "cache"))
    assert len(data.load("strokes").x_train) == 60
    out = capsys.readouterr().out
    assert "could not be kept" in out
    assert "AECOURSE_CACHE" in out


def test_the_swiss_roll_is_a_spiral_whose_arc_length_is_known():
    roll, sheet = data.swiss_roll(1.5, n=4000)
    assert roll.shape == (4000, 3)
    assert sheet.shape == (4000, 2)
    assert roll.mean(0).abs().max() < 1e-5
    line = roll[:, [0, 2]].numpy()[np.argsort(sheet[:, 0])]  # along the spiral
    length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
    scale = np.ptp(sheet[:, 1]) / np.ptp(roll[:, 1].numpy())
    assert scale * length == pytest.approx(np.ptp(sheet[:, 0]), rel=1e-3)
