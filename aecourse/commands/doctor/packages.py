"""The packages of the course: are they there, new enough, and do they import? And torch, with its own ways to fail."""

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from aecourse.base import needs
from aecourse.commands.doctor.asked import read
from aecourse.commands.doctor.finding import TIMEOUT, Finding, ask

PAIR = ("torch", "torchvision")  # imported by a check of their own
VC_RUNTIME = "https://aka.ms/vs/17/release/vc_redist.x64.exe"


def packages(root: Path) -> Iterator[Finding]:
    """Each package of the learner's set, one problem for each cause."""
    modules = {package: module for module, package in needs.PACKAGES.items()}
    absent, good = needs.missing(), []
    gone = [package for package in absent if package != "torchvision"]  # the course does without
    if gone:
        yield Finding("PROBLEM", gone[0] if len(gone) == 1 else "not there",
                      "not installed" if len(gone) == 1 else f"not installed: {', '.join(gone)}", needs.install())
    there = {package: least for package, least in _requirements(root).items() if package not in absent}
    failed = _failures(root, [modules.get(package, package) for package in there if package not in PAIR])
    for cause in dict.fromkeys(failed.values()):
        users = [needs.package(module) for module, failure in failed.items() if failure == cause]
        finding = of_import(*cause, users)
        if finding.what not in gone:
            yield finding
    for package, least in there.items():
        version = _version(package)
        if version and _numbers(version) < _numbers(least):
            fix = newer_torch(_version("torch") or "") if package in PAIR else needs.install()
            yield Finding("PROBLEM", package, f"{version}, and the course needs {least} or newer", fix)
        elif package not in PAIR and modules.get(package, package) not in failed:
            good.append(f"{package} {version or '(version unknown)'}")
    if good:
        yield Finding("ok", "packages", ", ".join(good))


def of_import(text: str, module: str, absent: bool, users: list[str]) -> Finding:
    """Return the finding for a module that is not there or does not import, and so keeps its users from it."""
    package = needs.package(module)
    if package == module:
        package = (metadata.packages_distributions().get(module) or [module])[0]
    others = [user for user in users if user != package]
    needed = f"; {', '.join(others)} {'needs' if len(others) == 1 else 'need'} it" if others else ""
    version = _version(package)
    if absent or version is None:
        return Finding("PROBLEM", package, ("not installed" if absent else f"does not import: {text}") + needed,
                       needs.install())
    if package == "torch":
        said, fix = torch_error(text, version)
        return Finding("PROBLEM", package, said + needed, fix)
    return Finding("PROBLEM", package, f"{version} is installed and does not import: {text}{needed}",
                   f"python -m pip install --force-reinstall --no-deps {package}=={version}")


def torch_pair(root: Path) -> Iterator[Finding]:
    """Torch imports, computes where it was asked to, and torchvision, which other programs need, fits it."""
    torch, vision = _version("torch"), _version("torchvision")
    if torch is None or "torch" in needs.missing():
        return  # said above
    answer = ask(root, "torch_facts")
    facts = {fact[0]: fact[1:] for fact in read(answer.text)}
    if "torch" not in facts or answer.error.startswith("OMP"):
        yield Finding("PROBLEM", "torch", *torch_error(answer.error, torch))
        return
    [version] = facts["torch"]
    yield Finding("ok", "torch", version)
    if "device" not in facts:
        yield Finding("PROBLEM", "device", *facts.get("refused", [answer.error]))
    else:
        used, *there = facts["device"]
        others = [f"; {kind} is there too: AECOURSE_DEVICE={kind}" for kind in there if not used.startswith(kind)]
        yield Finding("ok", "device", used + "".join(others))
    if vision is None:
        yield Finding("note", "torchvision", "not installed; the course does without it",
                      needs.install() if needs.replaceable(_build(version)) else matching_torchvision(version))
        return
    plain = ask(root, "torchvision_facts")
    if plain.error:
        why = "was built for another torch" if "torchvision::" in plain.error else "does not import"
        yield Finding("note", "torchvision", f"{vision} {why}: {plain.error}. The course does without it; others "
                      "may need it.", matching_torchvision(version))
    else:
        yield Finding("ok", "torchvision", f"{read(plain.text)[0][1]}, fits torch")


