"""Who may do what: the caller, API keys of four kinds, sessions of people, accounts."""
