"""The questions of `prove`, a file each, and what they have in common.

`gradients` (prove.backward), `equality` (equal), `rules` (rule), `floats` (forward), `composition` (graph).
Each begins with `subjects`, what is asked as Programs, and ends with `reports`, what was decided as a
verdict; what decides stands outside of this folder.
"""
