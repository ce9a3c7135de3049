"""The graphs of apps: drafts and versions (`designs`), what of them runs (`plans`), and the way in and out."""
