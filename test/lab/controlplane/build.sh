#!/bin/sh
# Builds the lab's program into OUT_DIR, with a link for each of its names: build.sh OUT_DIR
set -eu

[ $# -eq 1 ] || { echo "usage: $0 OUT_DIR" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"

# Kubernetes reports v0.0.0-master unless it is told its version; ours is the one go.mod names.
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=${version#v1.}
minor=${minor%%.*}
flags="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags="$flags -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor -X $package.gitTreeState=clean"
done

CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "$flags" -o "$out/lab-controlplane" .
for name in $("$out/lab-controlplane" roles); do
  ln -sf lab-controlplane "$out/$name"
done
