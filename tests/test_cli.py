"""The command line: exit codes, sentences, and what may not be loaded for a help text."""

import os
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from aecourse import CourseError
from aecourse.base import needs, project
from aecourse.commands import cli, render


def said(argv, capsys):
    code = cli.main(argv)
    out = capsys.readouterr()
    return code, out.out, out.err


def test_help_is_fast_and_loads_nothing_heavy():
    code = ("import sys\nfrom aecourse.commands.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
            "heavy = {'torch', 'numpy', 'matplotlib', 'nbformat', 'nbclient', 'jupytext'} & set(sys.modules)\n"
            "sys.exit(1 if heavy else 0)")
    seconds = []
    for _ in range(3):  # the best of three: another process may have the processor
        start = time.monotonic()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        seconds.append(time.monotonic() - start)
        assert done.returncode == 0, done.stderr
    for command in ("lab", "doctor", "data", "run", "build"):
        assert command in done.stdout
    assert min(seconds) < 0.5


@pytest.mark.parametrize("command", ["lab", "doctor", "data", "run", "build"])
def test_every_command_has_a_help_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    assert stop.value.code == 0
    assert f"example: python -m aecourse {command}" in capsys.readouterr().out


@pytest.mark.parametrize("port", ["0", "65536", "-1", "eight"])
def test_a_port_that_is_none_is_refused(port, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["lab", f"--port={port}"])
    assert stop.value.code == 2
    assert "from 1 to 65535" in capsys.readouterr().err


def test_a_problem_is_one_sentence_and_code_1(monkeypatch, capsys):
    def broken(*_, **__):
        raise CourseError("the sky is not blue.")

    monkeypatch.setattr(render, "run", broken)
    assert said(["run"], capsys) == (1, "", "aecourse: the sky is not blue.\n")


def test_ctrl_c_ends_without_a_traceback(monkeypatch, capsys):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(render, "run", stopped)
    assert said(["run"], capsys) == (130, "", "\nstopped.\n")


@pytest.mark.parametrize("command", ["lab", "run", "build", "doctor"])
@pytest.mark.parametrize("where", ["somewhere", "in the course's folder", "below it"])
def test_a_package_without_its_lessons_says_that_the_course_is_run_from_its_folder(
        command, where, tmp_path, monkeypatch, capsys):
    (tmp_path / "site-packages").mkdir()
    monkeypatch.setattr(project, "ROOT", tmp_path / "site-packages")
    course = tmp_path / "course"
    for room in ("aecourse", "notebooks", "authoring"):
        (course / room).mkdir(parents=True)
    monkeypatch.chdir({"somewhere": tmp_path, "below it": course / "notebooks"}.get(where, course))
    code, out, err = said([command], capsys)
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "the course is run from its folder" in err
    assert ("pip install -r requirements.txt" in err) is (where == "somewhere")
    assert (f"In {course} run: python -m aecourse {command}" in err) is (where != "somewhere")


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a folder in which a terminal is")
def test_a_terminal_in_a_folder_that_was_deleted_is_a_sentence(tmp_path, monkeypatch, capsys):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for command in ("lab", "run", "doctor"):
        code, _, err = said([command], capsys)
        assert code == 1
        assert f"cd {project.ROOT}" in err


def test_a_package_without_its_lessons_still_fetches_data(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(project, "ROOT", tmp_path)
    code, out, _ = said(["data", "--dataset", "strokes"], capsys)
    assert code == 0
    assert "strokes" in out


@pytest.mark.parametrize("command", ["lab", "run", "build"])
@pytest.mark.parametrize("module", [name for name in needs.PACKAGES | needs.BELOW if name != "torchvision"])
def test_a_missing_package_is_one_sentence_at_once(command, module, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, module, None)
    code, out, err = said([command], capsys)
    assert (code, out) == (1, "")
    assert f"{needs.package(module)} is not installed" in err
    assert "python -m pip install -r" in err
    assert len(err.splitlines()) == 1


def test_torchvision_alone_is_a_line_before_the_command_goes_on(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setattr(render, "run", lambda *_, **__: 0)
    code, out, err = said(["run"], capsys)
    assert (code, err) == (0, "")
    assert "torchvision is not installed" in out


@pytest.mark.parametrize(("name", "said_of_it"),
                         [("tornado.web", "tornado"), ("PIL", "pillow"), ("sklearn.svm", "scikit-learn")])
def test_what_a_package_needs_itself_is_one_sentence_too(monkeypatch, capsys, name, said_of_it):
    def broken(*_, **__):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(render, "run", broken)
    code, _, err = said(["run"], capsys)
    assert code == 1
    assert err.startswith(f"aecourse: {said_of_it} is not installed")


def test_a_missing_module_of_the_course_itself_is_no_missing_package(monkeypatch):
    def broken(*_, **__):
        raise ModuleNotFoundError("No module named 'aecourse.gone'", name="aecourse.gone")

    monkeypatch.setattr(render, "run", broken)
    with pytest.raises(ModuleNotFoundError):
        cli.main(["run"])


def test_an_unknown_data_set_is_a_sentence(capsys):
    code, _, err = said(["data", "--dataset", "hats"], capsys)
    assert code == 1
    assert "mnist, fashion" in err


def test_each_file_of_the_data_is_named_with_its_state(tmp_path, monkeypatch, capsys):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "t10k-labels-idx1-ubyte").write_bytes(b"short")
    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path))
    code, out, err = said(["data"], capsys)
    assert code == 1
    assert out.count("missing") == 3
    assert "truncated" in out
    assert "AECOURSE_DATA" in err


