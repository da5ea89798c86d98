"""`aecourse lab`: copies that are never overwritten, ports, and the server itself."""

import asyncio
import errno
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

from aecourse import CourseError
from aecourse.base import project
from aecourse.commands import copies, launch

LINKS = """[next](02_b.ipynb), [lab](../work/lab01.ipynb), [sheet](../exercises/lab01/lab01.ipynb#part), [web](https://a.b/c)
<img src="pictures/p.png">, ![p](pictures/p.png), `f[a](x)`, [part](#here), ![own](attachment:p.png)

[two]: 02_b.ipynb
"""


def sheet(text="...", mark="a", kind="sheet"):
    cells = [{"cell_type": "markdown", "id": "x", "metadata": {}, "source": text},
             {"cell_type": "code", "id": "y", "metadata": {"tags": ["t"]}, "source": "1 + 1", "execution_count": 7,
              "outputs": [{"output_type": "execute_result", "execution_count": 7, "metadata": {},
                           "data": {"text/plain": "2"}}]}]
    return json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {"aecourse": {kind: mark}}})


@pytest.fixture
def root(tmp_path):
    for name, text in (("notebooks/01_a.ipynb", sheet(LINKS, kind="source")), ("notebooks/pictures/p.png", "a picture"),
                       ("notebooks/02_b.ipynb", sheet(kind="source")), ("exercises/lab01/lab01.ipynb", sheet())):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_copies_are_made_once_and_never_overwritten(root):
    copy = root / "work/lab01.ipynb"
    assert copies.make(root) == ["work/01_a.ipynb: your copy is ready.", "work/02_b.ipynb: your copy is ready.",
                                 "work/lab01.ipynb: your copy is ready."]
    copy.write_text(sheet("my answer"), encoding="utf-8")
    assert copies.make(root) == []
    for name, kind in (("exercises/lab01/lab01.ipynb", "sheet"), ("notebooks/02_b.ipynb", "source")):
        (root / name).write_text(sheet("another question", "b", kind), encoding="utf-8")
    said = copies.make(root)
    assert len(said) == 1
    assert "changed since these copies were made: work/02_b.ipynb, work/lab01.ipynb." in said[0]
    assert "rename yours" in said[0]
    assert copy.read_text(encoding="utf-8") == sheet("my answer")
    copy.rename(root / "work/mine.ipynb")
    copies.make(root)
    assert "another question" in copy.read_text(encoding="utf-8")
    assert "my answer" in (root / "work/mine.ipynb").read_text(encoding="utf-8")


def test_a_copy_has_no_outputs_and_the_rest_of_its_sheet(root):
    copies.make(root)
    text, code = json.loads((root / "work/02_b.ipynb").read_text(encoding="utf-8"))["cells"]
    assert text == {"cell_type": "markdown", "id": "x", "metadata": {}, "source": "..."}
    assert code == {"cell_type": "code", "id": "y", "metadata": {"tags": ["t"]}, "source": "1 + 1",
                    "execution_count": None, "outputs": []}
    assert json.loads((root / "notebooks/02_b.ipynb").read_text(encoding="utf-8"))["cells"][1]["outputs"]


def test_a_new_run_of_a_lesson_is_no_change(root):
    copies.make(root)
    (root / "notebooks/02_b.ipynb").write_text(sheet(kind="source").replace("\"2\"", "\"3\""), encoding="utf-8")
    assert copies.make(root) == []


def test_links_lead_to_copies(root):
    copies.make(root)
    said = json.loads((root / "work/01_a.ipynb").read_text(encoding="utf-8"))["cells"][0]["source"]
    assert said == LINKS.replace("../work/lab01.ipynb", "lab01.ipynb").replace(
        "../exercises/lab01/lab01.ipynb", "lab01.ipynb").replace("pictures/", "../notebooks/pictures/")


def test_links_of_the_course_lead_to_files_from_the_copies(tmp_path):
    for name in ("notebooks", "exercises", "solutions"):
        shutil.copytree(project.ROOT / name, tmp_path / name)
    copies.make(tmp_path)
    links = [(path.name, link) for path in (tmp_path / "work").glob("*.ipynb")
             for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "markdown"
             for link in re.findall(r"\]\(([^)\s:#]+\.(?:ipynb|png|md))", cell["source"])]
    assert len(links) > 10
    assert not [(name, link) for name, link in links if not (tmp_path / "work" / link).is_file()]
    assert not [(name, link) for name, link in links if link.endswith(".ipynb") and "/" in link]


def test_many_new_copies_are_one_line(root):
    for n in range(3, 9):
        (root / f"notebooks/0{n}_c.ipynb").write_text(sheet(kind="source"), encoding="utf-8")
    assert copies.make(root) == ["Your copies of 8 lessons and 1 lab are in work/."]


@pytest.mark.parametrize("text", ["", "[]", "no notebook", '{"metadata": {}}', sheet()[:-9], '{"cells": 3}', "\udcff",
                                  "<<<<<<< HEAD\n" + sheet()])
