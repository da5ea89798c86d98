"""`aecourse lab`: the learner's copies, and JupyterLab on the course."""

import errno
import logging
import os
import secrets
import signal
import socket
import sys
from pathlib import Path

from aecourse import CourseError
from aecourse.base import project
from aecourse.commands import copies

HOST = "127.0.0.1"
TRIES = 50  # ports in a row
AUTOSAVE = 5  # seconds, as jupyter/labconfig sets it


def lab(lesson: str | None, root: Path = project.ROOT, port: int = 8888, browser: bool = True) -> int:
    """Make the learner's copies, open JupyterLab on a lesson (None: the first one), and return 0 when it is ended.

    Raises
    ------
    CourseError
        The folder cannot be written, the name is unknown, or no port is free.
    """
    name = choose(lesson, root)
    for line in copies.make(root):
        print(line)
    free = free_port(port)
    if free != port:
        print(f"Port {port} is busy; the course takes {free}.")
    return _serve(root, page(name, root), free, browser and _has_display())


def choose(lesson: str | None, root: Path) -> str | None:
    """Return the name of the lesson or lab to open; None where nothing is built."""
    names = project.choose([lesson] if lesson else [], list(project.copies(root)))
    return names[0] if names else None


def page(name: str | None, root: Path) -> str:
    """Return what to open, relative to the root with forward slashes: a copy, or where it cannot be read its folder."""
    if name is None:
        return ""
    copy = project.copies(root)[name]
    return (copy if copies.readable(copy) else copy.parent).relative_to(root).as_posix()


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


def _serve(root: Path, page: str, port: int, browser: bool) -> int:
    """Run JupyterLab in this process until a signal ends it: so nothing is left behind, and no question is asked."""
    from jupyter_core.utils import ensure_async
    from jupyterlab.labapp import LabApp

    from aecourse.commands.kernels import forget_widgets

    ours = _add_settings()
    # The server gives its pings in milliseconds to a library that reads seconds, and that warns about their relation.
    logging.getLogger("tornado.general").addFilter(lambda record: "websocket_ping_timeout" not in record.getMessage())
    token = secrets.token_hex(24)
    url = f"/lab/tree/{page}" if page else "/lab"
    server = LabApp.initialize_server(argv=_options(root, url, port, token, browser))

    server.web_app.settings["page_config_hook"] = _without_announcements
    server.web_app.settings["static_custom_path"].append(str(ours / "custom"))  # a learner's own custom.css goes first
    server.contents_manager.register_pre_save_hook(forget_widgets)
    server.log.addFilter(lambda record: "is not trusted" not in record.getMessage())  # said of every new copy

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
            + f"A change is saved after {AUTOSAVE} seconds;\nthen Ctrl-C in this window ends the course and loses "
            "nothing.\n")
    server.io_loop.add_callback(print, text, flush=True)  # in the loop's queue behind the binding of the port
    server.start()
    print("\nThe course is closed.", flush=True)
    return 0


def _add_settings() -> Path:
    """Let JupyterLab's default settings be the course's (a learner's own go before them); return their folder."""
    ours = Path(__file__).parent / "jupyter"
    others = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, [str(ours), others]))
    return ours


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
        "--ServerApp.kernel_manager_class=aecourse.commands.kernels.CourseKernels",
        "--LabApp.custom_css=True",
        "--LabApp.extension_manager=readonly",  # no look-up of extensions on the network
    ]
    if "transport_encryption" in MappingKernelManager.class_traits():
        import zmq

        if zmq.has("curve"):  # else ipykernel warns that its local connection is not encrypted
            options.append("--MappingKernelManager.transport_encryption=auto")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container
        options.append("--allow-root")
    return options
