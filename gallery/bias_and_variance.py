"""
Bias and variance
=================

Four pairs of errors, and what they say. What a human gets wrong is the least that can be hoped for: with it, a
classifier that looked biased is as good as it can be.
"""

from _common import panels, table

import fastopt as fo

cases = [(0.01, 0.11, 0.0), (0.15, 0.16, 0.0), (0.15, 0.30, 0.0), (0.005, 0.01, 0.0), (0.15, 0.16, 0.15)]
rows = []
for train, dev, human in cases:
    found = fo.diagnose_errors(train, dev, human)
    says = " and ".join(found.problems) or "neither"
    rows.append((f"{human:.1%}", f"{train:.1%}", f"{dev:.1%}", f"{train - human:.1%}", f"{dev - train:.1%}", says))
    print(found, end="\n\n")

columns = ("human", "training", "dev", "avoidable bias", "variance", "problem")
table(panels(width=6.6, height=2.2), rows, columns)

# %%
# A gap of more than 5 % counts as a problem.

assert [row[-1] for row in rows] == ["variance", "bias", "bias and variance", "neither", "neither"]
