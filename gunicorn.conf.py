"""gunicorn reads this file where it is started: no proxy stands in front of the server, so no client is believed about
the address that it asked for (X-Forwarded-Proto, SCRIPT_NAME)."""

forwarded_allow_ips = ""
