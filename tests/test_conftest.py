import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(("promise", "code"), [("0", 0), ("1", 1)])
@pytest.mark.parametrize("where", ["in a test", "in a module"])
def test_a_skip_fails_where_every_test_is_promised(tmp_path, monkeypatch, promise, code, where):
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    skip = "pytest.importorskip('no_such_tool')"
    text = f"import pytest\ndef test_it():\n    {skip}\n" if where == "in a test" else f"import pytest\n{skip}\n"
    text += "def test_other():\n    assert True\n"
    (tmp_path / "test_skipping.py").write_text(text, encoding="utf-8")
    (tmp_path / "test_fine.py").write_text("def test_it():\n    assert True\n", encoding="utf-8")
    monkeypatch.setenv("AECOURSE_NO_SKIPS", promise)
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "--rootdir", tmp_path, tmp_path], cwd=tmp_path,
                          capture_output=True, text=True, encoding="utf-8")
    assert (done.returncode != 0) == bool(code), done.stdout
