# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Renders the chart as `helm template` does, for the tests."""

import functools
import json
import os
import pathlib
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Another chart, to see that a fault in it is found.
CHART = pathlib.Path(os.environ.get("BUZZER_CHART", ROOT / "helm/buzzer"))
BIN_DIR = pathlib.Path(os.environ.get("BUZZER_BIN_DIR", ROOT / "build/release/bin"))
ENVOY = ROOT / ".tools/venv/bin/envoy"
# Both are used out there; they differ in their templates' and schemas' engines.
HELMS = (3, 4)
# What every installation must say.
LEAST = {"broker": {"host": "rabbitmq.messaging.svc", "existingSecret": "buzzer-broker"}}
MATRIX = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*.yaml"))


class _NoTwice(yaml.CSafeLoader):
    """A key that stands twice in a map is a mistake that YAML hides."""


def _map(loader, node):
    keys = [key.value for key, _ in node.value]
    assert len(keys) == len(set(keys)), f"twice: {sorted(keys)} at {node.start_mark}"
    return yaml.CSafeLoader.construct_mapping(loader, node, deep=True)


_NoTwice.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _map)


def documents(text):
    return [doc for doc in yaml.load_all(text, Loader=_NoTwice) if doc]


def helm(*arguments, major=4, values=None):
    """Runs it; returns the finished process. `values` is a map of values."""
    command = [ROOT / f".tools/npm/helm{major}", *map(str, arguments)]
    if values is not None:
        command += ["--values", "-"]
    return subprocess.run(command, input=json.dumps(values) if values is not None else None,
                          capture_output=True, text=True, check=False, timeout=60)


def merged(base, over):
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {key: merged(base[key], over[key]) if key in base and key in over
            else over.get(key, base.get(key)) for key in {**base, **over}}


def render_text(values=None, case=None, release="b", major=4):
    """The manifests: LEAST with `values` over them, or a case of the matrix."""
    if case:
        return case_text(case, major)
    done = helm("template", release, CHART, "--namespace", "jobs", major=major,
                values=merged(LEAST, values or {}))
    assert done.returncode == 0, done.stderr
    return done.stdout


@functools.cache
def case_text(case, major):
    done = helm("template", "b", CHART, "--namespace", "jobs",
                "--values", CHART / f"ci/{case}-values.yaml", major=major)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Rendering:
    """Manifests, to be found by their kind and the end of their name."""

    def __init__(self, text):
        self.docs = documents(text)

    def get(self, kind, name):
        found = [doc for doc in self.docs
                 if doc["kind"] == kind and doc["metadata"]["name"].endswith(name)]
        assert len(found) == 1, f"{len(found)} of {kind} *{name}"
        return found[0]

    def names(self, kind):
        return sorted(doc["metadata"]["name"] for doc in self.docs if doc["kind"] == kind)

    def pods(self):
        """(whose, pod spec, labels) of each."""
        for doc in self.docs:
            if doc["kind"] == "Pod":
                yield doc["metadata"]["name"], doc["spec"], doc["metadata"]["labels"]
            elif "template" in (doc.get("spec") or {}):
                template = doc["spec"]["template"]
                yield doc["metadata"]["name"], template["spec"], template["metadata"]["labels"]

    def pod(self, kind, name):
        return self.get(kind, name)["spec"]["template"]["spec"]


def render(values=None, **keywords):
    return Rendering(render_text(values, **keywords))


def refusal(values, least=True, major=4):
    """What helm says against these values; fails if it takes them."""
    done = helm("template", "b", CHART, "--namespace", "jobs", major=major,
                values=merged(LEAST, values) if least else values)
    assert done.returncode != 0, "these values were taken"
    return done.stderr


def container(pod, name=None):
    return next(c for c in pod["containers"] if name in (None, c["name"]))


def flags(pod, name=None):
    """--NAME=VALUE of the arguments, as a map."""
    arguments = container(pod, name)["args"]
    return dict(argument.removeprefix("--").split("=", 1) for argument in arguments)
