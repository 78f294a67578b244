"""What is scored: datasets and their test sets, wherever they lie and however they are laid out."""
