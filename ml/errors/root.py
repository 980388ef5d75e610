"""The root of the tree of errors."""

from __future__ import annotations


class MlError(Exception):
    """The root of the tree."""
