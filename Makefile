# Bare `make` lists the first ten targets, `make help-GROUP` the rest. Each one first makes .venv from the lock, if the lock has
# changed since. A room of scripts/ or training/ is one rule: its targets are its verbs.

# What comes from outside: parameters of pipelines, variables of a command line, settings of a machine. A value is text:
# make expands it nowhere, not even on its way into the environment, from which programs take it (`parameter` in
# outside/values.py) and check it. No recipe names one, but quoted and as a shell's variable.
OUTSIDE := MODEL VERSION NAME SOURCE TARGET OUT TABLE QUERY OPTIONS WHY BY ARGS FORCE GATE ROLLOUT ONCE \
	STACK PLATFORM_STACK REGISTRY BASE_IMAGE IMAGE MODEL_IMAGE MONITOR_IMAGE OLDER WITHDRAWN UNCONFIRMED LOAD WATCH TO MODE SHARE REPLICAS UNSET ID FILE FROM YES VOLUMES \
	STEPS PROMOTE RAMP_MINUTES RAMP_VERDICT_HOURS RAMP_AWAY_MINUTES RETRAIN REASON DEPLOY APPROVE DRY_RUN CHOOSE RESULT SCOPE PLAN VERDICT WEBHOOK_URL \
	SWARMLINE_OUTCOME PRODUCTION_DOCKER_HOST FAST TESTS COVERAGE ALL SLOW AGAIN OF SWARMLINE_UNAUDITED LOCK_OPTIONS PYTHON UV \
	SWARMLINE_BUILD SWARMLINE_TRAINED SWARMLINE_BUNDLES SWARMLINE_REPORTS SWARMLINE_LOG SWARMLINE_MLFLOW \
	MLFLOW_TRACKING_URI MLFLOW_USR MLFLOW_PSW TRUSTED_PACKAGES BUNDLES JOURNAL_URL JOURNAL_SPOOL FINDINGS_URL MONITOR_STATE MONITOR_BIND SERVICE_URL
as_text = $(eval export override $(1) := $$(value $(1)))
$(foreach name,$(OUTSIDE),$(if $(filter environment,$(origin $(name))),$(call as_text,$(name))))
$(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(call as_text,$(name))))

