"""What every room uses: database, vectors, errors, text, sentences, language."""
