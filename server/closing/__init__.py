"""Closing months: each log's trial balance is stated when a month is over, so that nothing is dated back (A11)."""
