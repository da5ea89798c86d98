"""Lab 02, the autoencoder: one module an exercise. ``from aecourse.check import lab02 as check``."""

from aecourse.check.engine.lab import Lab, exercises

EXERCISES = exercises(__name__, __path__)  # in the order of their numbers
_lab = Lab("lab02", EXERCISES)
globals().update(_lab.checks)
use, summary, __getattr__ = _lab.use, _lab.summary, _lab.missing
