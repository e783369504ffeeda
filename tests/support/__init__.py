"""What tests share: a real Postgres, small logs, a running service."""
