#! @shell@
# Stage 2: makes the root file system a NixOS one, then becomes systemd.

systemConfig=@systemConfig@
export HOME=/root PATH=@path@

printf '\n\033[1;32m<<< NixOS Stage 2 >>>\033[0m\n\n'

for option in $(< /proc/cmdline); do
  case $option in
    boot.trace | debugtrace) set -x ;;
    boot.debug2 | debug2) exec @shell@ < /dev/console > /dev/console 2>&1 ;;
  esac
done

echo "booting system configuration $systemConfig" > /dev/kmsg

mkdir -m 0755 -p /etc /etc/nixos /var /run /nix/var/nix/gcroots
mkdir -m 1777 -p /tmp
mkdir -m 0700 -p /root
@cleanTmp@

ln -sfn "$systemConfig" /run/booted-system
ln -sfn /run/booted-system /nix/var/nix/gcroots/booted-system
@runtimeLinks@

# A machine without an identity would look to systemd like one that is started for the first time, and have its units
# set up by presets, which is the configuration's business here.
if [ ! -s /etc/machine-id ]; then
  echo "Initializing machine ID from random generator."
  read -r id < /proc/sys/kernel/random/uuid
  echo "${id//-/}" > /etc/machine-id
fi

echo "running activation script..."
"$systemConfig/activate"

@postBootCommands@

echo "starting systemd..."
exec env -i \
  PATH=/run/current-system/systemd/lib/systemd:@systemdPath@ \
  @systemdEnvironment@ \
  "$systemConfig/systemd/lib/systemd/systemd" "$@"
