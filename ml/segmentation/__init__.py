"""Outlines the tumour on a brain MRI slice: a U-Net, its training, its figures and its serving."""
