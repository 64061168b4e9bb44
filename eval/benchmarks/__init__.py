"""How fast is it? Each benchmark prints a table and writes JSON."""
