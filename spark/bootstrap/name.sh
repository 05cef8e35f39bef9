#!/bin/bash
# Bootstrap action: renames the instance to `<service>-<role>-<8 hex>`, so that its metrics say which node they are of.
#
#   name.sh SERVICE
#
# A node that cannot be renamed works all the same: that is said, and is no failure of the cluster.
set -uo pipefail

service="$1"
info="${DATAWORKS_NODE_INFO:-/mnt/var/lib/info}/extraInstanceData.json"
metadata="${DATAWORKS_NODE_METADATA:-http://169.254.169.254}/latest"
role="$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["instanceRole"])' "$info" 2> /dev/null || echo node)"
token="$(curl -sf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$metadata/api/token")"
instance="$(curl -sf -m 5 -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/instance-id")"
name="$service-${role,,}-$(printf '%s' "$instance" | sha256sum | cut -c1-8)"
if [[ -n "$instance" ]] && aws ec2 create-tags --resources "$instance" --tags "Key=Name,Value=$name"; then
    echo "this instance is $name"
else
    echo "this instance could not be renamed" >&2
fi
