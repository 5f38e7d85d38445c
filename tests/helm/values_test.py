# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""values.yaml and its schema, and what is refused: with its path, and with what to do."""

import json
import re

import pytest
import yaml

from chart import CHART, HELMS, LEAST, helm, merged, refusal, render

POOL = {"name": "a", "handlers": [{"type": "demo.echo", "kind": "demo.echo"}]}
EXEC = {"type": "text.words", "kind": "exec", "program": ["wc", "-w"]}
ISSUER = {"name": "ca", "kind": "Issuer"}


def pool(**keys):
    return {"workers": [POOL | keys]}


def handler(**keys):
    return pool(handlers=[POOL["handlers"][0] | keys])


def scaled(**keys):
    return pool(autoscaling=keys)


# --- What is taken


def keys_of(node, path=()):
    for key, value in node.value:
        yield (*path, key.value), key.start_mark.line
        # Free maps of Kubernetes, whose keys are not the chart's.
        if isinstance(value, yaml.MappingNode) and key.value != "resources":
            yield from keys_of(value, (*path, key.value))


def test_every_value_has_a_comment():
    lines = (CHART / "values.yaml").read_text().splitlines()
    bare = [".".join(path) for path, line in keys_of(yaml.compose("\n".join(lines)))
            if not lines[line - 1].lstrip().startswith("#")]
    # What is inside of `dns` stands in a list, the rest of workers is told above it.
    assert not [path for path in bare if not path.startswith("workers.")]


