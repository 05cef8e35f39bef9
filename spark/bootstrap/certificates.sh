#!/bin/bash
# Bootstrap action: puts the certificates by which jobs identify themselves to the key service on a node.
#
#   certificates.sh SECRET_ID CA_PATH CERTIFICATE_PATH PRIVATE_KEY_PATH
#
# The secret is JSON with the PEM texts `ca`, `certificate` and `private_key`. It is named here, and read on the node by the
# node's own role: no part of it is in the cluster's description or in a log.
set -euo pipefail

secret_id="$1" ca_path="$2" certificate_path="$3" private_key_path="$4"
umask 077
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
aws secretsmanager get-secret-value --secret-id "$secret_id" --query SecretString --output text > "$folder/secret"
python3 - "$folder" <<'PYTHON'
import json, pathlib, sys

folder = pathlib.Path(sys.argv[1])
try:
    secret = json.loads((folder / "secret").read_text())
    missing = [name for name in ("ca", "certificate", "private_key") if not secret.get(name)]
except (AttributeError, ValueError):
    sys.exit("the secret is no JSON object")
if missing:
    sys.exit(f"the secret has no {' and no '.join(missing)}")
for name in ("ca", "certificate", "private_key"):
    (folder / name).write_text(secret[name])
PYTHON
# Jobs run as other users of the node than this script: they read the certificates; the key only by their group.
place() {
    sudo mkdir -p "$(dirname "$2")"
    sudo install -m "$3" -o root -g "${DATAWORKS_NODE_GROUP:-hadoop}" "$folder/$1" "$2"
}
place ca "$ca_path" 0644
place certificate "$certificate_path" 0644
place private_key "$private_key_path" 0640
echo "certificates of the key service are in place"
