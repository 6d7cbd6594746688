"""Whether the challenger gets the share that traffic gives it: where not, the arms' callers differ, and so may quality.

Lindon and Malek, "Anytime-valid inference for multinomial count data" (NeurIPS 2022): the likelihood of the counts
under a share drawn from Beta(c p, c (1 - p)), divided by that under p itself. It is a martingale that begins at 1, so
that it ever reaches 1/a with a chance of a at most: the check may be made at every look.
"""

from __future__ import annotations

import math

from scipy.special import betaln

#: How near to the intended share another one is looked for: this is worth as many units.
CONCENTRATION = 200.0


def log_evidence(challenger: float, champion: float, share: float) -> float:
    """Of units that came in a stage with this share, each once."""
    first, second = CONCENTRATION * share, CONCENTRATION * (1 - share)
    return (
        float(betaln(first + challenger, second + champion) - betaln(first, second))
        - challenger * math.log(share)
        - champion * math.log(1 - share)
    )
