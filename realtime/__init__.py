"""Sockets, channels, fan-out and exact recovery. Knows no ledger, no provider and no HTTP server.

Start with `PROTOCOL.md`. `connection.py` and `subscription.py` are state machines; `hub.py` moves the bytes.
"""
