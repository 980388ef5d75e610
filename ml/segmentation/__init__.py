"""Outlines the tumour on a brain MRI slice: training, evaluation and serving of a U-Net."""
