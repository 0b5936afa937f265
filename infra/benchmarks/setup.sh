#!/usr/bin/env bash
# Install the peers that the benchmarks compare with and infra/setup does not bring; do nothing where they are.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
missing=()
command -v borg >/dev/null || missing+=(borgbackup)
[ ${#missing[@]} = 0 ] && exit
printf '  installing by apt: %s\n' "${missing[*]}"
as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi
mkdir -p var
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq update >/dev/null
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" \
  >var/.setup.log 2>&1 || { tail -n 20 var/.setup.log >&2; exit 1; }
