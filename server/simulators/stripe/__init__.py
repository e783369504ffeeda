"""A small Stripe on this machine: what it answers to the official SDK, and the gifts that reach our webhook from it.

`state` remembers payments, `peer` answers questions about them over HTTP, `traffic` makes them up and sends the signed
events to the real webhook, with what real life adds: duplicates, swapped and late deliveries, retries, types nobody
handles. `shapes` builds the objects, `variety` decides what people give. Everything follows from one seed, ids included:
use a fresh seed for a log that has seen one already.
"""
