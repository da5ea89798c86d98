"""`aecourse lab`: copies that are never overwritten, ports, and the server itself."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from aecourse import CourseError, launch


def sheet(text="...", mark="a"):
    return json.dumps({"cells": [{"cell_type": "markdown", "id": "x", "metadata": {}, "source": text}], "nbformat": 4,
                       "nbformat_minor": 5, "metadata": {"aecourse": {"sheet": mark}}})


@pytest.fixture
def root(tmp_path):
    for name, text in (("notebooks/01_a.ipynb", "{}"), ("notebooks/02_b.ipynb", "{}"),
                       ("exercises/lab01/lab01.ipynb", sheet())):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_copy_is_made_once_and_never_overwritten(root):
    copy = root / "work/lab01.ipynb"
    assert launch.copy_labs(root) == ["work/lab01.ipynb: your copy of the lab is ready."]
    assert copy.read_text(encoding="utf-8") == sheet()
    copy.write_text(sheet("my answer"), encoding="utf-8")
    assert launch.copy_labs(root) == []
    (root / "exercises/lab01/lab01.ipynb").write_text(sheet("another question", "b"), encoding="utf-8")
    said = launch.copy_labs(root)
    assert len(said) == 1
    assert "changed since your copy was made" in said[0]
    assert "rename it" in said[0]
    assert copy.read_text(encoding="utf-8") == sheet("my answer")
    copy.rename(root / "work/mine.ipynb")
    launch.copy_labs(root)
    assert "another question" in copy.read_text(encoding="utf-8")
    assert "my answer" in (root / "work/mine.ipynb").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", "[]", "no notebook", '{"metadata": {}}'])
def test_a_copy_that_is_no_notebook_any_more_is_left_alone(root, text):
    (root / "work").mkdir()
    (root / "work/lab01.ipynb").write_text(text, encoding="utf-8")
    assert launch.copy_labs(root) == []
    assert (root / "work/lab01.ipynb").read_text(encoding="utf-8") == text


def test_a_folder_that_cannot_be_written_is_a_sentence(root):
    (root / "work").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(CourseError, match=r"cannot be written.*a folder that you may write"):
        launch.copy_labs(root)


def test_the_page_to_open(root):
    assert launch.choose_page(None, root) == "notebooks/01_a.ipynb"
    assert launch.choose_page("02", root) == "notebooks/02_b.ipynb"
    assert launch.choose_page("lab01", root) == "work/lab01.ipynb"
    with pytest.raises(CourseError, match="01_a, 02_b, lab01"):
        launch.choose_page("09", root)


def test_an_empty_course_opens_without_a_page(tmp_path):
    assert launch.choose_page(None, tmp_path) is None


def test_a_busy_port_gives_the_next_one():
    with socket.socket() as busy:
        busy.bind((launch.HOST, 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert port < launch.free_port(port) < port + launch.TRIES
    assert launch.free_port(port) == port


def test_no_free_port_is_a_sentence(monkeypatch):
    monkeypatch.setattr(launch, "TRIES", 1)
    with socket.socket() as busy:
        busy.bind((launch.HOST, 0))
        busy.listen()
        with pytest.raises(CourseError, match="--port"):
            launch.free_port(busy.getsockname()[1])


def test_without_jupyterlab_a_sentence(root, monkeypatch):
    monkeypatch.setattr(launch, "find_spec", lambda _: None)
    with pytest.raises(CourseError, match=r"JupyterLab is not installed.*pip install -r requirements.txt"):
        launch.lab(None, root)
    assert not (root / "work").exists()


@pytest.mark.parametrize(("platform", "env", "shown"), [
    ("linux", {}, False), ("linux", {"DISPLAY": ":0"}, True), ("linux", {"WAYLAND_DISPLAY": "w"}, True),
    ("win32", {}, True), ("darwin", {}, True), ("darwin", {"CI": "true"}, False),
])
def test_a_browser_is_opened_only_where_there_is_a_display(monkeypatch, platform, env, shown):
    for name in ("CI", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert launch._has_display() is shown


@pytest.fixture
def server(root, request):
    """Start `aecourse lab` on the toy course, as a learner does, and give the process, address and token."""
    code = ("import sys; from pathlib import Path; from aecourse.launch import lab; "
            "sys.exit(lab(None, Path(sys.argv[1]), port=int(sys.argv[2]), browser=False))")
    with socket.socket() as busy:  # the port asked for is taken
        busy.bind((launch.HOST, 0))
        busy.listen()
        asked = busy.getsockname()[1]
        process = subprocess.Popen([sys.executable, "-c", code, str(root), str(asked)], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, encoding="utf-8")
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "token=" in line:
                break
    try:
        yield process, "".join(lines), asked
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to a whole console, this test's too")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_the_server_opens_on_the_first_lesson_and_a_signal_ends_it_with_its_kernels(server, name):
    process, said, asked = server
    assert f"Port {asked} is busy" in said
    pattern = r"(http://127\.0\.0\.1:\d+)/lab/tree/notebooks/01_a\.ipynb\?token=(\w{48})"
    address, token = re.search(pattern, said).groups()

    def ask(path, key=token, data=None):
        headers = {"Authorization": f"token {key}"}
        with urllib.request.urlopen(urllib.request.Request(address + path, data, headers), timeout=30) as answer:
            return answer.read().decode()

    page = ask("/lab/tree/notebooks/01_a.ipynb")
    settings = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    assert any("announcements" in name for name in settings["disabledExtensions"])  # nobody is asked about news
    with pytest.raises(urllib.error.HTTPError, match="403"):
        ask("/api/contents", key="wrong")
    ask("/api/kernels", data=b'{"name": "python3"}')
    children = _children(process.pid)
    assert children

    process.send_signal(getattr(signal, name))
    rest, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in rest
    assert "The course is closed." in rest
    assert not any(map(_alive, children))


def _children(pid: int) -> list[int]:
    if shutil.which("ps") is None:
        pytest.skip("there is no ps to list the kernels with")
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in table.splitlines() if line.split()[1] == str(pid)]


def _alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    if Path("/proc").is_dir():
        return state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return subprocess.run(["ps", "-p", str(pid)], capture_output=True).returncode == 0
