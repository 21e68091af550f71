"""Orders: requisitions from basket to receipt."""
