"""Checks for the labs: one engine, and one module per lab with its exercises.

In a lab: ``from aecourse.check import lab02 as check``, then ``check.gaussian_nll(gaussian_nll)``.
"""
