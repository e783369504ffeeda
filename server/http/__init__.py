"""The HTTP edge: one table of routes, and what every request meets on its way to a handler.

`routes.py` is the seam that areas of the service code against; `application.py` turns their tables into one
application. Implements "Edges" of the design's operations page. Knows no ledger and no product.
"""
