# Commands of an activated virtual environment; CONTRIBUTING.md says how to make one.
.PHONY: quick test check bench full lint format simulate mutants pictures release

quick: ## what runs in process, but for hundreds of cases of one promise
	python -m pytest -m "not service and not broad and not long and not full"

test: ## the usual tests
	python -m pytest

check: ## play Linnworks against a temporary server
	linnworks-bridge check

bench: ## measure the cost of a call; fails beyond the gate
	python -m bench --quick --gate

full: ## what a release must pass
	.ci/full

lint: ## style and types
	ruff format --check .
	ruff check .
	mypy

format: ## repair style
	ruff format .
	ruff check --fix .

simulate: ## schedules of the simulation for an hour; MINUTES=240 for longer
	python -m tests.simulation --minutes $(or $(MINUTES),60)

mutants: ## changes for the worse that some test must notice; prints those that survive
	python -m tests.mutants

pictures: ## draw the pictures in docs/pictures, with a Chromium of this machine or CHROMIUM=...
	PYTHONPATH=. python packaging/pictures.py $(CHROMIUM)

release: ## build sdist and wheel into dist/, and say what to tag; REPOSITORY=https://... where origin has no web address
	python packaging/release.py $(REPOSITORY)
