"""The numbers of a benchmark: pure functions of labels and scores, which know of no files."""
