"""A course of one lesson and one lab with a small `aecourse` of its own: what the tests of build, run and lab need."""

from pathlib import Path

LESSON = '''# %% [markdown]
# # A toy lesson

# %%
from aecourse import toy
from IPython.display import display

prediction_a = None
prediction_b = None
prediction_c = None
record = {"lesson": "01", "name": "two", "statement": "one and one | together", "value": toy.two(), "unit": "nats",
          "spread": 0.123, "seeds": 3, "data": "mnist", "baseline": None, "paper": "2 (1950)", "bound": "",
          "held": True}
display({"text/plain": "claim", "application/vnd.aecourse.claim+json": record}, raw=True)

# %%
print("the same")

# %%
print("the same")
'''
LAB = '''# %% [markdown]
# # A toy lab

# %% nbgrader={"grade": false, "grade_id": "twice", "locked": false, "schema_version": 3, "solution": true, "task": false}
def twice(x):
    """Return 2x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "twice-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
print("checked")
### BEGIN HIDDEN TESTS
assert twice(2) == 4
### END HIDDEN TESTS
'''  # noqa: E501
HELPERS = {
    "__init__.py": "",
    "toy.py": "def two():\n    from aecourse.inner import one\n\n    return one.ONE + 1\n",
    "inner/__init__.py": "from . import one\n",
    "inner/one.py": "ONE = 1\n",
    "unused.py": "",
}


def make(root: Path) -> Path:
    """Write the sources of the toy course and return its folder."""
    files = {f"aecourse/{name}": text for name, text in HELPERS.items()}
    files |= {"authoring/lessons/01_toy.py": LESSON, "authoring/labs/lab01.py": LAB}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8", newline="\n")
    return root


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8", newline="\n")


def contents(root: Path) -> dict[str, bytes]:
    """Return every file of the course with its bytes, to see whether anything changed."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts}
