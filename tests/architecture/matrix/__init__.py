"""The access matrix: who may do what at which address, generated from the URL resolver (compliance.md TEN-01).

`policy` says who may; `scene` furnishes two practices and brings the actors on; `calls` makes the calls and judges the
answers. A new route needs a line in `policy.RULES` and, if its URL names something new, a value in `scene`.
"""
