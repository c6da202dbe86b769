"""How good a representation is: probes, floors beside them, and the tables of the paper."""
