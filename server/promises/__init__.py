"""Promises to givers (SPEC.md 17): what was booked will be public by a named time, signed at once, checked offline."""
