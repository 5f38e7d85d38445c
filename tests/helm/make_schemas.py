# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Makes, for kubeconform, a directory of strict JSON schemas out of what tools/setup fetched.

    make_schemas.py FROM TO

FROM is .tools/schemas. TO gets vX.Y.0/KIND-GROUP-VERSION.json for the oldest Kubernetes that
the chart is for and the newest that there is, and crds/GROUP_KIND_VERSION.json.
"""

import json
import pathlib
import sys

import yaml

VERSIONS = ("v1.27.0", "v1.37.0")


def kubernetes(source, target):
    for version in VERSIONS:
        directory = source / "package/kubernetes_validate/kubernetes-json-schema"
        directory = directory / f"{version}-local-strict"
        (target / version).mkdir(parents=True)
        for file in directory.glob("*.json"):
            # Its references and its identity are those of where its package serves it.
            text = file.read_text().replace('"/api/_definitions.json#', '"_definitions.json#')
            text = text.replace("#/$defs/", "#/definitions/")
            schema = json.loads(text)
            for key in ("$schema", "$id", "id"):
                schema.pop(key, None)
            if "$defs" in schema:
                schema["definitions"] = schema.pop("$defs")
            (target / version / file.name).write_text(json.dumps(schema))


def strict(schema):
    """As an API server with strict field validation takes it: what is not named is refused."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    if "properties" in schema and not isinstance(schema["properties"].get("type"), str):
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    return made


def crds(source, target):
    (target / "crds").mkdir(parents=True)
    for file in (source / "crds").glob("*.yaml"):
        # cert-manager's has templates in its labels.
        lines = [line for line in file.read_text().splitlines() if "{{" not in line]
        for crd in yaml.safe_load_all("\n".join(lines)):
            spec = crd["spec"]
            for version in spec["versions"]:
                schema = strict(version["schema"]["openAPIV3Schema"])
                # It is the server's to look into.
                schema["properties"]["metadata"] = {"type": "object"}
                name = f"{spec['group']}_{spec['names']['singular']}_{version['name']}.json"
                (target / "crds" / name).write_text(json.dumps(schema))


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    kubernetes(source, target)
    crds(source, target)


if __name__ == "__main__":
    main()
