"""From `books` to `public`: the policy decides what is told, the publisher tells it exactly once."""
