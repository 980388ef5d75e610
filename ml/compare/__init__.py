"""Networks trained and measured alike, so that their figures can be put side by side."""
