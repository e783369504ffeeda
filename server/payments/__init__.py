"""Money that arrives through a card processor: its notices, the inbox they wait in, and what is asked back.

The way of a notice (design/architecture.md 4): `routes` reads it, `signature` verifies it, `inbox` keeps it sealed and
answers; `worker` takes it out again, `translate` says what it means, `booking` has the slice decide and appends; `fees`
asks the provider what the payment cost. Only `stripe_api` speaks the provider's API.
"""
