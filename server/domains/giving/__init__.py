"""Gifts: from the provider's notice to an entry in `books`, and the tables that show them.

`events` names what is written, `commands` what is asked, `decide` turns one into the other, `projections` keeps
the tables. Rules: design/operations.md "Gift rules"; postings: reference/product.md f.4, signs of design/ledger.md 2.
"""
