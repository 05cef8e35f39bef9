#!/bin/bash
# Bootstrap action: makes the Python environment of one version of the jobs on a node, without internet.
#
#   environment.sh VERSION ENVIRONMENT_URI JOB_URI
#
# The environment is an archive of site-packages for this release's Python, architecture and glibc; the job an archive of the
# package `spark`. Both come from S3. Done already: nothing happens. What cannot be imported fails the cluster here.
set -euo pipefail

version="$1" environment_uri="$2" job_uri="$3"
folder="${DATAWORKS_NODE_FOLDER:-/opt/dataworks}/$version"
python=python3.11

if [[ -e "$folder/.ready" ]]; then
    echo "environment $version is there already"
    exit 0
fi
command -v "$python" > /dev/null || sudo dnf install --assumeyes --quiet "$python"
sudo mkdir -p "$folder"
sudo chown -R "$(id -u):$(id -g)" "$folder"
"$python" -m venv --without-pip "$folder"
packages="$folder/lib/$python/site-packages"
aws s3 cp --no-progress "$environment_uri" "$folder/environment.tar"
tar -xf "$folder/environment.tar" -C "$packages"
aws s3 cp --no-progress "$job_uri" "$folder/job.zip"
"$python" -m zipfile -e "$folder/job.zip" "$packages"
rm "$folder/environment.tar" "$folder/job.zip"
"$folder/bin/python" -c 'import spark.jobs.stage, spark.jobs.runner'
touch "$folder/.ready"
echo "environment $version is ready in $folder"
