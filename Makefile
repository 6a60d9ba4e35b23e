# Commands of an activated virtual environment; CONTRIBUTING.md says how to make one.
.PHONY: quick test check bench full lint format

quick: ## everything that runs in process
	python -m pytest -m "not service and not long and not full"

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
