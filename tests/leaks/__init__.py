"""What a stranger can learn: a scanner that looks for leaks of a whole year, and an attacker who draws conclusions."""
