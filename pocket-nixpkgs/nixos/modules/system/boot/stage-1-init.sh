#!/bin/sh
# Stage 1: finds and mounts the file systems that stage 2 lives on, then hands over.
# Runs in the initial ramdisk, where busybox is everything there is.

export PATH=/bin
targetRoot=/mnt-root
deviceWaitSeconds=20
stage2Init=/init

mkdir -p /proc /sys /dev /run /tmp /etc "$targetRoot"
mount -t proc -o nosuid,noexec,nodev proc /proc
mount -t sysfs -o nosuid,noexec,nodev sysfs /sys
mount -t devtmpfs -o nosuid,mode=0755 devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o nosuid,noexec,mode=0620,gid=3,ptmxmode=0666 devpts /dev/pts
mount -t tmpfs -o nosuid,nodev,strictatime,mode=1777 tmpfs /dev/shm
mount -t tmpfs -o nosuid,nodev,strictatime,mode=0755,size=25% tmpfs /run
@runtimeLinks@
ln -s /proc/mounts /etc/mtab
: > /etc/fstab
exec < /dev/console > /dev/console 2>&1

echo
printf '\033[1;32m<<< NixOS Stage 1 >>>\033[0m\n'
echo

shell() {
  setsid -c sh < /dev/console > /dev/console 2>&1
}

# The wording is NixOS's own: people and programs look for it.
fail() {
  [ -z "$panicOnFail" ] || exit 1

  cat <<TEXT

An error occurred in stage 1 of the boot process, which must mount the
root filesystem on \`$targetRoot' and then start stage 2.  Press one
of the following keys:

TEXT
  [ -z "$allowShell" ] || cat <<TEXT
  i) to launch an interactive shell
  f) to start an interactive shell having pid 1 (needed if you want to
     start stage 2's init manually)
TEXT
  cat <<TEXT
  r) to reboot immediately
  *) to ignore the error and continue
TEXT

  read -r -n 1 reply
  echo
  case "$allowShell$reply" in
    1i) echo "Starting interactive shell..."; shell || fail ;;
    1f) echo "Starting interactive shell with pid 1..."; exec setsid -c sh ;;
    r | 1r) echo "Rebooting..."; reboot -f ;;
    *) echo "Continuing..." ;;
  esac
}

for option in $(cat /proc/cmdline); do
  case $option in
    init=*) stage2Init=${option#init=} ;;
    boot.trace | debugtrace) set -x ;;
    boot.shell_on_fail) allowShell=1 ;;
    boot.debug1 | debug1) allowShell=1; debug=start ;;
    boot.debug1devices) allowShell=1; debug=devices ;;
    boot.debug1mounts) allowShell=1; debug=mounts ;;
    boot.panic_on_fail | stage1panic=1) panicOnFail=1 ;;
    root=*)
      device=${option#root=}
      case $device in
        LABEL=*) rootDevice=/dev/disk/by-label/${device#LABEL=} ;;
        UUID=*) rootDevice=/dev/disk/by-uuid/${device#UUID=} ;;
        *) rootDevice=$device ;;
      esac ;;
  esac
done

pause() {
  [ "$debug" != "$1" ] || fail
}

pause start

echo /bin/modprobe > /proc/sys/kernel/modprobe
for module in @kernelModules@; do
  echo "loading module $module..."
  modprobe -q "$module" || true
done

# A bus that a module brings to life has devices with modules of their own.
loadModulesForHardware() {
  found=$(cat /sys/bus/*/devices/*/modalias 2>/dev/null | sort -u)
  [ "$found" != "$known" ] || return 1
  known=$found
  # shellcheck disable=SC2086
  modprobe -a -b -q $found 2>/dev/null || true
}
while loadModulesForHardware; do :; done

pause devices

@preDeviceCommands@

# There is no udev here: names below /dev/disk are looked up by what they say.
findDevice() {
  case $1 in
    /dev/disk/by-label/*) findfs "LABEL=${1#/dev/disk/by-label/}" 2>/dev/null ;;
    /dev/disk/by-uuid/*) findfs "UUID=${1#/dev/disk/by-uuid/}" 2>/dev/null ;;
    LABEL=* | UUID=*) findfs "$1" 2>/dev/null ;;
    /dev/disk/by-id/virtio-*)
      for serial in /sys/block/vd*/serial; do
        [ "$(cat "$serial" 2>/dev/null)" = "${1#/dev/disk/by-id/virtio-}" ] || continue
        disk=${serial%/serial}
        echo "/dev/${disk#/sys/block/}"
        return
      done
      return 1 ;;
    /dev/*) [ -b "$1" ] && echo "$1" ;;
    *) echo "$1" ;;
  esac
}

uptime() {
  read -r seconds _ < /proc/uptime
  echo "${seconds%.*}"
}

waitForDevice() {
  findDevice "$1" && return
  echo "waiting for device $1 to appear..." > /dev/console
  started=$(uptime)
  while [ $(($(uptime) - started)) -lt $deviceWaitSeconds ]; do
    sleep 0.2
    findDevice "$1" && return
  done
  echo "Timed out waiting for device $1, trying to mount anyway." > /dev/console
  echo "$1"
}

mountFileSystem() {
  device=$1 mountPoint=$2 fsType=$3 options=$4
  [ "$mountPoint" != / ] || device=${rootDevice:-$device}

  case $fsType in
    tmpfs | overlay | none | proc | sysfs) ;;
    *) device=$(waitForDevice "$device") ;;
  esac
  if [ "$fsType" = overlay ]; then
    for directory in $(echo "$options" | tr , '\n' | sed -n 's/^\(upperdir\|workdir\)=//p'); do
      mkdir -p "$directory"
    done
    echo "mounting overlay filesystem on $mountPoint..."
  else
    echo "mounting $device on $mountPoint..."
  fi
  mkdir -p "$targetRoot$mountPoint"
  mount -t "$fsType" -o "$options" "$device" "$targetRoot$mountPoint" || fail
}

@mountCommands@

pause mounts

@postMountCommands@

# A link's target is a path of the new root, so look without following it.
if [ ! -e "$targetRoot$stage2Init" ] && [ ! -L "$targetRoot$stage2Init" ]; then
  echo "stage 2 init script ($targetRoot$stage2Init) not found"
  fail
fi

mkdir -m 0755 -p "$targetRoot/proc" "$targetRoot/sys" "$targetRoot/dev" "$targetRoot/run"
for directory in proc sys dev run; do
  mount -o move /$directory "$targetRoot/$directory"
done

exec switch_root "$targetRoot" "$stage2Init"

fail
