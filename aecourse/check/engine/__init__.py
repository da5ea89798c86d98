"""The engine of the checks: what every check uses. An exercise is data; the engine does the rest.

- `exercise` says what an exercise is, `lab` what a notebook calls and what a learner sees of a verdict (`show`);
- `values` and `results` look at what a function returns, `facts` at what an answer does, `stub` whether there is one;
- `call` runs an answer and outlives it, `diagnose` names the mistakes in wrong values;
- `inputs`, `look` and `chance` are for an exercise's own use: drawing inputs, looking at wrong values, and judging what
  draws at random.
"""
