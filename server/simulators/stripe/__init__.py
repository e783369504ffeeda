"""A small Stripe on this machine: what it answers to the official SDK, and the gifts that reach our webhook from it.

`state` remembers payments, `peer` answers questions about them over HTTP, `traffic` makes them up and sends the signed
events to the real webhook, with what real life adds: duplicates, swapped and late deliveries, retries, types nobody
handles. `shapes` builds the objects, `variety` decides what people give, `script` what they lead to, `tally` what the
books should say at the end. All of it follows from one seed, ids included: a log that has seen a seed needs a new one.
"""
