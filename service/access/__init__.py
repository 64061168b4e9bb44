"""Who may do what: named people, their roles, and the keys that programs use for them."""
