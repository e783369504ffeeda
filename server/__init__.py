"""The process: wires the parts together, speaks HTTP and websocket, talks to the outside.

`app.py` is the composition root; every other module receives what it needs as arguments.
"""
