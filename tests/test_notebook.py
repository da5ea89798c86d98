"""What a kernel says about cells that ran too early, packages that are missing and answers that are out of date."""

import asyncio
import json
import os
import re
import shutil
import sys
import time

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from aecourse.base import notebook
from aecourse.base.needs import PACKAGES
from aecourse.check import lab02 as check
from aecourse.check.engine import lab as engine

FIRST = "import math\n\nfrom aecourse import losses\nlevel = 3"
CELLS = {"first": FIRST, "later": "# a net\nwidth = [level]", "answer": "def gaussian_nll(x_hat, x, sigma):\n    ..."}


class Kernel:
    """A shell like a kernel's, with a notebook of the course; `run` returns what it showed of an error."""

    def __init__(self, path):
        self.path, self.shown = path, []
        self.save(CELLS)
        self.shell = InteractiveShell(config=Config(HistoryManager={"enabled": False}))
        self.shell._showtraceback = lambda kind, error, lines: self.shown.append("\n".join(lines))

    def save(self, cells, later=0.0):
        code = [{"cell_type": "code", "id": name, "source": text.splitlines(keepends=True)}
                for name, text in cells.items()]
        text = [{"cell_type": "markdown", "id": "text", "source": "import aecourse"}]
        self.path.write_text(json.dumps({"cells": [*text, *code]}), encoding="utf-8")
        os.utime(self.path, (time.time() + later,) * 2)

    def run(self, source, cell=None):
        self.shown.clear()
        self.shell.run_cell(source, cell_id=cell)
        return re.sub(r"\x1b\[[0-9;]*m", "", "".join(self.shown))


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    monkeypatch.setattr(notebook, "_state", notebook._State(False, notebook._Run(None, "", 0.0), {}, {}))
    monkeypatch.setattr(notebook, "_shell", None)
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "lesson.ipynb"))
    kernel = Kernel(tmp_path / "lesson.ipynb")
    notebook.load_ipython_extension(kernel.shell)
    notebook.load_ipython_extension(kernel.shell)  # the second time changes nothing
    return kernel


@pytest.mark.parametrize("name", ["level", "math", "width", "anything"])
def test_before_the_first_cell_every_unknown_name_is_a_sentence(kernel, name):
    assert kernel.run(f"print({name})", "later") == (
        f"NameError: {name} is not known yet: run the notebook's first code cell, which begins with `import math`, and "
        "then the cells from the top (menu Run > Run All Above Selected Cell).")


def test_after_the_first_cell_its_own_names_are_a_sentence_and_others_keep_their_traceback(kernel):
    assert kernel.run(FIRST, "first") == ""
    kernel.run("del level")
    assert kernel.run("level").startswith("NameError: level is not known yet")
    said = kernel.run("def f():\n    return typo\n\nf()")
    assert "in f()" in said
    assert "name 'typo' is not defined" in said
    assert "cell that begins" not in said
    said = kernel.run("width")
    assert "name 'width' is not defined" in said
    assert "width comes from the cell that begins with `# a net`, which did not run" in said


def test_a_kernel_that_loads_the_extension_with_its_first_cell_has_run_that_cell(kernel, monkeypatch):
    other = Kernel(kernel.path)
    other.shell.user_ns["load"] = lambda: notebook.load_ipython_extension(other.shell)
    other.run("load()\nfrom aecourse import losses", "first")
    assert "Traceback" in other.run("typo")


def test_a_first_cell_that_failed_counts_as_not_run(kernel):
    kernel.run("from aecourse import losses\n1 / 0")
    assert "is not known yet" in kernel.run("width")


def test_the_cell_of_a_name_that_stopped_with_an_error_is_said(kernel):
    kernel.run(FIRST, "first")
    kernel.run("1 / 0\nwidth = 3", "later")
    assert "The cell that defines width did not get to it when it last ran" in kernel.run("width")


