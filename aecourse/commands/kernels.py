"""What `aecourse lab` does differently from a plain Jupyter server: its kernels, and what is saved of a widget."""

from pathlib import Path
from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

from aecourse.base import console, project


class CourseKernels(AsyncMappingKernelManager):
    """Kernels that import the `aecourse` of this folder and explain a learner's first errors (`base/notebook.py`)."""

    async def start_kernel(self, **kwargs: Any) -> str:  # type: ignore[override]  # as the base class overrides it
        """Start a kernel as the server does."""
        name = kwargs.get("kernel_name") or self.default_kernel_name
        assert self.kernel_spec_manager is not None  # the server hands one over
        if any("ipykernel" in part for part in self.kernel_spec_manager.get_kernel_spec(name).argv):
            session = {key: value for key, value in kwargs.get("env", {}).items() if key == "JPY_SESSION_NAME"}
            kwargs["env"] = project.kernel_environment(Path(self.root_dir)) | session  # the notebook's path
            kwargs["extra_arguments"] = [*kwargs.get("extra_arguments", []), "--ext=aecourse.base.notebook"]
        return await super().start_kernel(**kwargs)


def forget_widgets(model: dict[str, Any], **_: Any) -> None:
    """Take widgets out of a notebook that is about to be saved: without its kernel each would read "model not found".

    The rest of the output stays: a picture, or the text that says how to get the widget back.
    """
    if model["type"] != "notebook":
        return
    for cell in model["content"].get("cells", []):
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(console.WIDGET, None)
