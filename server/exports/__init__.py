"""Range exports: a part of a log as one file that is the same for ever (ledger/EXPORT.md)."""
