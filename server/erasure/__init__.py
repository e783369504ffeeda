"""Erasure: a person's key is destroyed, what leads to the person removed, all of it written down (attacks D1–D9)."""
