"""杏林 Xinglin: medicine supply for a county medical community."""

__version__ = "0.1.0"
