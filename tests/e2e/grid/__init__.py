"""A lake of four storage endpoints with a probe of each type, faults for it, and what the probes must say of each."""
