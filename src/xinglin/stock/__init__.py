"""Stock: lots, the ledger of movements, balances and holds."""
