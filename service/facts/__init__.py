"""Reading and comparing the facts of two texts: quantities, dates, names, designations, denials.

Below the engines and the claims room, because all of them need the same reading: extraction to
rank claims, assessment to compare, the claim memory to keep "four B-52" and "two B-52" apart, the
citation gate to hold findings to their quotes.
"""
