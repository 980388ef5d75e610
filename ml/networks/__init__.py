"""One network a file. Every layer is named, so that weights keep their names between processes and machines."""
