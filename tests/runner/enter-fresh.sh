#!/bin/sh
# enter-fresh.sh ROOT DIRECTORY COMMAND…: runs a command in DIRECTORY of the system in ROOT. `./test --fresh` starts this in
# mount and process namespaces of its own, so that nothing of it is left when it ends.
set -eu
root=$1 directory=$2
shift 2
# A root that is a mount point: unshare --mount-proc refuses another.
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
# Not exec: this shell is the first process in there and reaps those that lose their parent.
chroot "$root" sh -c 'cd "$1" && shift && exec "$@"' sh "$directory" "$@"
