"""Solvers, one file each, behind the door `solve`. Each imports its library only when it is asked."""
