"""What was set aside for a time and not used in it: given back once, when the time is over."""
