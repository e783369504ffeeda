"""The slices: each is events, commands, decisions, projections and routes of one part of the charity's work."""
