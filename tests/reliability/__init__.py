"""Campaigns that look for what seldom goes wrong.

``python -m reliability NAME SIZE``, in ``tests/``, runs one and prints its figures; the exit code is 1 if it
found a fault. ``test_short.py`` runs a short form of each.
"""
