"""Lab 03, linear surfaces and maps: one module an exercise. ``from aecourse.check import lab03 as check``."""

from aecourse.check.engine.lab import Lab, exercises

EXERCISES = exercises(__name__, __path__)  # in the order of their numbers
_lab = Lab("lab03", EXERCISES)
globals().update(_lab.checks)
use, summary, __getattr__ = _lab.use, _lab.summary, _lab.missing
