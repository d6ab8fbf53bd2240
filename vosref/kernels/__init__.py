"""Fused, tiled, parallel twins of the definitions, with the same names and arguments; found by ``backend.py``."""
