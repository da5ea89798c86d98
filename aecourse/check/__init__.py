"""Checks for the labs: the engine, and one folder per lab with one module per exercise.

In a lab: ``from aecourse.check import lab02 as check``, then ``check.gaussian_nll(gaussian_nll)``.
"""
