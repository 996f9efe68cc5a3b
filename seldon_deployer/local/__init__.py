"""The embedded runtime: a Seldon cluster on one machine, on loopback."""
