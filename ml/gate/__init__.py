"""What kind of image is it? Asked before a model is chosen."""
