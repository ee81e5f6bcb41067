"""Judges: models that say how good an answer is, or which of two is better.

judge           settings that all judged tasks share; how a judge is asked, once or several times
given           a file of answers in the place of the model that wrote them
prompts         what an MT-Bench judge reads: our own eight prompts, or a file in FastChat's form
verdicts        from a judge's words to a rating, a winner or a preference
games           two answers judged in both orders, and what the order did
questions       MT-Bench questions and answers in FastChat's form; how a model answers them
outputs         AlpacaEval outputs and annotations in alpaca_eval's form
win_rate        AlpacaEval's arithmetic
length_control  AlpacaEval's length-controlled win rate
rubrics         what makes an answer helpful, harmless, honest
agreement       Cohen's kappa between judges, repeats or people
repeats         several rounds of judging: their median, range and agreement
"""
