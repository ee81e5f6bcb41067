"""Generation and scoring: what happens between ids and log-probabilities behind `local:DIR`.

    weights            the parameters as they are read: a layer at a time, side by side, cast once
    network            the decoder's forward pass over those, whatever its attention looks at
    cache, cached      keys and values of what was read, and attention over them
    batch              rows that generate together, and come and go one by one
    sample, answer     from logits to tokens, from tokens to text
    score, likelihood  from score requests to passes through the model, and those passes
    owner              the one thread that does all the work

Shapes depend on the item alone, or cannot be seen in its numbers, so an answer or a score never
depends on what else the model is doing.
"""