def test_a_copy_that_is_no_notebook_any_more_is_said_and_left_alone(root, text):
    (root / "work").mkdir()
    (root / "work/lab01.ipynb").write_bytes(text.encode("utf-8", "surrogateescape"))
    (said,) = [line for line in copies.make(root) if "ready" not in line]
    assert said.startswith("work/lab01.ipynb is empty or cut off")
    assert "rename or delete it, then run again: python -m aecourse lab" in said
    assert (root / "work/lab01.ipynb").read_bytes() == text.encode("utf-8", "surrogateescape")
    assert launch.page("lab01", root) == "work"  # its folder, where it can be renamed
    assert launch.page("01_a", root) == "work/01_a.ipynb"


def test_a_lesson_that_is_not_whole_is_a_sentence(root):
    (root / "notebooks/02_b.ipynb").write_text("", encoding="utf-8")
    with pytest.raises(CourseError, match=r"02_b\.ipynb is not whole: unpack the course again.*git checkout"):
        copies.make(root)


def test_a_copy_that_says_nothing_of_its_sheet_counts_as_unchanged(root):
    (root / "work").mkdir()
    for text in ('{"cells": []}', '{"cells": [], "metadata": {"aecourse": 3}}'):
        (root / "work/lab01.ipynb").write_text(text, encoding="utf-8")
        assert not [line for line in copies.make(root) if "lab01" in line]


def test_a_folder_that_cannot_be_written_is_a_sentence(root):
    (root / "work").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(CourseError, match=r"cannot be written.*rename what lies there"):
        copies.make(root)


def test_a_full_disk_is_a_sentence(root, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(project, "write", full)
    with pytest.raises(CourseError, match=r"disk is full.*free some space"):
        copies.make(root)


def test_the_page_to_open(root):
    assert launch.choose(None, root) == "01_a"
    assert launch.choose("02", root) == "02_b"
    assert launch.choose("lab01", root) == "lab01"
    with pytest.raises(CourseError, match="01_a, 02_b, lab01"):
        launch.choose("09", root)


def test_an_empty_course_opens_without_a_page(tmp_path):
    assert launch.choose(None, tmp_path) is None
    assert launch.page(None, tmp_path) == ""
    assert copies.make(tmp_path) == []


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


def test_a_socket_is_not_closed_at_its_first_ping():
    from jupyter_server.base.websocket import WebSocketMixin
    from jupyter_server.serverapp import ServerApp

    app = ServerApp()
    options = launch._options(Path.cwd(), "/lab", 8888, "token", False)
    app.parse_command_line([option for option in options if option.startswith("--ServerApp.tornado_settings")])
    socket = type("Socket", (WebSocketMixin,), {"settings": app.tornado_settings})()
    # An answer is missed when the next ping is due and the timeout is over: it must be more than one interval.
    assert socket.ping_interval == 0 or socket.ping_timeout >= 2 * socket.ping_interval


@pytest.fixture
def server(root, request):
    """Start `aecourse lab` on the toy course, as a learner does, and give the process, address and token."""
    code = ("import sys; from pathlib import Path; from aecourse.commands.launch import lab; "
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
            if "Ctrl-C" in line:
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
    assert f"saved after {launch.AUTOSAVE} seconds" in said
    pattern = r"(http://127\.0\.0\.1:\d+)/lab/tree/work/01_a\.ipynb\?token=(\w{48})"
    address, token = re.search(pattern, said).groups()

    def ask(path, key=token, data=None):
        headers = {"Authorization": f"token {key}"}
        with urllib.request.urlopen(urllib.request.Request(address + path, data, headers), timeout=30) as answer:
            return answer.read().decode()

    page = ask("/lab/tree/work/01_a.ipynb")
    settings = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    assert any("announcements" in name for name in settings["disabledExtensions"])  # nobody is asked about news
    with pytest.raises(urllib.error.HTTPError, match="403"):
        ask("/api/contents", key="wrong")
    autosave = json.loads(ask("/lab/api/settings/@jupyterlab/docmanager-extension:plugin"))["schema"]["properties"]
    assert autosave["autosaveInterval"]["default"] == launch.AUTOSAVE <= 10
    assert "custom/custom.css" in page
    assert "jp-RenderedImage" in ask("/custom/custom.css")
    kernel = json.loads(ask("/api/kernels", data=b'{"name": "python3"}'))["id"]
    assert asyncio.run(_socket(f"{address.replace('http', 'ws')}/api/kernels/{kernel}/channels?token={token}"))
    children = _children(process.pid)
    assert children

    process.send_signal(getattr(signal, name))
    rest, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in rest
    assert "ping" not in rest  # the server's own settings of its pings are no matter for a learner
    assert "The course is closed." in rest
    assert not any(map(_alive, children))


async def _socket(url: str) -> bool:
    """Open a socket as a page does, ask the kernel who it is, and return whether it answers.

    It must be asked: what a kernel says by itself may be over before the socket is open.
    """
    from jupyter_client.session import Session
    from tornado.websocket import websocket_connect

    question = Session().msg("kernel_info_request") | {"channel": "shell"}
    connection = await websocket_connect(url)
    try:
        await connection.write_message(json.dumps(question, default=str))
        async with asyncio.timeout(60):
            while (message := await connection.read_message()) is not None:
                answer = json.loads(message)
                if answer["parent_header"].get("msg_id") == question["header"]["msg_id"]:
                    return answer["msg_type"] in ("status", "kernel_info_reply")
        return False
    finally:
        connection.close()


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
