"""Source verifiers: services that publish a contract's source after compiling it to the code on the chain."""
