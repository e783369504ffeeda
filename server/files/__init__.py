"""A log as files: what readers without our service verify, and what a lost database is recovered from.

Under one place (SECONDWIND_PUBLISH_TO), a directory or an S3-compatible bucket:

ledger/             the log `public` as c2sp.org/tlog-tiles; any web server or CDN serves it
sealed/<log>/       sealed by the vault: the other logs' files, and of every log the rows that stand beside its entries
"""
