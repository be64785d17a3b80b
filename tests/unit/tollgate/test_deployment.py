"""Image, compose file, Kubernetes manifests, production configuration: what can be told without running them."""

import re
from typing import Any

import pytest
from ruamel.yaml import YAML

from flink_jobs.settings import RatingSettings
from tollgate.jobs import JOBS as SPECS
from tollgate.local.flink_config import load_template
from tollgate.settings import REPOSITORY

DOCKER = REPOSITORY / "docker"
LOCAL = load_template(REPOSITORY / "conf" / "flink" / "config.yaml")
PRODUCTION = load_template(REPOSITORY / "conf" / "flink" / "production.yaml")
HA = "high-availability.type"
JOBS = {"usage-rating", "balances", "subscriptions", "invoicing"}

AGREED = {
    "state.backend.type": "rocksdb",
    "execution.checkpointing.incremental": "true",
    "execution.checkpointing.mode": "EXACTLY_ONCE",
    "execution.checkpointing.unaligned.enabled": "false",
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    "python.execution-mode": "thread",
    "taskmanager.numberOfTaskSlots": "1",
    "web.submit.enable": "false",
    "restart-strategy.type": "exponential-delay",
    "metrics.job.status.enable": "STATE;CURRENT_TIME",
    "metrics.reporter.prometheus.filterLabelValueCharacters": "false",
}
"""What no cluster may change: the guarantees, and what metrics are called."""


def documents(name: str) -> list[dict[str, Any]]:
    text = (DOCKER / "kubernetes" / f"{name}.yaml").read_text(encoding="utf-8")
    return list(YAML(typ="safe").load_all(text))


def deployment(job: str) -> dict[str, Any]:
    return next(one for one in documents(job) if one["kind"] == "FlinkDeployment")


def milliseconds(text: str) -> int:
    number, unit = text.split()
    return int(number) * {"ms": 1, "s": 1000, "min": 60_000}[unit]


@pytest.mark.parametrize("options", [LOCAL, PRODUCTION], ids=["local", "production"])
def test_local_and_production_agree_where_they_must(options: dict[str, str]) -> None:
    assert {key: options[key] for key in AGREED} == AGREED
    assert options["env.java.opts.all"] == LOCAL["env.java.opts.all"]


def test_production_says_nothing_that_the_local_stack_does_not_know() -> None:
    own = {"high-availability.type", "high-availability.storageDir", "metrics.reporter.prometheus.port"}
    own |= {"execution.checkpointing.dir", "execution.checkpointing.savepoint-dir", "web.cancel.enable"}
    own |= {"python.executable", "python.client.executable"}
    assert PRODUCTION.keys() - LOCAL.keys() == own


def test_transactions_outlive_the_slowest_checkpoints_and_the_broker_allows_them() -> None:
    timeout_ms = RatingSettings(bootstrap_servers="b:1").transaction_timeout_ms
    failures = int(PRODUCTION["execution.checkpointing.tolerable-failed-checkpoints"]) + 1
    assert failures * milliseconds(PRODUCTION["execution.checkpointing.timeout"]) < timeout_ms / 10
    for broker_ms in (compose()["kafka"]["environment"]["KAFKA_TRANSACTION_MAX_TIMEOUT_MS"], local_broker_ms()):
        assert int(broker_ms) >= timeout_ms


def local_broker_ms() -> str:
    text = (REPOSITORY / "conf" / "kafka" / "server.properties").read_text(encoding="utf-8")
    return re.findall(r"^transaction\.max\.timeout\.ms=(\d+)$", text, re.MULTILINE)[0]


def test_the_parts_of_a_task_manager_s_memory_fit() -> None:
    process, managed, overhead, network = (
        int(PRODUCTION[f"taskmanager.memory.{part}"].removesuffix("m"))
        for part in ("process.size", "managed.size", "jvm-overhead.max", "network.max")
    )
    assert process - managed - overhead - network - 256 - 128 == 1216


def test_the_image_is_not_root_s_and_brings_what_production_names() -> None:
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^USER (\S+)$", text, re.MULTILINE)[-1] == "9999:9999"
    assert "conf/flink/production.yaml" in text
    assert f"UV_PROJECT_ENVIRONMENT={PRODUCTION['python.executable'].removesuffix('/bin/python')} " in text
    assert not re.search(r":latest\b|^ADD ", text, re.MULTILINE)
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        assert all((REPOSITORY / one).exists() for one in source.split())
    versions = {version for _, version in re.findall(r"(flink:|flink-python-)(\d+\.\d+\.\d+)", text)}
    assert versions == {"2.3.0"}


