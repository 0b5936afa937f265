#!/usr/bin/env bash
# Install the peers that the benchmarks compare with and infra/setup does not bring; do nothing where they are.
# With --full among the arguments also Orthancs of other Debian suites, in folders below var/bench/peers or
# COLLIMATE_BENCH_PEERS (some 700 MB).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
full=false
case " $* " in *' --full '*) full=true ;; esac
PATH=$PATH:/usr/sbin # where Debian keeps nginx and debootstrap

was_there=false
missing=()
command -v borg >/dev/null || missing+=(borgbackup)
if command -v nginx >/dev/null; then was_there=true; else missing+=(nginx-light); fi
if $full; then command -v debootstrap >/dev/null || missing+=(debootstrap); fi

as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi
if [ ${#missing[@]} != 0 ]; then
  printf '  installing by apt: %s\n' "${missing[*]}"
  mkdir -p var
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq update >/dev/null
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" \
    >var/.setup.log 2>&1 || { tail -n 20 var/.setup.log >&2; exit 1; }
fi
# The package starts an nginx of its own; the benchmarks run theirs and want no other.
if ! $was_there; then
  if [ -d /run/systemd/system ]; then "${as_root[@]}" systemctl disable --quiet --now nginx >/dev/null 2>&1 || true
  else "${as_root[@]}" service nginx stop >/dev/null 2>&1 || true; fi
fi
if $full; then infra/benchmarks/suites.sh "${COLLIMATE_BENCH_PEERS:-var/bench/peers}" trixie sid; fi
