"""The lecture's claims about layers and losses, each checked by running the layer itself.

A module here declares claims with `autograd_core.symbolic.claims`; ``gradproof prove nn`` runs
them. Nothing imports this package but who asks for its claims, since it loads the prover.
"""
