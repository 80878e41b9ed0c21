"""The command line of gradproof: the demo and its report, the doctor, the guard.

The engine and what stands on it are the packages `autograd_core`, `nn`, `optim` and `viz`, which
are installed beside this one. Importing `gradproof` imports none of them, so that `gradproof.guard`
can make sure first that it is really ours that Python will find.
"""
