"""Renders, lints and validates the chart: what `cargo xtask helm` runs.

Helm itself renders and lints (wheel helm-python-sdk); every object is held against the schemas of the oldest and
the newest Kubernetes the chart is for (wheel kubernetes-validate). Then rules of our own are checked, and values
that must be refused are shown to be refused.
"""

import copy
import pathlib
import sys
import tomllib

import helm_python
import kubernetes_validate
import yaml

HERE = pathlib.Path(__file__).parent
CHART = str(HERE / "lakegate")
KUBERNETES = ("1.27", "1.34")


def objects(values):
    with helm_python.Chart.load(CHART) as chart:
        chart.validate_schema(values)
        rendered = chart.render(values, name="test", namespace="lakegate")
    return [
        document
        for path, text in rendered.items()
        if not path.endswith(".txt")
        for document in yaml.safe_load_all(text)
        if document
    ]


def pods(documents):
    return [d["spec"]["template"]["spec"] for d in documents if d["kind"] == "Deployment"]


def problems_of_pod(spec):
    """What a pod that holds source credentials may not be."""
    if spec.get("automountServiceAccountToken") is not False:
        yield "mounts a service account token"
    if spec["securityContext"].get("runAsNonRoot") is not True:
        yield "may run as root"
    if spec["securityContext"].get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "has no seccomp profile"
    for container in spec["containers"]:
        security = container.get("securityContext", {})
        if security.get("readOnlyRootFilesystem") is not True:
            yield "has a writable root"
        if security.get("allowPrivilegeEscalation") is not False:
            yield "may escalate"
        if security.get("capabilities", {}).get("drop") != ["ALL"]:
            yield "keeps capabilities"
        for probe, path in (("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
            if container.get(probe, {}).get("httpGet", {}).get("path") != path:
                yield f"has no {probe} on {path}"
        if any(mount.get("subPath") for mount in container["volumeMounts"]):
            yield "mounts by subPath, which never sees a change"
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        if mounted != {volume["name"] for volume in spec["volumes"]}:
            yield "mounts other volumes than it declares"


def check_renders(name, values, kinds):
    documents = objects(values)
    found = sorted(f"{d['kind']}/{d['metadata']['name']}" for d in documents)
    if found != sorted(kinds):
        yield f"{name}: renders {found}, expected {sorted(kinds)}"
    for document in documents:
        for version in KUBERNETES:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                yield f"{name}: {document['kind']} for {version}: {error.message}"
    for spec in pods(documents):
        for problem in problems_of_pod(spec):
            yield f"{name}: a pod {problem}"
    secrets = [d["kind"] for d in documents if d["kind"] == "Secret"]
    if secrets:
        yield f"{name}: the chart makes a Secret"


def check_lint(name, values):
    report = helm_python.lint(CHART, values, strict=True)
    for error in report.get("errors") or []:
        yield f"{name}: lint: {error}"
    for message in report.get("messages") or []:
        # Severity 1 is information, 2 a warning, 3 an error.
        if isinstance(message, dict) and message.get("severity", 3) >= 2:
            yield f"{name}: lint: {message}"


def changed(values, path, value):
    copied = copy.deepcopy(values)
    *folders, last = path.split(".")
    place = copied
    for folder in folders:
        place = place[folder]
    place[last] = value
    return copied


def check_refused(values):
    """Values that must not render, each with the field that is wrong."""
    for path, value in (
        ("image.repository", ""),
        ("policy", ""),
        ("cluster", ""),
        ("storages", []),
        ("storages", [{"id": "lake", "key": "../lake.json"}]),
        ("storages", [{"id": "lake"}]),
        ("storages", [{"id": "lake", "key": "lake.json", "metadataServer": True}]),
        ("storages", [{"id": "lake", "metadataServer": True, "stsRegion": "europe-west1.evil.example"}]),
        ("broker.policyStrictStaleSeconds", 11),
        ("sealing.current", {"id": 1, "key": "a/b"}),
        ("sealing.ring", "a/b"),
        ("identity.profiles", [{"name": "users", "identity": "common-name"}]),
        ("identity.profiles", [{"name": "users", "identity": "email", "kind": "user"}]),
        ("identity.profiles", [{"name": "users", "identity": "common-name", "kind": "root"}]),
        ("identity.profiles", [{"name": "users", "identity": "common-name", "kind": "user", "policy": "users"}]),
        ("identity.profiles", [{"name": "users", "identity": "common-name", "kind": "user", "relm": "x"}]),
        ("identity.nameServers", "10.0.0.10"),
        ("identity.profiles", []),
        ("delegation.ring", "a/b"),
        ("delegation.stored", {"rollSeconds": 0}),
        ("delegation.stored", {"rollHours": 24}),
        ("delegation.keys", [{"id": 1, "key": "key-1"}]),
        ("delegation.keys", [{"id": 2147483648, "key": "key-1"}]),
        ("delegation.current", -1),
        ("delegation.hadoopCompatGraceSeconds", 3601),
        ("delegation.view.followSeconds", 6),
        ("delegation.view.strictStaleSeconds", 11),
        ("delegation.quotas.perUser", 1),
        ("mapping.unmatched", "As-Is"),
        ("mapping.authToLocals", ""),
        ("mapping.acrossProfiles", "yes"),
        ("acting.blocked", "hdfs"),
        ("acting.blocked", ["*"]),
        ("acting.alarmAbove", 0),
        ("groups.system.enabled", "yes"),
        ("groups.system.canaries", []),
        ("groups.system.canaries", [{"user": "canary"}]),
        ("groups.system.refresh", 30),
        ("broker.service.externalTrafficPolicy", "Node"),
        ("broker.extraVolumes", [{"hostPath": {"path": "/"}}]),
        ("broker.extraVolumeMounts", [{"name": "sss"}]),
        ("secrets.delegationKeys", ""),
        ("broker.limits", {"connections": "many"}),
        ("broker.authorities", []),
        ("broker.authorities", [{"name": "staff", "key": "staff.crt"}]),
        ("broker.authorities", [{"name": "staff", "key": "staff.crt", "revocation": "maybe"}]),
        ("broker.authorities", [{"name": "staff", "key": "staff.crt", "revocation": {}}]),
        ("broker.authorities", [{"name": "staff", "key": "staff.crt", "revocation": {"urls": ["file:///x"]}}]),
        ("broker.authorities", [{"name": "Staff", "key": "staff.crt", "revocation": "none"}]),
        ("broker.replicas", 0),
        ("broker.replicaCount", 2),
        ("broker.port", 80),
        ("secrets.tls", ""),
        ("secrets.tls", "../other"),
        ("generator.enabled", "yes"),
        ("redis.url", ""),
        ("redis.url", "redis://redis:6379"),
        ("redis.url", "rediss://lakegate:secret@redis:6379"),
        ("redis.prefix", "other:"),
        ("redis.password", "secret"),
        ("secrets.redis", ""),
        ("typo", {}),
    ):
        try:
            objects(changed(values, path, value))
        except helm_python.HelmError:
            continue
        yield f"values with {path} = {value!r} are not refused"


def check_configuration(values):
    """The TOML that the pods are given says what the values say, with paths that the pods mount."""
    maps = {d["metadata"]["name"]: d["data"] for d in objects(values) if d["kind"] == "ConfigMap"}
    broker = tomllib.loads(maps["test-lakegate-broker"]["broker.toml"])
    generator = tomllib.loads(maps["test-lakegate-generator"]["generator.toml"])
    storages = [
        {
            "id": "lake",
            "sts_calls_per_minute": 3000,
            "canary": "gs://lake/lakegate-canary",
            "budget": "project-one",
            "source": {
                "kind": "impersonation",
                "key_file": "/etc/lakegate/source/lake.json",
                "account": "lake-storage@project.iam.gserviceaccount.com",
            },
        },
        {
            "id": "archive",
            "sts_calls_per_minute": 6000,
            "source": {"kind": "key-file", "path": "/etc/lakegate/source/archive.json"},
        },
        {
            "id": "machine",
            "sts_calls_per_minute": 6000,
            "sts_region": "europe-west1",
            "universe_domain": "googleapis.com",
            "source": {
                "kind": "impersonation",
                "base": "metadata-server",
                "account": "other@project.iam.gserviceaccount.com",
            },
        },
        {"id": "plain-machine", "sts_calls_per_minute": 6000, "source": {"kind": "metadata-server"}},
    ]
    redis = {
        "kind": "redis",
        "url": "rediss://redis.lake.svc:6380",
        "username": "lakegate",
        "password_file": "/etc/lakegate/redis/password",
        "ca": "/etc/lakegate/redis/ca.crt",
        "prefix": "lg:prod:",
        "wait_replicas": 0,
        "client_certificate": "/etc/lakegate/redis/tls.crt",
        "client_key": "/etc/lakegate/redis/tls.key",
    }
    for name, found, wanted in (
        ("broker store", broker["store"], redis),
        ("generator store", generator["store"], redis),
        ("max_brokers", broker["max_brokers"], 10),
        ("listen", broker["listen"], "0.0.0.0:9443"),
        ("drain_seconds", broker["drain_seconds"], 50),
        ("limits", broker["limits"], {"connections": 5000, "local_tokens": 1000000}),
        (
            "authorities",
            broker["tls"]["authorities"],
            [
                {
                    "name": "staff",
                    "file": "/etc/lakegate/tls/staff.crt",
                    "revocation": {
                        "files": ["/etc/lakegate/tls/staff.crl", "/etc/lakegate/tls/issuing.crl"],
                        "urls": ["http://ca.example/staff.crl"],
                        "grace_seconds": 600,
                    },
                },
                {"name": "jobs", "file": "/etc/lakegate/tls/jobs.crt", "revocation": "none"},
                {
                    "name": "hosts",
                    "file": "/etc/lakegate/tls/hosts.crt",
                    "revocation": {"files": [], "urls": ["https://ca.example/hosts.crl"]},
                },
            ],
        ),
        ("kept lists", broker["tls"]["keep_lists"], "/var/lib/lakegate-lists"),
        ("administrators", broker["administrators"], values["broker"]["administrators"]),
        (
            "identity",
            broker["identity"],
            {
                "name_servers": ["10.0.0.10:53"],
                "profiles": [
                    {
                        "name": "workloads",
                        "authority": "default",
                        "trust_domain": "prod.example.com",
                        "identity": "spiffe-uri",
                        "kind": "workload",
                        "name_prefix": "ns/etl/",
                    },
                    {
                        "name": "project-users",
                        "locality": "absent",
                        "identity": "project-user",
                        "kind": "user",
                        "projects": ["growth", "finance"],
                    },
                    {
                        "name": "services",
                        "locality": "present",
                        "extended_key_usage": "1.3.6.1.5.5.7.3.2",
                        "policy": "1.3.6.1.4.1.99999.1",
                        "identity": "common-name",
                        "kind": "service",
                        "realm": "services",
                    },
                ],
            },
        ),
        ("broker storages", broker["storages"], storages),
        ("generator storages", generator["storages"], storages),
        ("sealing", broker["sealing"]["current"]["id"], 4294967295),
        ("sealing of both", generator["sealing"], broker["sealing"]),
        (
            "delegation",
            broker["delegation"],
            {
                "current": 2,
                "renew_interval_seconds": 3600,
                "max_life_seconds": 86400,
                "skew_seconds": 5,
                "hadoop_compat_grace_seconds": 600,
                "store_epoch": 2,
                "quotas": {"per_owner": 500, "per_real_user": 10000, "total": 100000},
                "view": {"follow_seconds": 2, "max_stale_seconds": 1800, "strict_stale_seconds": 10},
                "keys": [
                    {"id": 1, "file": "/etc/lakegate/delegation/key-1"},
                    {"id": 2, "file": "/etc/lakegate/delegation/key-2"},
                ],
            },
        ),
        (
            "mapping",
            broker["mapping"],
            {
                "mechanism": "hadoop",
                "unmatched": "refuse",
                "across_profiles": True,
                "auth_to_local": values["mapping"]["authToLocal"],
                "default_realm": "EXAMPLE.COM",
                "exact": values["mapping"]["exact"],
                "prefix": values["mapping"]["prefix"],
            },
        ),
        (
            "acting",
            broker["acting"],
            {
                "rules": "/etc/lakegate/acting/acting.toml",
                "blocked": values["acting"]["blocked"],
                "max_stale_seconds": 600,
                "alarm_above": 50,
                "address_alarm_above": 60,
            },
        ),
        (
            "groups",
            broker["groups"],
            {
                "file": {
                    "path": "/etc/lakegate/acting/groups.toml",
                    "max_stale_seconds": 300,
                    "principals": ["*@corp.example.com"],
                },
                "system": {
                    "principals": ["*@unix.example.com"],
                    "canaries": [
                        {"user": "lakegate-canary", "group": 'lake "canaries"'},
                        {"user": "other", "group": "more"},
                    ],
                    "refresh_seconds": 20,
                    "max_stale_seconds": 120,
                    "patience_millis": 1500,
                },
            },
        ),
        ("acting rules", maps["test-lakegate-acting"]["acting.toml"], values["acting"]["rules"]),
        ("groups file", maps["test-lakegate-acting"]["groups.toml"], values["groups"]["file"]),
        ("workers", generator["workers"], 16),
        ("own buckets of both", generator["own_buckets"], broker["own_buckets"]),
        ("strict staleness", broker["policy"]["strict_stale_seconds"], 5),
        ("policy", maps["test-lakegate-policy"]["policy.yaml"], values["policy"]),
    ):
        if found != wanted:
            yield f"configuration: {name} is {found!r}, expected {wanted!r}"
    ringed = objects(changed(values, "sealing.ring", "ring"))
    for part in ("broker", "generator"):
        (text,) = (d["data"][f"{part}.toml"] for d in ringed if d["metadata"]["name"] == f"test-lakegate-{part}" and "data" in d)
        if tomllib.loads(text)["sealing"] != {"ring": "/etc/lakegate/sealing/ring"}:
            yield f"configuration: a {part} with a key ring is given {tomllib.loads(text)['sealing']!r}"
    ringed = objects(changed(values, "delegation", {**values["delegation"], "ring": "ring"}))
    (text,) = (d["data"]["broker.toml"] for d in ringed if d["metadata"]["name"] == "test-lakegate-broker" and "data" in d)
    found = {k: v for k, v in tomllib.loads(text)["delegation"].items() if k in ("ring", "keys", "current")}
    if found != {"ring": "/etc/lakegate/delegation/ring"}:
        yield f"configuration: a broker with a ring of delegation keys is given {found!r}"
    stored = objects(changed(values, "delegation.stored", {"rollSeconds": 43200}))
    (text,) = (d["data"]["broker.toml"] for d in stored if d["metadata"]["name"] == "test-lakegate-broker" and "data" in d)
    found = tomllib.loads(text)["delegation"]
    made = {"roll_seconds": 43200, "distribution_seconds": 3600, "least_key_id": 0}
    if found["stored"] != made or "current" in found or [key["id"] for key in found["keys"]] != [1, 2]:
        yield f"configuration: a broker that makes its delegation keys is given {found!r}"
    for kind, wanted in (("LoadBalancer", "Local"), ("NodePort", "Local"), ("ClusterIP", None)):
        documents = objects(changed(values, "broker.service.type", kind))
        (service,) = (d["spec"] for d in documents if d["kind"] == "Service")
        if service.get("externalTrafficPolicy") != wanted:
            yield f"configuration: a {kind} has the external traffic policy {service.get('externalTrafficPolicy')!r}"
    pod = pods(objects(values))[0]
    mounts = [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == "sss"]
    if mounts != ["/var/lib/sss/pipes"]:
        yield f"configuration: an extra volume is mounted at {mounts}"
    grace = pods(objects(values))[0]["terminationGracePeriodSeconds"]
    leaving = broker["drain_notice_seconds"] + broker["drain_seconds"]
    if grace <= leaving:
        yield f"configuration: a pod has {grace} s, a broker takes {leaving} s to leave"


def check_pod_rules_can_fail(values):
    """A pod rule that cannot fail is no rule."""
    spec = pods(objects(values))[0]
    breaks = (
        lambda s: s.pop("automountServiceAccountToken"),
        lambda s: s["securityContext"].pop("runAsNonRoot"),
        lambda s: s["containers"][0]["securityContext"].pop("readOnlyRootFilesystem"),
        lambda s: s["containers"][0]["securityContext"].pop("capabilities"),
        lambda s: s["containers"][0].pop("readinessProbe"),
        lambda s: s["volumes"].pop(),
    )
    for number, break_it in enumerate(breaks):
        broken = copy.deepcopy(spec)
        break_it(broken)
        if not list(problems_of_pod(broken)):
            yield f"broken pod {number} passes"


def main():
    small = yaml.safe_load((HERE / "cases" / "small.yaml").read_text())
    full = yaml.safe_load((HERE / "cases" / "full.yaml").read_text())
    redis = yaml.safe_load((HERE / "cases" / "redis.yaml").read_text())
    broker = [
        "ConfigMap/test-lakegate-acting",
        "ConfigMap/test-lakegate-broker",
        "ConfigMap/test-lakegate-policy",
        "Deployment/test-lakegate-broker",
        "PodDisruptionBudget/test-lakegate-broker",
        "Service/test-lakegate-broker",
    ]
    generator = ["ConfigMap/test-lakegate-generator", "Deployment/test-lakegate-generator"]
    problems = [
        *check_renders("small", small, broker),
        *check_renders("full", full, broker + generator),
        *check_renders("redis", redis, broker + generator),
        *check_lint("small", small),
        *check_lint("redis", redis),
        *check_lint("full", full),
        *check_refused(full),
        *check_configuration(full),
        *check_pod_rules_can_fail(full),
    ]
    for problem in problems:
        print(problem)
    if problems:
        return 1
    print("helm: 3 sets of values render, lint and fit Kubernetes", " and ".join(KUBERNETES))
    return 0


if __name__ == "__main__":
    sys.exit(main())
