"""Writes one HTML page with charts from the results of ``scanproof compare``."""
