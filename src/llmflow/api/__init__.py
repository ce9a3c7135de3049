"""HTTP: `app` puts the surfaces together, routes/<surface>/<noun>.py serve them. No rules of any room live here."""