def properties(schema, definitions, path=()):
    schema = definitions[schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema
    for key, part in schema.get("properties", {}).items():
        yield (*path, key)
        yield from properties(part, definitions, (*path, key))


def test_the_schema_has_the_keys_of_the_values_and_no_others():
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    def paths(part, path=()):
        for key, value in part.items() if isinstance(part, dict) else ():
            yield (*path, key)
            yield from paths(value, (*path, key))

    known = set(properties(schema, schema["definitions"]))
    there = set(paths(values))
    assert not {path for path in there - known if path[-2] not in ("requests", "limits")}
    # These are empty unless somebody sets them.
    empty = {("tls", "existingSecrets"), ("tls", "certManager", "issuerRef")}
    assert not {path for path in known - there
                if path[:-1] not in empty and path[-2:] != ("resources", "claims")}


def open_objects(schema, path=""):
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("additionalProperties") is not False:
            yield path
        for key, part in schema.items():
            yield from open_objects(part, f"{path}/{key}")
    elif isinstance(schema, list):
        for i, part in enumerate(schema):
            yield from open_objects(part, f"{path}/{i}")


def test_the_schema_refuses_unknown_keys_everywhere():
    schema = json.loads((CHART / "values.schema.json").read_text())
    # A pool is told apart by the word "properties" alone, as the schema itself is.
    assert not list(open_objects(schema))


@pytest.mark.parametrize("major", HELMS)
def test_a_pool_takes_what_workerDefaults_says_and_its_own_wins(major):
    values = {"workerDefaults": {"slots": 3, "resources": {"limits": {"memory": "3Gi"}}},
              "workers": [POOL, POOL | {"name": "b", "slots": 5,
                                        "handlers": [EXEC | {"type": "b"}]}]}
    rendering = render(values, major=major)
    for name, slots in (("a", 3), ("b", 5)):
        config = yaml.safe_load(rendering.get("ConfigMap", f"worker-{name}")["data"]["worker.yaml"])
        assert config["slots"] == slots
        limits = rendering.pod("Deployment", f"worker-{name}")["containers"][0]["resources"]
        assert limits == {"limits": {"memory": "3Gi"}, "requests": {"cpu": "250m", "memory": "256Mi"}}


# --- What is refused, by the schema


@pytest.mark.parametrize("major", HELMS)
@pytest.mark.parametrize("values, path, word", [
    ({"colour": "red"}, "", "colour"),
    ({"state": {"replica": 1}}, "state", "replica"),
    ({"broker": {"tls": {"ca": "x"}}}, "broker", "ca"),
    (pool(slotz=3), "workers", "slotz"),
    (handler(programm=["x"]), "handlers", "programm"),
    ({"workerDefaults": {"handlers": []}}, "workerDefaults", "handlers"),
    ({"workers": [{"handlers": POOL["handlers"]}]}, "workers", "name"),
    (pool(name="Not_A_Name"), "name", "a-z"),
    (pool(name="a-name-of-21-letters-"), "name", "20"),
    (pool(slots=0), "slots", "1"),
    (handler(kind="demo.sing"), "kind", "demo.echo"),
    (handler(type="Images"), "type", "a-z"),
    (handler(grace="10"), "grace", "ms|s|m|h"),
    (handler(environment={"BUZZER_JOB_ID": "x"}), "environment", "BUZZER_JOB_ID"),
    (pool(extraFlags=["slots=3"]), "extraFlags", "--"),
    (scaled(keda={"trigger": "rabbitmq"}), "trigger", "metrics-api"),
    ({"state": {"minFreeDiskMib": "256"}}, "minFreeDiskMib", "integer"),
    ({"gateway": {"service": {"type": "ExternalName"}}}, "type", "ClusterIP"),
    ({"gateway": {"hosts": ["jobs.example.com:8080"]}}, "hosts", "does not match pattern"),
    ({"gateway": {"hosts": ["*"]}}, "hosts", "does not match pattern"),
    ({"frontend": {"image": {"digest": "latest"}}}, "digest", "sha256"),
    ({"broker": {"host": "amqp://rabbitmq"}}, "host", "/"),
    ({"broker": {"host": "one,two"}}, "host", "pattern"),
    ({"broker": {"hosts": ["one:5672"]}}, "hosts", "pattern"),
    ({"image": {"pullPolicy": "Sometimes"}}, "pullPolicy", "IfNotPresent"),
])
def test_the_schema_names_the_value(values, path, word, major):
    said = refusal(values, major=major)
    assert "schema" in said
    # Helm 3 names few of the patterns' and lengths' bounds otherwise than Helm 4.
    assert path in said and (word in said or major == 3), said


# --- What is refused, by a sentence


REFUSED = {
    "no broker": ({"broker": {"host": ""}}, "broker.host: name the host of your RabbitMQ"),
    "no login": ({"broker": {"existingSecret": ""}},
                 "broker.existingSecret: name a Secret with the broker's login; kubectl "
                 "--namespace jobs create secret generic"),
    "two brokers": ({"rabbitmq": {"enabled": True}},
                    "broker.host, broker.hosts, broker.existingSecret: rabbitmq.enabled is true"),
    "hosts twice": ({"broker": {"hosts": ["a"]}},
                    "broker.hosts: broker.host is set as well; keep one"),
    "an authority without TLS": ({"broker": {"tls": {"caSecret": "ca"}}},
                                 "broker.tls.caSecret: it is of use only with "
                                 "broker.tls.enabled=true"),
    "TLS without certificates": ({"tls": {"enabled": True}},
                                 "tls.existingSecrets.gateway: mutual TLS needs a certificate "
                                 "for every part"),
    "TLS for two parts of four": (
        {"tls": {"enabled": True, "existingSecrets": {"state": "s", "frontend": "f"}}},
        "tls.existingSecrets.worker: mutual TLS needs a certificate"),
    "certificates without TLS": ({"tls": {"existingSecret": "x"}},
                                 "tls.enabled: it is false, but certificates are named"),
    "certificates in two ways": (
        {"tls": {"enabled": True, "existingSecret": "x",
                 "certManager": {"enabled": True, "issuerRef": ISSUER}}},
        "tls.certManager.enabled: tls.existingSecret (or existingSecrets) is set as well"),
    "no issuer": ({"tls": {"enabled": True, "certManager": {"enabled": True}}},
                  "tls.certManager.issuerRef: name the issuer"),
    "two states": ({"state": {"replicas": 2}},
                   "state.replicas: 2, but state keeps its jobs in SQLite"),
    "no disk": ({"state": {"persistence": {"enabled": False}}},
                "state.persistence.enabled: it is false, so all jobs are lost"),
    "a queue twice": ({"state": {"queues": [{"name": "q", "maxWaiting": 1}] * 2}},
                      'state.queues: "q" stands there twice'),
    "more than the most": ({"frontend": {"autoscaling": {"minReplicas": 7}}},
                           "frontend.autoscaling.minReplicas: 7 is more than maxReplicas (6)"),
    "percent of nothing": ({"gateway": {"resources": {"requests": {"cpu": None}}}},
                           "gateway.resources.requests.cpu: gateway.autoscaling is in percent"),
    "the frontend's grace": ({"frontend": {"preStopSeconds": 30}},
                             "frontend.terminationGracePeriodSeconds: 30 is too short; "
                             "preStopSeconds, the 5 s that it drains for and 5 s to spare make 40"),
    "the gateway's grace": ({"gateway": {"drainSeconds": 60}},
                            "gateway.terminationGracePeriodSeconds: 60 is too short; "
                            "drainSeconds and 5 s to spare make 65"),
    "a pool without queues": ({"workers": [{"name": "a"}]},
                              "workers[0] (a).handlers: the pool serves no queue"),
    "a file without queues": ({"workers": [{"name": "a", "configFile": "/a.yaml"}]},
                              "workers[0] (a).queues: the pool serves no queue that the chart "
                              "knows of; name those of the handlers in /a.yaml"),
    "a file and handlers": (pool(configFile="/a.yaml"),
                            "workers[0] (a).configFile: handlers are given as well"),
    "handlers and queues": (pool(queues=["q"]),
                            "workers[0] (a).queues: the handlers say which queues"),
    "two pools of one name": ({"workers": [POOL, POOL]},
                              "workers[1] (a).name: workers[0] has that name as well"),
    "two handlers of one type": (pool(handlers=POOL["handlers"] * 2),
                                 "workers[0] (a).handlers[1].type: the pool has a handler for "
                                 "demo.echo already"),
    "more than the slots": (handler(concurrency=9),
                            "workers[0] (a).handlers[0].concurrency: 9 is more than the pool's "
                            "slots (8)"),
    "no program": (pool(handlers=[{"type": "x", "kind": "exec"}]),
                   "workers[0] (a).handlers[0].program: kind exec runs one"),
    "a program of no use": (handler(program=["x"]),
                            "workers[0] (a).handlers[0].program: it is for handlers of kind exec"),
    "a relative program": (pool(handlers=[EXEC | {"program": ["bin/x"]}]),
                           "workers[0] (a).handlers[0].program: bin/x is a relative path"),
    "a type in two queues": (
        {"workers": [POOL, POOL | {"name": "b", "handlers": [POOL["handlers"][0] | {"queue": "q"}]}]},
        "workers[1] (b).handlers[0].queue: jobs of type demo.echo wait in queue demo.echo by one "
        "pool and in q by another"),
    "a queue half served": (
        {"workers": [POOL, {"name": "b", "handlers": [EXEC | {"queue": "demo.echo"}]}]},
        "workers[0] (a).handlers: it takes jobs from queue demo.echo, where another pool's "
        "text.words waits too"),
    "a grace below the handler's": (
        pool(terminationGracePeriodSeconds=60, drainTimeout="30s",
             handlers=[POOL["handlers"][0] | {"grace": "25s"}]),
        "workers[0] (a).terminationGracePeriodSeconds: 60 is too short, running jobs would be "
        "killed; drainTimeout, the longest grace of the handlers and 10 s make 65"),
    "a declared type in another queue": (
        {"state": {"types": [{"type": "demo.echo", "queue": "q"}]}},
        "state.types[0].queue: jobs of type demo.echo wait in queue q there, and in demo.echo by "
        "the handlers of a pool"),
    "zero without types": (
        {"networkPolicy": {"metricsClients": [{"podSelector": {}}]}, "workers": [{
            "name": "a", "configFile": "/a.yaml", "queues": ["q"],
            "autoscaling": {"minReplicas": 0, "keda": {"enabled": True}}}]},
        "workers[0] (a).autoscaling.minReplicas: with 0 no worker tells state what can be "
        "submitted; declare the types of queue q in state.types"),
    "KEDA and HPA": (scaled(hpa={"enabled": True}, keda={"enabled": True}),
                     "workers[0] (a).autoscaling: hpa.enabled and keda.enabled are both true"),
    "zero of an HPA": (scaled(minReplicas=0, hpa={"enabled": True}),
                       "workers[0] (a).autoscaling.minReplicas: 0 is for keda"),
    "a pool's least and most": (scaled(minReplicas=11),
                                "workers[0] (a).autoscaling.minReplicas: 11 is more than "
                                "maxReplicas (10)"),
    "KEDA without a Prometheus": (
        scaled(keda={"enabled": True, "trigger": "prometheus"}),
        "workers[0] (a).autoscaling.keda.prometheusAddress: the prometheus trigger asks one"),
    "KEDA before a closed door": (
        scaled(keda={"enabled": True}),
        "networkPolicy.metricsClients: workers[0] (a) lets KEDA ask state for its metrics, and "
        "nobody may"),
    "Prometheus before a closed door": (
        {"monitoring": {"serviceMonitor": {"enabled": True}}},
        "networkPolicy.metricsClients: monitoring.serviceMonitor.enabled lets Prometheus ask"),
    "an open Ingress": ({"gateway": {"ingress": {"enabled": True, "hosts": ["h"]}}},
                        "gateway.ingress.enabled: the gateway has no authentication yet"),
    "an open route": ({"gateway": {"route": {"enabled": True, "parentRefs": [{"name": "g"}]}}},
                      "gateway.route.enabled: the gateway has no authentication yet"),
    "an open load balancer": ({"gateway": {"service": {"type": "LoadBalancer"}}},
                              "gateway.service.type: the gateway has no authentication yet"),
    "an Ingress of no host": (
        {"gateway": {"acceptUnauthenticated": True, "ingress": {"enabled": True}}},
        "gateway.ingress.hosts: name at least one host"),
    "a route to no Gateway": (
        {"gateway": {"acceptUnauthenticated": True, "route": {"enabled": True}}},
        "gateway.route.parentRefs: name at least one Gateway"),
    "a test of no type": ({"helmTest": {"jobType": "no.such"}},
                          "helmTest.jobType: no pool has a handler for no.such; name one of "
                          "demo.echo, demo.sleep"),
}


TRIAL = {"rabbitmq": {"enabled": True, "auth": {"password": "a", "existingSecret": "b"}},
         "broker": {"tls": {"enabled": True}}}


@pytest.mark.parametrize("major", HELMS)
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_work_is_refused_with_a_sentence(name, major):
    values, sentence = REFUSED[name]
    said = refusal(values, major=major)
    assert "buzzer cannot be installed with these values" in said
    assert f"- {sentence}" in " ".join(said.split()), said


def test_a_trial_broker_has_no_TLS_and_one_login():
    said = refusal(TRIAL, least=False)
    assert "broker.tls.enabled: the trial broker" in said
    assert "rabbitmq.auth.password: rabbitmq.auth.existingSecret is set as well" in said


def test_every_validation_has_a_case():
    """Each sentence of validations.yaml that needs no cluster was said by the above."""
    text = (CHART / "templates/validations.yaml").read_text().split("clusterIsSeen")[0]
    said = [refusal(TRIAL, least=False)]
    said += [refusal(values) for values, _ in REFUSED.values()]
    said = " ".join(" ".join(said).split())
    sentences = re.findall(r'append \$faults (?:\(printf )?"((?:[^"\\\\]|\\\\.)*)"', text)
    assert len(sentences) >= 35
    patterns = [re.sub(r"%[sdvq]", ".+", re.escape(json.loads(f'"{sentence}"')))
                for sentence in sentences]
    assert not [pattern for pattern in patterns if not re.search(pattern, said)]


def test_all_faults_are_named_at_once():
    said = refusal({"broker": {"host": ""}, "state": {"replicas": 3},
                    "gateway": {"service": {"type": "NodePort"}}})
    assert said.count("\n  - ") == 3


def test_the_chart_alone_says_what_it_needs():
    done = helm("template", "b", CHART)
    assert done.returncode != 0
    assert "broker.host" in done.stderr and "broker.existingSecret" in done.stderr


def test_old_kubernetes_is_refused():
    done = helm("template", "b", CHART, "--kube-version", "1.26.0", values=LEAST)
    assert done.returncode != 0 and "1.27" in done.stderr
    assert helm("template", "b", CHART, "--kube-version", "1.27.0-eks-1", values=LEAST).returncode == 0


def test_a_drainTimeout_is_added_up_in_any_unit():
    for drain, grace, seconds in (("90m", "10s", 5420), ("1.5h", "500ms", 5411), ("0s", "0s", 10)):
        values = pool(drainTimeout=drain, handlers=[POOL["handlers"][0] | {"grace": grace}])
        spec = render(values).pod("Deployment", "worker-a")
        assert spec["terminationGracePeriodSeconds"] == seconds


def test_the_matrix_is_what_merges_over_nothing():
    """The files of ci/ are whole: each is installed as it stands."""
    for file in (CHART / "ci").glob("*.yaml"):
        values = yaml.safe_load(file.read_text())
        assert values == merged({}, values)
        assert helm("lint", "--strict", CHART, values=values).returncode == 0, file
