"""The configuration files of a node's parts, as texts; the traps that they avoid are told where they stand."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cluster import images

PODS = "10.244.0.0/24"
GATEWAY = "10.244.0.1"  # of the pods; DNS listens there
STORAGE_NAMESPACE = "local-path-storage"
STORAGE_CONFIG = "local-path-config"


def containerd(run_dir: Path, plugins: Path) -> str:
    """containerd.toml: everything in the run folder, nothing in /opt, /etc or /run/containerd of the host."""
    return f"""version = 3
root = "{run_dir}/containerd/root"
state = "{run_dir}/containerd/state"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]
[grpc]
  address = "{run_dir}/containerd.sock"
[ttrpc]
  address = "{run_dir}/containerd.sock.ttrpc"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{images.PAUSE}"
[plugins."io.containerd.cri.v1.runtime"]
  # root without CAP_SYS_RESOURCE may not lower oom_score_adj: runc would end, "can't get final child's PID from pipe"
  restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["{plugins}"]
  conf_dir = "{run_dir}/cni"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
"""


def network(run_dir: Path) -> Mapping[str, Any]:
    """The pods' network: a cable from each pod to the node, which routes.

    A bridge would need the kernel module br_netfilter for Services whose pod is on the same bridge.
    """
    return {
        "cniVersion": "1.0.0",
        "name": "datalake",
        "plugins": [
            {
                "type": "ptp",
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": PODS}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "dataDir": f"{run_dir}/cni/ipam",
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def kubelet(run_dir: Path, authority: Path, cgroup: str) -> Mapping[str, Any]:
    """KubeletConfiguration; certificates lie in the folder `authority`, pods live below the control group `cgroup`."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{authority}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{authority}/kubelet.crt",
        "tlsPrivateKeyFile": f"{authority}/kubelet.key",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroup}",
        "failCgroupV1": False,  # refused by default since Kubernetes 1.35
        "failSwapOn": False,
        "clusterDNS": [GATEWAY],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{run_dir}/containerd.sock",
        "evictionHard": {"imagefs.available": "1%", "nodefs.available": "1%", "memory.available": "100Mi"},
        "imageGCHighThresholdPercent": 100,  # images that were loaded cannot be pulled again
        "maxPods": 250,
        "podLogsDir": f"{run_dir}/logs/pods",
        "resolvConf": f"{run_dir}/resolv.conf",
        "volumePluginDir": f"{run_dir}/volume-plugins",
        "serializeImagePulls": False,
        "eventRecordQPS": 0,
        "registryPullQPS": 0,
    }


def proxy(kubeconfig: Path, node: str) -> Mapping[str, Any]:
    """KubeProxyConfiguration; `conntrack` as it is, since its limits belong to the host."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "clusterCIDR": PODS,
        "hostnameOverride": node,
        "conntrack": {"maxPerCore": 0},
    }


def dns(kubeconfig: Path) -> str:
    """Corefile: names of the cluster; no other name exists (a server failure would make callers wait and try again)."""
    return f""".:53 {{
  bind {GATEWAY}
  errors
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {kubeconfig}
    ttl 5
  }}
  template ANY ANY {{
    rcode NXDOMAIN
  }}
}}
"""


def volumes(run_dir: Path) -> Mapping[str, Any]:
    """The configuration of the local-path provisioner: folders in the run folder, made by our own helper."""
    return {
        "nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [f"{run_dir}/volumes"]}],
        "setupCommand": images.TOOLS,
        "teardownCommand": images.TOOLS,
    }


def storage(run_dir: Path) -> Mapping[str, Any]:
    """What the local-path provisioner needs in the API server, and two classes: the default, and one that expands."""
    helper = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "volume-helper"},
        "spec": {
            "containers": [
                {
                    "name": "helper-pod",
                    "image": images.VOLUME_HELPER,
                    "imagePullPolicy": "IfNotPresent",
                    "securityContext": {"runAsUser": 0},
                }
            ]
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": STORAGE_NAMESPACE}},
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": STORAGE_CONFIG, "namespace": STORAGE_NAMESPACE},
                "data": {"config.json": json.dumps(volumes(run_dir)), "helperPod.yaml": json.dumps(helper)},
            },
            _storage_class("local-path", default=True, expands=False),
            _storage_class("local-path-expandable", default=False, expands=True),
        ],
    }


def _storage_class(name: str, *, default: bool, expands: bool) -> Mapping[str, Any]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": name,
            "annotations": {"storageclass.kubernetes.io/is-default-class": str(default).lower()},
        },
        "provisioner": "rancher.io/local-path",
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": expands,
    }
