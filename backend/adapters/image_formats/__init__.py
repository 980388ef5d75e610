"""Image files without their metadata: one module a format, each with ``strip``."""
