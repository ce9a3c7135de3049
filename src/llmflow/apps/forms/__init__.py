"""Forms: what runs ask people, who answered, what was never answered in time."""
