"""An attacker who knows what the public knows: what he learns under each rule of publishing, without it, by chance."""