# ---- run ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path):
    def notebook(name, *sources):
        cells = [nbformat.v4.new_markdown_cell("# A page with $x^2$")]
        cells += [nbformat.v4.new_code_cell(source) for source in sources]
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / name)

    notebook("notebooks/01_good.ipynb", "import os\nprint('quick', os.environ.get('AECOURSE_QUICK'))")
    notebook("notebooks/02_bad.ipynb", "x = 1", "print('before')\nraise KeyError('gone')")
    notebook("solutions/lab01/lab01.ipynb", "import os\nprint('in', os.path.basename(os.getcwd()))")
    return tmp_path


@pytest.mark.slow
def test_run_writes_pages_names_what_fails_and_leaves_the_notebooks(course, capsys):
    before = {path: path.read_bytes() for path in course.rglob("*.ipynb")}
    assert render.run([], course) == 1
    out = capsys.readouterr().out
    assert "01_good: done in" in out
    assert "02_bad, cell 3" in out
    assert "    raise KeyError('gone')" in out
    assert "KeyError: 'gone'" in out
    assert "1 of 3 failed: 02_bad" in out
    assert {path: path.read_bytes() for path in course.rglob("*.ipynb")} == before
    assert sorted(path.name for path in (course / "rendered").iterdir()) == ["01_good.html", "lab01.html"]
    assert "quick None" in (course / "rendered/01_good.html").read_text(encoding="utf-8")
    assert "in lab01" in (course / "rendered/lab01.html").read_text(encoding="utf-8")


def test_run_quick_reaches_the_kernel(course):
    assert render.run(["01"], course, quick=True) == 0
    assert "quick 1" in (course / "rendered/01_good.html").read_text(encoding="utf-8")


def test_run_without_notebooks_or_with_a_broken_one(course, tmp_path_factory, capsys):
    with pytest.raises(CourseError, match="no built notebooks"):
        render.run([], tmp_path_factory.mktemp("empty"))
    (course / "notebooks/01_good.ipynb").write_text("{", encoding="utf-8")
    assert render.run(["01"], course) == 1
    assert "cannot be read as a notebook" in capsys.readouterr().out


@pytest.mark.parametrize("kernel", ['{', '{"argv": ["/gone/python"], "display_name": "x", "language": "python"}',
                                    '{"argv": ["python", "-c", "1"], "display_name": "x", "language": "python"}'])
def test_a_kernel_that_does_not_start_ends_the_run_in_one_sentence(course, tmp_path, monkeypatch, capsys, kernel):
    (tmp_path / "kernels/python3").mkdir(parents=True)
    (tmp_path / "kernels/python3/kernel.json").write_text(kernel, encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    with pytest.raises(CourseError, match=r"^no kernel starts here \(.*python -m aecourse doctor$"):
        render.run([], course)
    assert capsys.readouterr().out == ""
    assert not (course / "rendered").exists()


@pytest.mark.slow
def test_run_needs_no_tool_of_the_authors(course):
    code = ("import sys\nfrom pathlib import Path\nfor name in ('jupytext', 'nbgrader'): sys.modules[name] = None\n"
            "from aecourse.commands.render import run\nsys.exit(run(['01'], Path(sys.argv[1])))")
    done = subprocess.run([sys.executable, "-c", code, str(course)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no warning about encryption, alternative texts or the like


@pytest.mark.slow
def test_printed_pieces_become_one_output(course):
    from aecourse.commands.execute import execute

    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(
        "import sys, time\nfor i in range(3):\n    print(i, flush=True); time.sleep(0.3)\n"
        "display(3)\nprint(4)")])
    execute(nb, course, course, "pieces")
    assert [output.get("text") for output in nb.cells[0].outputs] == ["0\n1\n2\n", None, "4\n"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console, this test's too")
def test_ctrl_c_ends_a_run_at_once_and_its_kernel_with_it(course):
    cell = "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(60)"
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    nbformat.write(nb, course / "notebooks/01_good.ipynb")
    code = ("import signal, sys\nfrom pathlib import Path\nfrom aecourse.commands import cli, render\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job is born without
            "render.run.__defaults__ = (Path(sys.argv[1]), False)\nsys.exit(cli.main(['run', '01']))")
    process = subprocess.Popen([sys.executable, "-c", code, str(course)], stderr=subprocess.PIPE, text=True)
    pid = course / "notebooks/pid"
    end = time.monotonic() + 30
    while not (pid.exists() and pid.read_text()) and time.monotonic() < end:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (130, "\nstopped.\n")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert not (course / "rendered").exists()
