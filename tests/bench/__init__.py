"""What is claimed about speed, measured beside a baseline in the same run."""
