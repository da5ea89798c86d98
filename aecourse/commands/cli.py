"""The command line: ``aecourse`` or ``python -m aecourse``. Everything heavy is imported when its command runs."""

import argparse
import sys
from pathlib import Path

from aecourse import CourseError, __version__
from aecourse.base import console


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code; a problem the reader can fix is one sentence on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=console.ERRORS)  # a letter that it lacks is no reason to stop
    arguments = _parser().parse_args(argv)
    try:
        return arguments.command(arguments)
    except CourseError as error:
        print(f"aecourse: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:  # what a package of the course needs itself, or an author's tool
        from aecourse.base import needs

        print(f"aecourse: {needs.lacking(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped.", file=sys.stderr)
        return 130


def _ready(command: str) -> None:
    """Say in one sentence what keeps a command from running here, before anything heavy is imported."""
    from aecourse.base import needs, project
    from aecourse.commands import places

    project.require_course(command)
    if other := project.other_course():
        print(f"This is the course in {project.ROOT}. For the one in {other} run there: python -m aecourse {command}")
    needs.require()
    if said := places.prepare():
        print(said)


def _lab(a: argparse.Namespace) -> int:
    _ready("lab")
    from aecourse.commands.launch import lab

    return lab(a.lesson, port=a.port, browser=a.browser)


def _run(a: argparse.Namespace) -> int:
    _ready("run")
    from aecourse.commands.render import run

    return run(a.names, quick=a.quick)


def _doctor(_: argparse.Namespace) -> int:
    from aecourse.base import project
    from aecourse.commands.doctor import doctor

    project.require_course("doctor")
    return doctor()


def _data(a: argparse.Namespace) -> int:
    from aecourse.base import datafiles

    if a.bundle:
        from aecourse.commands.bundle import bundle

        return bundle(a.bundle)
    print(datafiles.where(a.dataset))
    reports = datafiles.inspect(a.dataset)
    if not reports:  # drawn, so there is nothing to verify
        return 0
    _print_reports(reports)
    if any(report.state != "ok" for report in reports):
        datafiles.fetch(a.dataset)
        _print_reports(datafiles.inspect(a.dataset))
    print("All files are here and whole.")
    return 0


def _print_reports(reports: list) -> None:
    for report in reports:
        print(f"  {report.state:<10} {report.path}")


def _build(a: argparse.Namespace) -> int:
    _ready("build")
    from aecourse.authoring import build

    if a.draft:
        return build.draft(a.names)
    if not a.check:
        return build.build(a.names, force=a.force)
    problems = build.check(a.names)
    for line in problems:
        print(line)
    print(f"{len(problems)} to fix: python -m aecourse build" if problems else "Everything is built from its source.")
    return int(bool(problems))


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aecourse", description="A course on autoencoders: open it, check the computer, run it, build it.",
        epilog="example: python -m aecourse lab     (help on one command: python -m aecourse lab --help)")
    parser.add_argument("--version", action="version", version=f"aecourse {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name, function, short, long, example):
        sub = commands.add_parser(name, help=short, description=long, epilog="example: " + "\n         ".join(example),
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
        sub.set_defaults(command=function)
        return sub

    sub = command("lab", _lab, "open the course in JupyterLab",
                  "Copy the labs into work/ (once: your copies are never overwritten), then open JupyterLab on the\n"
                  "first lesson, or on the one you name, at 127.0.0.1. Ctrl-C ends it.",
                  ["python -m aecourse lab", "python -m aecourse lab 02 --no-browser --port 9000"])
    sub.add_argument("lesson", nargs="?", help="the start of a lesson's or lab's name, such as 02 or lab02")
    sub.add_argument("--port", type=_port, default=8888, help="the port to try first (default: %(default)s)")
    sub.add_argument("--no-browser", dest="browser", action="store_false", help="print the address, open no browser")

    command("doctor", _doctor, "check this computer, and say how to fix what is wrong",
            "Check Python, the packages, the pair of torch and torchvision, the data, the disk, the kernel and\n"
            "JupyterLab. Each problem comes with the command that fixes it. Exit code 1: the course cannot run.",
            ["python -m aecourse doctor"])

    sub = command("data", _data, "fetch the images, or verify them",
                  "Say for each file of the data set whether it is whole; download what is missing or damaged.\n"
                  "With --bundle, put MNIST and all packages into a folder, for computers without a network.",
                  ["python -m aecourse data", "python -m aecourse data --dataset fashion",
                   "python -m aecourse data --bundle stick"])
    sub.add_argument("--dataset", metavar="NAME", help="mnist (default), fashion or strokes (drawn, nothing to fetch)")
    sub.add_argument("--bundle", metavar="FOLDER", type=Path, help="fill a folder for computers without a network")

    sub = command("run", _run, "execute lessons and labs without a browser, into rendered/*.html",
                  "Execute the lessons and the labs' solutions and write each as one HTML page into rendered/. The\n"
                  "notebooks stay as they are. A page holds its pictures and MathJax, which sets the formulas: it\n"
                  "needs no network and no other file, and can be read on a phone.",
                  ["python -m aecourse run", "python -m aecourse run 02 lab02 --quick"])
    sub.add_argument("names", nargs="*", help="the start of a name, such as 02 or lab02 (default: all)")
    sub.add_argument("--quick", action="store_true", help="6,000 images in place of 60,000; claims are shown only")

    sub = command("build", _build, "for authors: build the notebooks from authoring/",
                  "Build the notebooks whose source, helpers or data set changed, and RESULTS.md. Needs\n"
                  "requirements-dev.txt.",
                  ["python -m aecourse build", "python -m aecourse build lab02 --force",
                   "python -m aecourse build --check", "python -m aecourse build lab02 --draft"])
    sub.add_argument("names", nargs="*", help="the start of a name, such as 02 or lab02 (default: all)")
    sub.add_argument("--check", action="store_true", help="build nothing; exit code 1 if anything needs to be built")
    sub.add_argument("--force", action="store_true", help="build also what is unchanged")
    sub.add_argument("--draft", action="store_true", help="execute the sources into rendered/*.html, store nothing")
    return parser
