"""The HTTP API and the page, as one Flask application."""
