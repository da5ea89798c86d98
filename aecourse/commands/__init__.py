"""The commands, ``python -m aecourse NAME``; `cli` reads the line and calls one of them.

- ``lab``: `launch` opens JupyterLab (its settings: ``jupyter/``) on the learner's `copies`, with the kernels of
  `kernels`;
- ``run``: `execute` runs a notebook, `render` makes a page of it (``static/`` holds MathJax);
- ``doctor``: `doctor` looks at this computer, `places` at what can be written;
- ``data --bundle``: `bundle` packs the course for a room without a network.

``build`` is the authors' and lies in `aecourse.authoring`.
"""
