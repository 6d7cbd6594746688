"""The names of the tags that training sets on runs and versions in MLflow."""

PREFIX = "swarmline."
#: Set last, when the version has everything: without it a version is a leftover of a training that was killed.
COMPLETE = "swarmline.complete"
#: The run key of the training that made it.
KEY = "swarmline.key"
FINGERPRINT = "swarmline.fingerprint"
ROWS = "swarmline.rows"
#: Why a run has no snapshot of its rows.
SNAPSHOT = "swarmline.snapshot"
#: The steps that a run left out.
SKIPPED = "swarmline.skipped"
GIT_COMMIT = "swarmline.git_commit"
GIT_DIRTY = "swarmline.git_dirty"
LOCK = "swarmline.lock"
CODE = "swarmline.code"
MACHINE = "swarmline.machine"
SEED = "swarmline.seed"
ENGINE = "swarmline.engine"
#: `passed`, `failed` or `skipped`.
GATE = "swarmline.gate"
SCORING = "swarmline.scoring"
#: When, by whom and why a version was rejected.
REJECTED = "swarmline.rejected"
#: A challenger that has served beside its champion: refusing another release takes nothing from it.
RELEASED = "swarmline.released"
