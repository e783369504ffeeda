"""The websocket at the edge: aiohttp around `realtime.connection`, and the public log as a channel."""
