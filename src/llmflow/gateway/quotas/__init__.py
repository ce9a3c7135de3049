"""Who may spend what on models: `quotas` lets calls through, `ledger` counts exactly, `spend` keeps what they cost."""