def torch_error(error: str, version: str) -> tuple[str, str]:
    """Return what an error at the import of torch means and what helps. No command changes the build of torch."""
    said = f"{version} does not import: {error}"
    if re.search(r"WinError (126|127|1114)\b|DLL load failed", error):
        return (f"{said} (most often the Microsoft Visual C++ runtime is missing or old)",
                f"install the Microsoft Visual C++ Redistributable from {VC_RUNTIME} and open a new terminal; if that "
                f"does not help: {_reinstall_torch(version)}")
    if "OMP: Error #15" in error:
        return (f"{said} (two OpenMP runtimes in one process: torch brings one, most often a package of conda another)",
                "make a fresh environment without conda, python -m venv .venv, and install the course there. As a last "
                "resort KMP_DUPLICATE_LIB_OK=TRUE lets both run, which may slow down or falsify results")
    if "WinError 1455" in error:
        return (f"{said} (the paging file of Windows is too small)",
                "close other programs, or enlarge the paging file in the system settings of Windows")
    return said, _reinstall_torch(version, missing_library="cannot open shared object file" in error)


def matching_torchvision(torch: str) -> str:
    """Return what installs the torchvision of the same release and build as this torch."""
    release, build = torch.partition("+")[0], _build(torch)
    if needs.foreign(build):
        return _own_way(torch)
    major, minor, patch = [*_numbers(release), 0, 0][:3]
    command = f"python -m pip install --force-reinstall --no-deps torchvision==0.{minor + 15}.{patch}"  # as released
    if major != 2:
        command = "python -m pip install --force-reinstall torch torchvision"
    return command + _index(build)


def newer_torch(version: str) -> str:
    """Return what installs a newer torch, and the torchvision that fits, of the same build."""
    build = _build(version)
    if needs.foreign(build):
        return _own_way(version)
    return needs.install() if needs.replaceable(build) else (
        f"python -m pip install --upgrade torch torchvision{_index(build)}")


def _reinstall_torch(version: str, missing_library: bool = False) -> str:
    """Return what installs the same version and build again, with its own libraries where one is missing."""
    release, build = version.partition("+")[0], _build(version)
    if needs.foreign(build):
        return _own_way(version)
    exact = f"{release}+{build}" if build else release
    return ("python -m pip install --force-reinstall " + "--no-deps " * (not missing_library) + f"torch=={exact}"
            + _index(build))


def _build(version: str) -> str:
    return version.partition("+")[2] or needs.torch_build()


def _own_way(version: str) -> str:
    return (f"pip has no torch like this one, {version}, and would put another build in its place. Install it as it "
            "came here (a container, a supercomputer's module, a system's package, a build from source), together "
            "with the torchvision that belongs to it")


def _index(build: str) -> str:
    return f" --index-url {needs.BUILDS}/{build}" if build else ""


def _failures(root: Path, modules: list[str]) -> dict[str, tuple[str, str, bool]]:
    """Return module → (text, cause, whether that is not there) for those that do not import or end the process."""
    failed: dict[str, tuple[str, str, bool]] = {}
    waiting = list(modules)
    while waiting:
        answer = ask(root, "imports", *waiting)
        answers = read(answer.text)
        failed |= {name: tuple(failure) for name, *failure in answers if failure}
        waiting = waiting[len(answers):]
        if waiting and not (answers and answers[-1][1:]):  # it did not end at a failure: the next one ended the process
            name = waiting.pop(0)
            failed[name] = (answer.error or f"no answer in {TIMEOUT} s", name, False)
    return failed


def _requirements(root: Path) -> dict[str, str]:
    """Return package → lowest version that the course takes."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    found = (re.match(r"([\w.-]+)\s*>=\s*([\w.]+)", line) for line in tomllib.loads(text)["project"]["dependencies"])
    return {match[1]: match[2] for match in found if match}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> list[int]:
    """Return the leading numbers of a version: "2.13.0+cpu" gives [2, 13, 0]."""
    found = re.match(r"\d+(\.\d+)*", version)
    assert found, f"{version!r} begins with no number"
    return [int(n) for n in found[0].split(".")]
