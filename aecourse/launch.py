"""`aecourse lab`: the learner's copies of the labs, and JupyterLab on the course."""

import errno
import os
import secrets
import signal
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

from aecourse import CourseError, project

HOST = "127.0.0.1"
TRIES = 50  # ports in a row


def lab(lesson: str | None, root: Path = project.ROOT, port: int = 8888, browser: bool = True) -> int:
    """Copy the labs, open JupyterLab on a lesson (None: the first one), and return 0 when it is ended.

    Raises
    ------
    CourseError
        JupyterLab is missing, the folder cannot be written, the name is unknown, or no port is free.
    """
    if find_spec("jupyterlab") is None:
        raise CourseError("JupyterLab is not installed here: python -m pip install -r requirements.txt")
    page = choose_page(lesson, root)
    for line in copy_labs(root):
        print(line)
    free = free_port(port)
    if free != port:
        print(f"Port {port} is busy; the course takes {free}.")
    return _serve(root, page, free, browser and _has_display())


def choose_page(lesson: str | None, root: Path) -> str | None:
    """Return the notebook to open, relative to the root with forward slashes; None where nothing is built."""
    pages = {**project.lessons(root), **project.copies(root)}
    names = project.choose([lesson] if lesson else [], list(pages))
    return pages[names[0]].relative_to(root).as_posix() if names else None


def copy_labs(root: Path) -> list[str]:
    """Copy each lab into ``work/`` where there is no copy yet, and return lines that say what a learner should know."""
    lines = []
    sheets = project.exercises(root)
    for name, copy in project.copies(root).items():
        where = copy.relative_to(root).as_posix()
        try:
            if not copy.exists():
                project.write(copy, sheets[name].read_text(encoding="utf-8"))
                lines.append(f"{where}: your copy of the lab is ready.")
            elif _changed(sheets[name], copy):
                lines.append(f"{where}: the exercises changed since your copy was made. It stays as it is; for a fresh "
                             "one rename it, then run: python -m aecourse lab")
        except OSError as error:
            raise CourseError(f"{copy} cannot be written ({error.strerror or error}): put the course into a folder "
                              "that you may write.") from None
    return lines


def _changed(sheet: Path, copy: Path) -> bool:
    """Return whether the learner's copy was made from another sheet; a copy that does not say counts as unchanged."""
    made_from = _sheet(copy)
    return made_from is not None and made_from != _sheet(sheet)


def _sheet(path: Path) -> str | None:
    import json

    try:
        return json.loads(path.read_text(encoding="utf-8"))["metadata"]["aecourse"]["sheet"]
    except (ValueError, KeyError, TypeError):  # a learner may have saved anything there
        return None


def free_port(wanted: int) -> int:
    """Return the first port from `wanted` on that can be had on this computer's own address."""
    for port in range(wanted, min(wanted + TRIES, 65536)):
        with socket.socket() as probe:
            if os.name != "nt":  # as the server does; on Windows the option would allow a port in use
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                if error.errno in (errno.EADDRINUSE, errno.EACCES, getattr(errno, "WSAEACCES", errno.EACCES)):
                    continue
                raise CourseError(f"no port can be had on {HOST} ({error.strerror}); check the network settings "
                                  "of this computer.") from None
            return port
    raise CourseError(f"the ports from {wanted} on are all busy or not allowed; try another: "
                      f"python -m aecourse lab --port {10_000 + wanted % 10_000}")


def _has_display() -> bool:
    if os.environ.get("CI"):
        return False
    return not sys.platform.startswith("linux") or any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY"))


def _serve(root: Path, page: str | None, port: int, browser: bool) -> int:
    """Run JupyterLab in this process until a signal ends it: so nothing is left behind, and no question is asked."""
    from jupyter_core.utils import ensure_async
    from jupyterlab.labapp import LabApp

    token = secrets.token_hex(24)
    url = f"/lab/tree/{page}" if page else "/lab"
    server = LabApp.initialize_server(argv=_options(root, url, port, token, browser))

    server.web_app.settings["page_config_hook"] = _without_announcements

    async def end() -> None:
        # at once: a kernel in the middle of a training run would be waited for, then die with a traceback
        await ensure_async(server.kernel_manager.shutdown_all(now=True))
        server.stop()

    # Jupyter would ask on the first Ctrl-C, and on Windows or without a terminal leave its kernels to themselves.
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: server.io_loop.add_callback_from_signal(end))
    text = (f"\nThe course is open at\n\n    http://{HOST}:{port}{url}?token={token}\n\n"
            + ("Your browser opens it. " if browser else "Open this address in a browser on this computer. ")
            + "Ctrl-C in this window ends it.\n")
    server.io_loop.add_callback(print, text, flush=True)  # in the loop's queue behind the binding of the port
    server.start()
    print("\nThe course is closed.", flush=True)
    return 0


def _without_announcements(_, page_config: dict) -> dict:
    """Switch off the part of JupyterLab that asks whether to fetch news and looks for updates on the network."""
    page_config["disabledExtensions"].append("@jupyterlab/apputils-extension:announcements")
    return page_config


def _options(root: Path, url: str, port: int, token: str, browser: bool) -> list[str]:
    from jupyter_server.services.kernels.kernelmanager import MappingKernelManager

    options = [
        f"--ServerApp.root_dir={root}",
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",  # the port was chosen above, and announced
        f"--IdentityProvider.token={token}",
        f"--ServerApp.open_browser={browser}",
        f"--LabApp.open_browser={browser}",
        f"--LabApp.default_url={url}",
        "--ServerApp.log_level=WARN",
        "--LabApp.log_level=WARN",
        # milliseconds; with the server's own values tornado warns at each page that one cannot be longer than the other
        "--ServerApp.tornado_settings={'ws_ping_interval': 90000, 'ws_ping_timeout': 90000}",
        "--LabApp.extension_manager=readonly",  # no look-up of extensions on the network
    ]
    if "transport_encryption" in MappingKernelManager.class_traits():
        import zmq

        if zmq.has("curve"):  # else ipykernel warns that its local connection is not encrypted
            options.append("--MappingKernelManager.transport_encryption=auto")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container
        options.append("--allow-root")
    return options
