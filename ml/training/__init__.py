"""Trains networks and writes their bundles. TensorFlow is imported by what trains, when it starts, not before."""
