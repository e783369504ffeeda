"""Keeping what is there: backups that say if they are whole, restores that check before they open, rebuilt tables."""