def compose() -> dict[str, Any]:
    document = YAML(typ="safe").load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
    services: dict[str, Any] = document["services"]
    return services


def test_compose_waits_for_what_is_healthy_and_publishes_on_loopback_alone() -> None:
    services = compose()
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        assert not service["image"].endswith(":latest")
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        for other, wanted in service.get("depends_on", {}).items():
            assert wanted["condition"] in {"service_healthy", "service_completed_successfully"}
            assert ("healthcheck" in services[other]) == (wanted["condition"] == "service_healthy")
    submitted = {name for name, one in services.items() if "run" in one.get("entrypoint", ())}
    assert submitted == JOBS
    assert services["taskmanager"]["deploy"]["replicas"] >= len(submitted)


@pytest.mark.parametrize("job", sorted(JOBS))
def test_a_deployment_keeps_the_guarantees(job: str) -> None:
    spec = deployment(job)["spec"]
    told = spec["flinkConfiguration"]
    sizes = {f"{process}.memory.process.size" for process in ("jobmanager", "taskmanager")}
    elsewhere = sizes | {key for key, value in PRODUCTION.items() if value.startswith("file:")} | {HA}
    assert {key: told.get(key) for key in PRODUCTION.keys() - elsewhere} == {
        key: PRODUCTION[key] for key in PRODUCTION.keys() - elsewhere
    }
    assert {spec[process]["resource"]["memory"] for process in ("jobManager", "taskManager")} == {
        PRODUCTION[size] for size in sizes
    }
    assert told[HA] == "kubernetes"
    assert told["job.autoscaler.scaling.enabled"] == "false", "operators may not get a parallelism of their own"
    assert all(told[key].startswith("s3://") for key in told if key.endswith(("checkpointing.dir", "storageDir")))
    assert spec["job"]["upgradeMode"] == "savepoint"
    assert spec["job"]["allowNonRestoredState"] is False
    args = spec["job"]["args"]
    assert args[args.index("--parallelism") + 1] == str(spec["job"]["parallelism"])
    assert (REPOSITORY / args[args.index("-py") + 1].removeprefix("/opt/tollgate/app/")).exists()


@pytest.mark.parametrize("job", sorted(JOBS))
def test_no_secret_stands_in_a_manifest_and_pods_may_do_little(job: str) -> None:
    pod = deployment(job)["spec"]["podTemplate"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    (container,) = pod["containers"]
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    variables = {one["name"]: one["value"] for one in container["env"]}
    (mount,) = container["volumeMounts"]
    files = {name: path for name, path in variables.items() if name.endswith("_FILE")}
    assert {"TOLLGATE_KAFKA_PASSWORD_FILE", "TOLLGATE_KAFKA_CA_FILE"} <= files.keys()
    assert all(path.startswith(mount["mountPath"] + "/") for path in files.values())
    assert not [name for name in variables if name.endswith("PASSWORD")]
    assert pod["volumes"][0]["secret"]["secretName"] == f"tollgate-{job}"
    budget = next(one for one in documents(job) if one["kind"] == "PodDisruptionBudget")
    assert budget["spec"]["selector"]["matchLabels"] == {"app": job}
    spec = deployment(job)["spec"]
    assert budget["spec"]["minAvailable"] == spec["jobManager"]["replicas"] + spec["job"]["parallelism"] - 1


def test_what_is_shared_is_there_once() -> None:
    kinds = {one["kind"]: one for one in documents("common")}
    assert kinds.keys() == {"Namespace", "ConfigMap", "NetworkPolicy"}
    assert kinds["NetworkPolicy"]["spec"]["policyTypes"] == ["Ingress"]


def test_the_page_on_clusters_names_the_rights_of_every_job() -> None:
    page = (REPOSITORY / "docs" / "how-to" / "run-on-a-cluster.md").read_text(encoding="utf-8")
    rights = re.findall(r"rights(?: for the rating job)?: read ([^;]+); write ([^;]+);", page)
    told = {tuple(frozenset(re.findall(r"`([a-z.]+)`", part)) for part in one) for one in rights}
    assert told == {(frozenset(topic for topic, _ in spec.inputs), frozenset(spec.outputs)) for spec in SPECS.values()}