# Where everything that is made goes, and where MLflow keeps its records: each can be anywhere. Set but empty is as not
# set: a pipeline passes on what it has.
default = $(if $(value $(1)),,$(eval export override $(1) := $$(2)))
$(call default,SWARMLINE_BUILD,build)
$(call default,SWARMLINE_TRAINED,$(SWARMLINE_BUILD)/trained)
$(call default,SWARMLINE_BUNDLES,$(SWARMLINE_BUILD)/bundles)
$(call default,SWARMLINE_REPORTS,$(SWARMLINE_BUILD)/reports)
$(call default,MLFLOW_TRACKING_URI,sqlite:///$(SWARMLINE_BUILD)/mlflow.db)
# The service's own settings (service/settings.py), so that they follow. Of a journal, only one that was given is a place
# to ask: `make trace` asks the Swarm where there is none.
$(call default,BUNDLES,$(SWARMLINE_BUNDLES))
run serve monitor drift quality experiment report: export JOURNAL_URL := $(or $(JOURNAL_URL),sqlite:///$(SWARMLINE_BUILD)/journal.db)
run monitor drift quality experiment report: export MONITOR_STATE := $(or $(MONITOR_STATE),$(SWARMLINE_BUILD)/monitor)
run serve: export JOURNAL_SPOOL := $(or $(JOURNAL_SPOOL),$(SWARMLINE_BUILD)/spool)
# Some of what we use reports its use to its makers unless told not to.
export DO_NOT_TRACK = true
export ORT_DISABLE_TELEMETRY = 1
# Images and sandboxes set it; then each process compiles again all that it imports: 6.7 s of MLflow and scikit-learn, not 2.7.
unexport PYTHONDONTWRITEBYTECODE

# Jenkins sets it: what a target says is kept there too, for the mail about a build that fails.
ifdef SWARMLINE_LOG
export SWARMLINE_GOAL = $@
SHELL := scripts/logged.sh
endif
# Jenkins' credential `mlflow`, by the names that MLflow's client reads.
ifdef MLFLOW_USR
export MLFLOW_TRACKING_USERNAME := $(value MLFLOW_USR)
export MLFLOW_TRACKING_PASSWORD := $(value MLFLOW_PSW)
endif

VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
# The keys of one table of pyproject.toml.
PACKAGES = $(shell sed -n '/^\[tool\.swarmline\.packages\]/,/^$$/s/ = .*//p' pyproject.toml)
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Names in small letters, which nobody sets: a value from outside would take a list's place, and its targets do nothing.
first_targets := run mlflow train promote up deploy rollback status check test
groups := models monitoring images release stack platform development jenkins
help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{ text[$$1] = $$2 } END { count = split("$(first_targets)", names, " "); \
		for (i = 1; i <= count; i++) printf "  %-9s %s\n", names[i], text[names[i]]; \
		print "\nmore: make $(groups:%=help-%)" }' Makefile
$(groups:%=help-%):
	@awk -F ':.*## ' '/^## /{ on = index($$0, "## $(@:help-%=%)") == 1; if (on) print substr($$0, 4) } \
		on && /^[a-z-]+:.*## /{ printf "  %-17s %s\n", $$1, $$2 }' Makefile

## models: MODEL=name or several, none means all; ARGS='--json' and other options
run: ## train, gate, promote, export, serve and watch the models until Ctrl-C; ONCE=1 ends after the smoke test
serve: ## serve what was exported, until Ctrl-C
mlflow: ## open MLflow's pages on http://127.0.0.1:5000
draft: ## a first spec for a table: SOURCE='orders/*.csv' TARGET=late NAME=late-orders; QUERY='select ...' of SOURCE=postgresql://...
validate: ## hold the data against the contract
models: ## the names of the models
train: ## validate, search, evaluate, gate, export, register as challenger; FORCE=1 though nothing changed; GATE=later: `gate` decides
gate: ## what was decided about the models that `make train GATE=later` made
compare: ## versions side by side
card: ## write the model card of MODEL to the reports; VERSION=number or alias
promote: ## make the challenger champion: WHY='the reason'; BY=name
reject: ## the challenger is not to be released: WHY='the reason'; BY=name; VERSION=number of MODEL
propose: ## make VERSION of MODEL the challenger, though it was rejected
export: ## put champions and challengers where they are served from; ROLLOUT=replace: what was trained just now as champion
history: ## who was champion when, promoted by whom and why
score: ## predict a whole table with MODEL's bundle: SOURCE=rows.parquet OUT=predictions.parquet; ID=column; VERSION=number or alias (docs/batches.md)
reproduce: ## train a version of MODEL again and compare the predictions; VERSION=number or alias
run: $(READY)
	@$(PY) -m training train --promote 'make run'
	@unset ARGS; exec $(PY) -m scripts.operate run
serve: $(READY)
	@exec $(PY) -m service
# Its job queue is for MLflow's own generative features, and outlives the server that started it.
mlflow: $(READY)
	@case "$$MLFLOW_TRACKING_URI" in http*) printf 'MLflow is at %s\n' "$$MLFLOW_TRACKING_URI"; exit;; esac; \
		MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false exec $(VENV)/bin/mlflow server --workers 1 \
		--backend-store-uri "$$MLFLOW_TRACKING_URI" --host 127.0.0.1 --port 5000
training_verbs := draft validate models train gate compare card promote reject propose export history reproduce
$(training_verbs): $(READY)
	@$(PY) -m training $@
score: $(READY)
	@$(PY) -m scoring

## monitoring: MODEL=name or several, none means all; ARGS='--json' and other options (docs/monitoring.md)
monitor: ## judge what is journalled, and show pages and numbers, until Ctrl-C
drift: ## the newest windows' drift; exit code 3 where something is raised
quality: ## the newest windows' estimates, quality and truth; exit code 3 where something is raised
experiment: ## the verdict on MODEL's challenger; exit code 3 where it is worse than its champion
report: ## Evidently's report of the newest windows, as files
simulate: ## callers whose inputs shift, then whose relation changes, against `make run`; ARGS='--scenario shift'
monitor: $(READY)
	@exec $(PY) -m monitoring serve
monitoring_verbs := drift quality experiment report simulate
$(monitoring_verbs): $(READY)
	@$(PY) -m monitoring $@

## images: REGISTRY=host:port where to publish; BASE_IMAGE= what to build on
image: ## build the service's image from what was exported, and the monitor's; ARGS='--pull' with a newer base
publish: ## push the images to REGISTRY and record their digests
sbom: ## write what is in the images, as CycloneDX (`make image` does so too)
mlflow-image: ## build MLflow's image and its bill of materials; with REGISTRY, push it and record its digest
image publish sbom: $(READY)
	@$(PY) -m scripts.image $(@:image=build)
mlflow-image: $(READY)
	@$(PY) -m scripts.platform_stack $@

## release: STACK=name; DOCKER_HOST says which engine; BY= and WHY= for the ledger; WATCH=seconds to judge new replicas
deploy: ## bring what was published last (or IMAGE=name@sha256:...) into the Swarm, prove it, or go back; OLDER=1, WITHDRAWN=1 though it is that; UNCONFIRMED=1 WHY='the reason' without staging
plan: ## would a deploy change anything? prints `deploy` or `nothing`
staging: ## the stack in which releases of STACK are confirmed first, if there is one (docs/swarm.md)
rollback: ## go back to the release before, or TO=release; `make releases` lists them
releases: ## what was deployed when, by whom and why; the names alone on stdout
traffic: ## share MODEL with its challenger: MODE=split SHARE=percent, MODE=shadow, MODE=off
scale: ## how many replicas serve: REPLICAS=number, kept by every deploy until UNSET=1 leaves it to the settings
ramp: ## raise the share of MODEL's challenger as the monitor allows, to all callers or back to none: STEPS=5,25,50 PROMOTE=better
stack-file: ## write build/release/stack.yml, which `docker stack deploy` takes as it is; IMAGE= as for deploy
ledger: ## write to MLflow what was deployed while it was down; after a rollback, move its champions back
release_verbs := deploy plan staging rollback releases traffic scale stack-file
$(release_verbs): $(READY)
	@$(PY) -m scripts.release $@
ramp: $(READY)
	@$(PY) -m scripts.ramp
ledger: $(READY)
	@$(PY) -m scripts.ledger write

## stack: STACK=name; DOCKER_HOST says which engine
up: ## from nothing to a running stack: Swarm (asks first; YES=1), registry, models, secrets, image, deploy
down: ## take the stack down (asks first; YES=1); VOLUMES=1 with everything that it holds
unlock: ## take the lock away that a killed deploy has left (asks first while its time lasts; YES=1)
status: ## what runs where, which release it is, and how it does
confirm: ## does it serve what was deployed last? golden rows, every replica, status; LOAD=seconds of callers besides
trace: ## from the ID of a prediction or request to release, version, run, data and commit
prune: ## remove what no release that can be gone back to needs; ARGS=--dry-run only says what
backup: ## save the journal's database to build/backups; FILE=name elsewhere
restore: ## bring a saved database back: FILE=name; what is there now is saved first
restore-test: ## would a backup come back? FILE=name or a fresh one, on an empty server of its own
secrets: ## make the stack's secrets; ARGS='make --self-signed HOST', 'list', 'rotate NAME', 'add-key NAME --scopes predict'
monitoring: ## bring monitoring in or up to date, as the release that serves was deployed with (`make deploy` does so too)
check-stack: ## do the stack files and the settings read well, do HAProxy, Prometheus and Alertmanager take their own? (no engine needed)
operate_verbs := up down unlock status confirm trace prune backup restore restore-test
$(operate_verbs): $(READY)
	@$(PY) -m scripts.operate $@
secrets: $(READY)
	@$(PY) -m scripts.credentials
monitoring: $(READY)
	@$(PY) -m scripts.monitoring_stack up
check-stack: $(READY)
	@$(PY) -m scripts.stack_file check

## platform: Jenkins, MLflow and a registry on the Swarm that docker reaches (docs/platform.md)
platform: ## start or update it, and say where it is
platform-status: ## what of it runs
platform-down: ## end it; volumes and secrets stay
platform-backup: ## Jenkins' home, MLflow's database and artifacts, the registry, to build/backups/
platform-restore: ## put a backup back: FROM=build/backups/NAME
platform_targets := platform platform-status platform-down platform-backup platform-restore
$(platform_targets): $(READY)
	@$(PY) -m scripts.platform_stack $(patsubst platform-%,%,$(@:platform=up))

## jenkins: what pipelines run besides (docs/pipelines.md has those for pipelines alone)
begin: ## remove what the build before left in this workspace: reports, logs, release
scope: ## how far a build of this commit goes: documents, rehearsal or release
notify: ## what a build came to, as mail, message and the build's name; RESULT=SUCCESS
verdict: ## wait for the deploy that this build began, and say how it ended
monitor-report: ## save the monitor's pages and Evidently's reports as files in the reports
audit: ## look for known holes in everything that is locked; OF=serve,monitor only in what the images hold
# For pipelines alone.
offer:
reject-unreleased:
promote-released:
begin:
	@rm -rf -- "$$SWARMLINE_REPORTS" "$$SWARMLINE_BUILD/log" "$$SWARMLINE_BUILD/report" "$$SWARMLINE_BUILD/release"
ci_verbs := scope offer notify reject-unreleased audit monitor-report
$(ci_verbs): $(READY)
	@$(PY) -m scripts.ci $@
verdict: $(READY)
	@$(PY) -m scripts.detached verdict
promote-released: $(READY)
	@$(PY) -m training promote --exported

## development
env: $(READY) ## make .venv from requirements/dev.txt (every target does so by itself)
$(READY): export SWARMLINE_GOAL := env
$(READY): requirements/dev.txt requirements/uv.txt requirements/environment.sh
	@sh requirements/environment.sh $(VENV) requirements/dev.txt
	@touch $@

check: $(READY) ## style, import law, documents, types, lint, security; AGAIN=1 also what passed with the same inputs
	@$(MAKE) -j2 --keep-going $(if $(filter output-sync,$(.FEATURES)),--output-sync) \
		check-style check-laws check-security check-types check-lint check-lint-tests

# No plugins: these tests need none, and loading them takes longer than the tests.
check-laws: $(READY)
	PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 $(PY) -m pytest -q tests/test_import_law.py tests/test_documents.py

# What passed is not run again with the same inputs: $(call once,what it reads,its report) and the command.
once = $(PY) -m tests.support.once $@ $(if $(2),--makes $(2)) --reads $(1) --
# Every place counts that code may be in.
check-style: $(READY)
	@$(call once,$(filter-out build/,$(wildcard */)) $(wildcard *.py)) $(VENV)/bin/black --check --quiet . \
		|| { $(VENV)/bin/black --check . ; echo 'make format mends this'; exit 1; }

check-security: $(READY)
	@$(call once,$(PACKAGES)) $(VENV)/bin/bandit --quiet --configfile pyproject.toml --recursive $(PACKAGES)

check-types: $(READY)
	@$(call once,$(PACKAGES)) $(VENV)/bin/mypy $(PACKAGES:%=--package=%)

LINT_REPORT := "$$SWARMLINE_REPORTS/lint.xml"
check-lint: $(READY)
	@mkdir -p "$$SWARMLINE_REPORTS"
	@$(call once,$(PACKAGES) tests/support/lint.py tests/support/lint_report.py tests/support/imports.py,$(LINT_REPORT)) \
		$(PY) -m pylint --output-format=text,tests.support.lint_report.JUnit:$(LINT_REPORT) $(PACKAGES)

# Fixtures are asked for by name and may go unused; a test looks inside, and compares with what it means.
TESTS_MAY := redefined-outer-name,unused-argument,protected-access,consider-using-with,import-outside-toplevel,use-implicit-booleaness-not-comparison,no-value-for-parameter,cell-var-from-loop,unnecessary-comprehension,unbalanced-tuple-unpacking
check-lint-tests: $(READY)
	@$(call once,$(PACKAGES) tests) $(PY) -m pylint --disable=$(TESTS_MAY) tests

format: $(READY) ## format the code
	$(VENV)/bin/black --quiet .

test: $(READY) ## all tests; FAST=1 without slow ones, and those that passed before (AGAIN=1 runs them); TESTS='tests/service -k name'; COVERAGE=1
	@$(PY) -m tests

test-fast: ## the tests that train nothing and start nothing
	@$(MAKE) test FAST=1

test-swarm: $(READY) ## the tests on a real Swarm of three nodes, as root on Debian 12 (part of make test); ALL=1 with every event
	@$(PY) -m tests --swarm

watch: $(READY) ## at every change, the checks and fast tests that it concerns; SLOW=1 all tests
	@exec $(PY) -m tests.support.watch

bench: $(READY) ## measure the service against its peers (needs wrk)
	$(PY) -m tests.bench.serving

soak: $(READY) ## the service at full load for ten minutes: memory, files and journal lag (needs wrk); ARGS='--minutes 2'
	$(PY) -m tests.bench.soak

lock: $(READY) ## resolve pyproject.toml anew into requirements/*.txt; LOCK_OPTIONS=--upgrade
	UV=$(VENV)/bin/uv sh requirements/lock.sh

clean: ## remove .venv, caches and reports; trained models, MLflow's records and the journal stay
	rm -rf -- $(VENV) .venv-uv .mypy_cache .pytest_cache .hypothesis .coverage "$$SWARMLINE_REPORTS"
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help $(groups:%=help-%) env run serve mlflow $(training_verbs) score monitor $(monitoring_verbs) image publish sbom mlflow-image \
	$(release_verbs) ramp ledger $(operate_verbs) secrets monitoring check-stack $(platform_targets) begin $(ci_verbs) verdict promote-released \
	check check-style check-laws check-security check-types check-lint check-lint-tests format test test-fast test-swarm watch bench soak lock clean
