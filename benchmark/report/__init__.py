"""One self-contained HTML page about one or more runs: tables, curves, mistakes, and what made them."""
