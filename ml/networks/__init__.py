"""Networks, one a file. Every layer has a fixed name, so that weights have the same names on every machine."""
