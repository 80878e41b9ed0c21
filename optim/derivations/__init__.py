"""The lecture's claims about optimization, each checked by running the update rule itself.

A module here declares claims with `autograd_core.symbolic.claims`; ``gradproof prove optim`` runs
them. Nothing imports this package but who asks for its claims, since it loads the prover.
"""
