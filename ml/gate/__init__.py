"""Recognises the modality of an image, so that the right model is chosen."""