@pytest.mark.parametrize(("source", "said"), [
    (FIRST.replace("math", "math\nprint(maths)"), "name 'maths' is not defined"),  # the first cell, edited
    ("def f():\n    print(x)\n    x = 1\n\nf()", "UnboundLocalError"),
    ("import statistics\nstatistics.fmean(number)", "name 'number'"),
])
def test_other_errors_of_names_keep_their_traceback(kernel, source, said):
    shown = kernel.run(source, "first")
    assert said in shown
    assert "Traceback" in shown
    assert "not known yet" not in shown


def test_a_mistake_in_a_package_keeps_its_traceback(kernel, tmp_path, monkeypatch):
    (tmp_path / "faulty.py").write_text("def f():\n    return width\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    shown = kernel.run("import faulty\nfaulty.f()", "x")
    assert "faulty.py" in shown
    assert "not known yet" not in shown


@pytest.mark.parametrize("text", [None, "", "[]", '{"cells": [{"cell_type": "code"}]}', json.dumps(
    {"cells": [{"cell_type": "code", "id": "a", "source": "import numpy"}]})])
def test_outside_a_notebook_of_the_course_errors_are_python_s_own(kernel, text):
    if text is None:
        kernel.path.unlink()
    else:
        kernel.path.write_text(text, encoding="utf-8")
    assert "Traceback" in kernel.run("typo")


@pytest.mark.parametrize(("module", "source"), [
    ("torch", "from torch import nn"), ("sklearn", "import sklearn"), ("ipywidgets", "import ipywidgets as w"),
])
def test_a_missing_package_is_a_sentence_with_its_command(kernel, monkeypatch, module, source):
    monkeypatch.setitem(sys.modules, module, None)
    said = kernel.run(source)
    assert "Traceback" not in said
    assert said.startswith(f"ModuleNotFoundError: {PACKAGES[module]} is not installed")
    assert "%pip install -r" in said


def test_another_missing_module_keeps_its_traceback(kernel):
    shown = kernel.run("import no_module_of_the_course")
    assert "Traceback" in shown
    assert "No module named 'no_module_of_the_course'" in shown


# ---- answers that are out of date -----------------------------------------------------------------------------------

GOOD = "def gaussian_nll(x_hat, x, sigma):\n    return (x - x_hat).square().sum(-1)"
ERROR = "The cell that defines `gaussian_nll` ended in an error when it last ran; this judges the version before it."


def outdated(kernel, capsys):
    """Run the check in the kernel; return the line of its card that says so, else ""."""
    capsys.readouterr()
    kernel.shell.user_ns["check"] = check
    assert kernel.run("check.gaussian_nll(gaussian_nll)", "check") == ""
    head, first, *_ = capsys.readouterr().out.splitlines()
    assert head == "✗ gaussian_nll: incorrect"
    return first.strip() if first.strip().startswith("The cell that define") else ""


@pytest.mark.parametrize("broken", [
    GOOD.replace("):", ")"), GOOD + ")", GOOD.replace("    return", "return"), "gaussian_nll = = 3",
    "1 / 0\n" + GOOD, "import no_such_module_here\n" + GOOD, GOOD.replace("def ", "async def ") + "\n  x",
    "gaussian_nll: object = (",
])
def test_a_check_says_that_the_answer_s_cell_has_an_error(kernel, capsys, broken):
    kernel.run(GOOD, "answer")
    assert outdated(kernel, capsys) == ""
    kernel.run(broken, "answer")
    assert outdated(kernel, capsys) == ERROR
    kernel.run(GOOD, "answer")
    assert outdated(kernel, capsys) == ""


def test_a_model_is_known_by_the_name_that_the_learner_gave_it(kernel, capsys):
    kernel.shell.user_ns["check"] = check
    kernel.run("import torch\nmine = torch.nn.Linear(2, 2)", "answer")
    kernel.run("mine = = 3", "answer")
    capsys.readouterr()
    kernel.run("check.trained(mine)", "check")
    assert "The cell that defines `mine` ended in an error when it last ran" in capsys.readouterr().out


def test_a_check_says_that_the_answer_s_cell_was_stopped(kernel, capsys):
    kernel.run(GOOD, "answer")
    kernel.run("raise KeyboardInterrupt\n" + GOOD, "answer")
    assert outdated(kernel, capsys) == ERROR.replace("ended in an error when", "was stopped when")


def test_an_error_after_the_definition_is_none_of_the_answer(kernel, capsys):
    kernel.run(GOOD, "answer")
    kernel.run(GOOD + "\n1 / 0", "answer")
    assert outdated(kernel, capsys) == ""


@pytest.mark.parametrize("source", ["def gausian_nll(x):\n    return x", "# later", "def gaussian_nll2)"])
def test_a_check_says_that_the_cell_no_longer_defines_its_name(kernel, capsys, source):
    kernel.run(GOOD, "answer")
    kernel.run("x = 3", "other")
    kernel.run(source, "answer")
    assert outdated(kernel, capsys).startswith("The cell that defined `gaussian_nll` no longer does")


def test_a_check_says_that_the_cell_was_edited_since_where_the_notebook_was_saved(kernel, capsys):
    kernel.run(GOOD, "answer")
    kernel.save(CELLS | {"answer": GOOD}, later=5)
    assert outdated(kernel, capsys) == ""
    kernel.save(CELLS | {"answer": GOOD + "  # better"}, later=-5)  # saved before it ran
    assert outdated(kernel, capsys) == ""
    kernel.save(CELLS | {"answer": GOOD + "  # better"}, later=5)
    assert outdated(kernel, capsys) == ("The cell that defines `gaussian_nll` was changed after its last run; this "
                                        "judges the version that ran.")
    kernel.path.unlink()
    assert outdated(kernel, capsys) == ""


def test_a_graded_check_says_nothing_of_it(kernel, capsys, monkeypatch):
    monkeypatch.setattr(engine, "_GRADED", True)
    kernel.run(GOOD, "answer")
    kernel.run(GOOD + ")", "answer")
    kernel.shell.user_ns["check"] = check
    assert "ended in an error when" not in kernel.run("check.gaussian_nll(gaussian_nll)")


# ---- in real kernels ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_kernels_of_lab_have_the_extension_and_the_course_of_the_folder(tmp_path):
    from jupyter_client.kernelspec import KernelSpecManager

    from aecourse.commands.kernels import CourseKernels

    base = notebook.Path(notebook.__file__).parent
    shutil.copytree(base, tmp_path / "aecourse/base")
    shutil.copy(base.parent / "__init__.py", tmp_path / "aecourse")
    path = tmp_path / "lesson.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "id": "a", "source": FIRST}]}), encoding="utf-8")

    async def ask(code):
        manager = CourseKernels(root_dir=str(tmp_path), kernel_spec_manager=KernelSpecManager())
        session = {**os.environ, "JPY_SESSION_NAME": str(path)}
        key = await manager.start_kernel(kernel_name="python3", path="", env=session)
        await manager.restart_kernel(key)  # as a learner does when in doubt
        client = manager.get_kernel(key).client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=60)
            said = []
            reply = await client._async_execute_interactive(code, output_hook=said.append, timeout=60)
            return reply["content"], said
        finally:
            client.stop_channels()
            await manager.shutdown_all(now=True)

    reply, _ = asyncio.run(ask("level"))
    assert reply["status"] == "error"
    assert reply["ename"] == "NameError"
    assert [line[:31] for line in reply["traceback"]] == ["NameError: level is not known y"]
    _, said = asyncio.run(ask("import aecourse; print(aecourse.__file__)"))
    assert [m["content"]["text"].strip() for m in said if m["msg_type"] == "stream"] == [
        str(tmp_path / "aecourse/__init__.py")]
