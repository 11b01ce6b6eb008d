"""The clinic's verbs, as plain functions: `db` first, `by` and `now` last. They flush, and never commit."""
