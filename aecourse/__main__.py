"""``python -m aecourse``: the same commands as ``aecourse``."""

import sys

# This file must parse in an old Python, so that the sentence can be read there.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("aecourse needs Python 3.11 or newer; this is Python %d.%d. Install a newer one from "  # noqa: UP031
             "https://www.python.org/downloads/ and make the environment again." % sys.version_info[:2])

from aecourse.commands.cli import main

sys.exit(main())
