"""Measures stains, nuclei and texture of breast histology, tile by tile."""
