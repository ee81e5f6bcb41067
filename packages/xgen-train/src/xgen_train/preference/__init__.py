"""Direct preference optimisation (Rafailov et al. 2023): from pairs of answers to a model.

recipe      what a run is
pairs       `Preference` lines → ids and masks, and what was dropped
reference   log-probabilities of all answers under the weights that the run starts from
feed        batches of pairs, with those beside them
objective   the loss of a pair, and what is logged of it
evaluation  the same figures of pairs that are held out
trainer     a run from beginning to end
section     what the report page shows
"""
