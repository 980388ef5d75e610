"""Trains and evaluates networks under the same protocols, so that their figures can be compared."""
