"""`aecourse doctor`: what this computer has, what is wrong, and the command that fixes it.

Packages are imported in a process of their own, so that a broken one cannot stop the other checks.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from aecourse import CourseError
from aecourse.base import needs, project
from aecourse.commands.doctor import kernel, packages, system
from aecourse.commands.doctor.asked import broken
from aecourse.commands.doctor.finding import INDENT, Finding

CHECKS = (system.home, system.python, system.paths, packages.packages, packages.torch_pair, system.speed, system.data,
          system.course_disk, system.cache_disk, kernel.kernel, kernel.elsewhere, kernel.jupyterlab)


def doctor(root: Path = project.ROOT) -> int:
    """Print the findings of every check; return 1 if one of them keeps the course from running, else 0."""
    problems: dict[str, str] = {}
    for check in CHECKS:
        for finding in _isolated(check, root):
            met = finding.what == check.__name__ and finding.found in problems.values()  # what another check raised
            if met or finding.what in problems:  # one cause, said already
                continue
            if finding.mark == "PROBLEM":
                problems[finding.what] = finding.found
            print(f"{finding.mark:<8} {finding.what:<14} " + finding.found.replace("\n", "\n" + INDENT), flush=True)
            if finding.fix:
                print(f"{INDENT}fix: {finding.fix}", flush=True)
    print(f"\n{len(problems)} problem{'s' * (len(problems) > 1)} to fix before the course runs." if problems
          else "\nThe course can run: python -m aecourse lab")
    return int(bool(problems))


def _isolated(check: Callable[[Path], Iterator[Finding]], root: Path) -> Iterator[Finding]:
    try:
        yield from check(root)
    except CourseError as error:  # says itself how to fix it
        yield Finding("PROBLEM", check.__name__, str(error))
    except ImportError as error:  # what a package that is not there or broken keeps from being checked
        text, module, absent = broken(error)
        if not (absent and module in needs.PACKAGES | needs.BELOW):  # said among the packages
            yield packages.of_import(text, module, absent, [f"the check of {check.__name__}"])
    except Exception as error:  # whatever one check meets, the others still tell what they know
        yield Finding("PROBLEM", check.__name__, f"could not be checked ({type(error).__name__}: {error})",
                      needs.install())
