"""Local peers that speak the real wire format of the services we depend on, for demos and tests without keys."""
