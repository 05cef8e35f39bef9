#!/bin/bash
# Bootstrap action: puts what Prometheus scrapes on a node.
#
#   exporters.sh JMX_AGENT_URI [NODE_EXPORTER_URI]
#
# The JMX exporter's agent and its configuration go where the options of Hadoop's daemons name them, before any daemon starts:
# without them no daemon would, so their absence fails the cluster here. The node exporter is a service of its own; a node on
# which it does not start works all the same: that is said.
set -euo pipefail

agent_uri="$1" node_exporter_uri="${2:-}"
folder="${DATAWORKS_NODE_FOLDER:-/opt/dataworks}/exporters"
units="${DATAWORKS_NODE_UNITS:-/etc/systemd/system}"
unit=dataworks-node-exporter.service
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# Daemons run as users of their own, and read all of it.
sudo install -d -m 0755 "$folder" "$units"
aws s3 cp --no-progress "$agent_uri" "$work/agent.jar"
sudo install -m 0644 "$work/agent.jar" "$folder/jmx_prometheus_javaagent.jar"
cat > "$work/jmx.yml" <<'YAML'
lowercaseOutputName: true
rules:
  - pattern: '.*'
YAML
sudo install -m 0644 "$work/jmx.yml" "$folder/jmx.yml"
echo "the JMX exporter is in place"

if [[ -z "$node_exporter_uri" ]]; then
    echo "this node has no node exporter: none was deployed"
    exit 0
fi
aws s3 cp --no-progress "$node_exporter_uri" "$work/node_exporter"
sudo install -m 0755 "$work/node_exporter" "$folder/node_exporter"
cat > "$work/$unit" <<UNIT
[Unit]
Description=Prometheus node exporter
After=network-online.target

[Service]
ExecStart=$folder/node_exporter --web.listen-address=:9100
User=nobody
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
UNIT
sudo install -m 0644 "$work/$unit" "$units/$unit"
if sudo systemctl daemon-reload && sudo systemctl enable --now "$unit"; then
    echo "the node exporter is started"
else
    echo "the node exporter could not be started" >&2
fi
