"""Witnesses: being one for other logs (`keeper`, `routes`, `standalone`), and asking those of our own (`asking`)."""
