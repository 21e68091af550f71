"""The JSON API: one file per room, because machines ask for things."""
