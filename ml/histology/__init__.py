"""Breast histology: stains, nuclei and texture measured on tiles, and a linear classifier that votes over them."""
