"""The engine of the checks: what checks of several labs use. An exercise is data; the engine does the rest.

- `exercise` says what an exercise is, `lab` what a notebook calls; `show` is how a learner sees a verdict;
- `values` judges functions: `returned` reads what came back, `diagnose` names known mistakes, and what else is wrong
  with one number per image, `diagnose_forms` with results of other forms; whether images are visited one by one;
- `facts` judges an answer by what it does (networks, loops, functions that draw at random);
- `stub` sees that there is no answer yet;
- `call` runs an answer and outlives it;
- for an exercise's own use: `drawing` for fresh inputs, `look` for wrong values, `chance` for what draws at random.
"""
