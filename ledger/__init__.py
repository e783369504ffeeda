"""How history is made and proved. Knows no product, no transport and no provider.

Start with `SPEC.md` (the bytes), then `types.py` (the words), `plan.py` (the decision) and `store.py` (the writer).
This package imports nothing at its top so that a pure module never pulls in a database driver.
"""
