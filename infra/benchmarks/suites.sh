#!/usr/bin/env bash
# Lay out the Orthancs of other Debian suites, each in a folder of its own; do nothing where they are.
#   infra/benchmarks/suites.sh FOLDER SUITE…     for instance var/bench/peers trixie sid
# Needs root for debootstrap. Nothing of them runs as a service: infra.benchmarks.peers.suites starts the binary.
set -euo pipefail
folder=$1
shift
umask 022
mkdir -p "$folder"
folder=$(readlink -f "$folder")
log=$folder/setup.log
as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi

# The registry is the one that this machine's own packages come from.
registry() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1
}

lay_out() {
  local suite=$1 root=$folder/$1 packages=(orthanc orthanc-dicomweb) from
  from=$(registry)
  [ -n "$from" ] || { echo "apt knows no Debian registry here: its own package lists name none" >&2; return 1; }
  "${as_root[@]}" rm -rf "$root"
  "${as_root[@]}" debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$from"
  # What is installed is not to be started.
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$root/usr/sbin/policy-rc.d" >/dev/null
  "${as_root[@]}" chmod 755 "$root/usr/sbin/policy-rc.d"
  local apt=("${as_root[@]}" chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -qq)
  # A snapshot's Release file looks expired.
  "${apt[@]}" -o Acquire::Check-Valid-Until=false update
  "${apt[@]}" install -y --no-install-recommends "${packages[@]}"
  "${apt[@]}" clean
  "${as_root[@]}" rm -rf "$root"/var/lib/apt/lists
  "${as_root[@]}" touch "$root/.laid-out"
}

for suite in "$@"; do
  [ -e "$folder/$suite/.laid-out" ] && continue
  printf '  laying out Orthanc of Debian %s in %s\n' "$suite" "$folder/$suite"
  lay_out "$suite" >"$log" 2>&1 || { tail -n 20 "$log" >&2; exit 1; }
done
