"""One page and the pictures from the results of ``scanproof compare``."""
