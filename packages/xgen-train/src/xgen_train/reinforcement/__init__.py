"""Group relative policy optimisation (Shao et al. 2024): a model learns from rewards.

recipe      what a run is
prompts     `Example` lines → the ids that are answered
reward      the function that says how good an answer is
sampler     groups of answers by the engine of xgen_model
rollout     answers, rewards, advantages and log-probabilities as batches
objective   the clipped loss, with KL to the reference, and what is logged
trainer     a run from beginning to end
section     what the report page shows
"""
