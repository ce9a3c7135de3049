"""Child processes for fragile or heavy work: `pool` is the parent's side, `child` the other, `frames` what they say."""
