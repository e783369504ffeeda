"""Who somebody is. Until accounts are built: short Ed25519 tokens that the operator issues.

`authenticator.py` is the seam that every edge codes against; `tokens.py` is the first thing behind it.
"""
