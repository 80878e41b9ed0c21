"""The lecture's claims about training as a whole, each checked by running the library's own code.

A module here declares claims with `autograd_core.symbolic.claims`; ``gradproof prove analysis`` runs
them. Nothing imports this package but who asks for its claims, since it loads the prover.
"""
