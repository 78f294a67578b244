"""What is kept: rows and records, what was fitted, and what was measured of them."""
