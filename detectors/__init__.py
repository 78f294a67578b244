"""The built-in detectors, one file each; every file is also an example for plugin authors."""

if __name__ != "forenbench.detectors":
    raise ImportError(f"import forenbench.detectors, not {__name__}: the folder is mapped to that name")
