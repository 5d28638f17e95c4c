#! @perl@/bin/perl
# Moves the running machine to the system that this program is part of: stops what is gone or changed, activates, starts.
# Messages and exit codes are those of NixOS's own program, which scripts rely on.
use strict;
use warnings;

my $out = '@out@';
my $systemd = '@systemd@/bin';
$ENV{PATH} = '@coreutils@/bin:' . $systemd;
$| = 1;

my %exit = (usage => 1, activation => 2, units => 4, reboot => 100);

my $action = shift // "";
if ($action !~ /^(switch|boot|test|dry-activate|check)$/) {
    print STDERR "Usage: $0 [check|switch|boot|test|dry-activate]\n\n",
        "check:        run pre-switch checks and exit\n",
        "switch:       make the configuration the boot default and activate now\n",
        "boot:         make the configuration the boot default\n",
        "test:         activate the configuration, but don't make it the boot default\n",
        "dry-activate: show what would be done if this configuration were activated\n";
    exit $exit{usage};
}
my $dry = $action eq "dry-activate";
$ENV{NIXOS_ACTION} = $action;

if (!-e "/etc/NIXOS" && ($ENV{NIXOS_NO_CHECK} // "") ne "1") {
    print STDERR "This is not a NixOS installation!\n";
    exit $exit{usage};
}
if ($> != 0) {
    print STDERR "$0: must be run as root\n";
    exit $exit{usage};
}

mkdir "/run/nixos", 0755;
open my $lock, ">", "/run/nixos/switch-to-configuration.lock" or die "Could not open the lock: $!\n";
if (!flock $lock, 2 | 4) {
    print STDERR "Could not acquire lock\n";
    exit $exit{usage};
}

if (system('@preSwitchChecks@') != 0) {
    print STDERR "Pre-switch checks failed\n";
    exit $exit{usage};
}
exit 0 if $action eq "check";

# No boot loader belongs to the pocket: a machine's run script starts the kernel of its own system.
exit 0 if $action eq "boot";

sub read_file {
    my ($file) = @_;
    open my $handle, "<", $file or return undef;
    local $/;
    my $text = <$handle>;
    return $text;
}

if ((read_file("/run/current-system/init-interface-version") // "") ne (read_file("$out/init-interface-version") // "")) {
    print STDERR "Warning: the new NixOS configuration has an ‘init’ that is\n",
        "incompatible with the current configuration.  The new configuration\n",
        "won't take effect until you reboot the system.\n";
    exit $exit{reboot};
}

my $currentUnits = "/etc/systemd/system";
my $newUnits = "$out/etc/systemd/system";

# A unit instance falls back on its template.
sub unit_file {
    my ($directory, $unit) = @_;
    return "$directory/$unit" if -e "$directory/$unit" || -l "$directory/$unit";
    return "$directory/$1\@$2" if $unit =~ /^(.*?)@.*(\.[a-z]+)$/ && -e "$directory/$1\@$2";
    return undef;
}

# Section -> key -> values, of the file and what amends it.
sub parse_unit {
    my ($file) = @_;
    my %sections;
    my @files = ($file);
    push @files, sort glob "$file.d/*.conf" if -d "$file.d";
    for my $each (@files) {
        my $section = "";
        for my $line (split /\n/, (read_file($each) // "") =~ s/\\\n/ /gr) {
            next if $line =~ /^\s*([#;].*)?$/;
            if ($line =~ /^\[(.*)\]/) { $section = $1; next }
            next unless $line =~ /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/;
            if ($2 eq "") { $sections{$section}{$1} = [] } else { push @{ $sections{$section}{$1} }, $2 }
        }
    }
    return \%sections;
}

sub flag {
    my ($unit, $section, $key, $default) = @_;
    my $values = $unit->{$section}{$key};
    return $default unless $values && @$values;
    return $values->[-1] =~ /^(1|yes|true|on)$/i ? 1 : 0;
}

my %ignored = map { $_ => 1 } qw(
    X-Reload-Triggers Description Documentation OnFailure OnSuccess OnFailureJobMode IgnoreOnIsolate StopWhenUnneeded
    RefuseManualStart RefuseManualStop AllowIsolate CollectMode SourcePath
);

# "same", "reload" (only what a reload reaches differs), or "different".
sub compare_units {
    my ($old, $new) = @_;
    my $result = "same";
    my %sections = map { $_ => 1 } keys %$old, keys %$new;
    for my $section (sort keys %sections) {
        next if $section eq "Install";
        my %keys = map { $_ => 1 } keys %{ $old->{$section} // {} }, keys %{ $new->{$section} // {} };
        for my $key (keys %keys) {
            my $before = join "\n", @{ $old->{$section}{$key} // [] };
            my $after = join "\n", @{ $new->{$section}{$key} // [] };
            next if $before eq $after;
            if ($section eq "Unit" && $ignored{$key}) {
                $result = "reload" if $key eq "X-Reload-Triggers" && $after ne "";
                next;
            }
            return "different";
        }
    }
    return $result;
}

sub active_units {
    my %units;
    open my $list, "-|", "$systemd/systemctl", "list-units", "--full", "--all", "--plain", "--no-legend", "--no-pager"
        or die "cannot list the units: $!\n";
    while (<$list>) {
        my ($name, $load, $state, $sub) = split;
        $units{$name} = { load => $load, state => $state, sub => $sub } if defined $sub;
    }
    close $list;
    return \%units;
}

my $active = active_units();
my (%stop, %skip, %start, %restart, %reload, %keepSocket);

sub plan_changed {
    my ($unit, $new) = @_;

    if ($unit =~ /\.target$/) { return }
    if ($unit =~ /\.mount$/) { $unit eq "-.mount" || $unit eq "nix.mount" || $unit eq "nix-store.mount" or $reload{$unit} = 1; return }
    if ($unit =~ /\.(path|slice)$/ && $unit !~ /\.path$/) { return }
    if (!flag($new, "Service", "X-RestartIfChanged", flag($new, "Unit", "X-RestartIfChanged", 1))
        || flag($new, "Unit", "RefuseManualStop", 0)
        || flag($new, "Unit", "X-OnlyManualStart", 0)) {
        $skip{$unit} = 1;
        return;
    }
    if (flag($new, "Service", "X-ReloadIfChanged", 0)) { $reload{$unit} = 1; return }
    if (!flag($new, "Service", "X-StopIfChanged", 1)) { $restart{$unit} = 1; return }

    # A service that sockets start again: its sockets are what is stopped and started.
    if ($unit =~ /^(.*)\.service$/) {
        my @sockets = @{ $new->{Service}{Sockets} // [] };
        @sockets = split /\s+/, join " ", @sockets;
        @sockets = ("$1.socket") unless @sockets;
        for my $socket (@sockets) {
            next unless defined $active->{$socket} && $active->{$socket}{state} eq "active";
            next if flag($new, "Service", "X-NotSocketActivated", 0);
            next unless -e "$newUnits/$socket";
            $stop{$unit} = $stop{$socket} = 1;
            $start{$socket} = 1;
            $keepSocket{$unit} = 1;
        }
        if ($keepSocket{$unit}) { return }
    }
    $stop{$unit} = 1;
    $start{$unit} = 1;
}

for my $unit (sort keys %$active) {
    my $state = $active->{$unit}{state};
    next unless $state eq "active" || $state eq "activating" || $state eq "failed";

    my $old = unit_file($currentUnits, $unit) // next;
    my $new = unit_file($newUnits, $unit);
    my $parsedOld = parse_unit($old);

    if (!defined $new || (-l $new && (readlink $new) eq "/dev/null")) {
        next if -l $old && (readlink($old) // "") eq "/dev/null";
        next if $unit =~ /\.target$/ && $unit =~ /^(default|ctrl-alt-del)\./;
        $stop{$unit} = 1 if $state ne "failed" && flag($parsedOld, "Unit", "X-StopOnRemoval", 1);
        next;
    }

    my $parsedNew = parse_unit($new);
    if ($unit =~ /\.target$/) {
        # Starting a target again starts what it newly wants; a few must not be started by hand.
        next if $state ne "active" || $unit =~ /^(suspend|hibernate|hybrid-sleep|sleep|shutdown|umount|final|sysinit-reactivation)\./;
        next if flag($parsedNew, "Unit", "RefuseManualStart", 0) || flag($parsedNew, "Unit", "X-OnlyManualStart", 0);
        $start{$unit} = 1;
        $stop{$unit} = 1 if flag($parsedNew, "Unit", "X-StopOnReconfiguration", 0) && $unit !~ /^(local|remote)-fs\./;
        next;
    }

    my $verdict = compare_units($parsedOld, $parsedNew);
    if ($verdict eq "different") { plan_changed($unit, $parsedNew) }
    elsif ($verdict eq "reload") { $reload{$unit} = 1 }
}

# Mounts that fstab has, on either side, by mount point.
sub parse_fstab {
    my ($file) = @_;
    my (%mounts, %swaps);
    for my $line (split /\n/, read_file($file) // "") {
        next if $line =~ /^\s*(#.*)?$/;
        my ($device, $point, $type, $options) = split /\s+/, $line;
        if ($type eq "swap") { $swaps{$device} = $options }
        else { $mounts{$point} = { device => $device, type => $type, options => $options } }
    }
    return (\%mounts, \%swaps);
}

sub unit_name {
    my ($path, $suffix) = @_;
    open my $escape, "-|", "$systemd/systemd-escape", "--path", "--suffix=$suffix", $path or return undef;
    chomp(my $name = <$escape> // "");
    close $escape;
    return $name;
}

my ($oldMounts, $oldSwaps) = parse_fstab("/etc/fstab");
my ($newMounts, $newSwaps) = parse_fstab("$out/etc/fstab");
for my $point (sort keys %$oldMounts) {
    my ($old, $new) = ($oldMounts->{$point}, $newMounts->{$point});
    my $same = $new && join("|", @$old{qw(device type options)}) eq join("|", @$new{qw(device type options)});
    next if $same || $point =~ m{^/($|nix(/|$))};
    my $unit = unit_name($point, "mount") // next;
    if (!$new) { $stop{$unit} = 1 if $active->{$unit} && $active->{$unit}{state} eq "active" }
    elsif ($old->{device} ne $new->{device} || $old->{type} ne $new->{type}) { $restart{$unit} = 1 }
    else { $reload{$unit} = 1 }
}
for my $device (sort keys %$oldSwaps) {
    next if exists $newSwaps->{$device};
    my $unit = unit_name($device, "swap") // next;
    $stop{$unit} = 1 if $active->{$unit} && $active->{$unit}{state} eq "active";
}

my $currentSystemd = readlink("/run/current-system/systemd") // "";
my $newSystemd = readlink("$out/systemd") // "";
my $restartSystemd = $currentSystemd ne $newSystemd
    || (read_file("/etc/systemd/system.conf") // "") ne (read_file("$out/etc/systemd/system.conf") // "");

my $status = 0;

sub names { return join ", ", sort @_ }

if ($dry) {
    print STDERR "would stop the following units: ", names(keys %stop), "\n" if %stop;
    print STDERR "would NOT stop the following changed units: ", names(keys %skip), "\n" if %skip;
    print STDERR "would activate the configuration...\n";
    system("$out/dry-activate", $out);
    print STDERR "would restart systemd\n" if $restartSystemd;
    print STDERR "would reload the following units: ", names(keys %reload), "\n" if %reload;
    print STDERR "would restart the following units: ", names(keys %restart), "\n" if %restart;
    my @wouldStart = grep { !/\.target$/ } keys %start;
    print STDERR "would start the following units: ", names(@wouldStart), "\n" if @wouldStart;
    exit 0;
}

$SIG{PIPE} = "IGNORE";

if (%stop) {
    print STDERR "stopping the following units: ", names(keys %stop), "\n";
    system("$systemd/systemctl", "stop", "--", sort keys %stop);
}
print STDERR "NOT restarting the following changed units: ", names(keys %skip), "\n" if %skip;

print STDERR "activating the configuration...\n";
system("$out/activate", $out) == 0 or $status = $exit{activation};

if ($restartSystemd) {
    print STDERR "restarting systemd...\n";
    system("$systemd/systemctl", "daemon-reexec") == 0 or $status = $exit{activation};
}

system("$systemd/systemctl", "reset-failed");
system("$systemd/systemctl", "daemon-reload") == 0 or $status = $exit{units};

# Users' managers read their units anew.
my %managers;
open my $sessions, "-|", "$systemd/loginctl", "list-users", "--no-legend", "--no-pager";
while (<$sessions>) { my ($uid, $name) = split; $managers{$name} = $uid if defined $name && -e "/run/user/$uid/systemd/private" }
close $sessions;
for my $name (sort keys %managers) {
    print STDERR "reloading user units for $name...\n";
    system("$systemd/systemctl", "--user", "--machine=$name\@.host", "daemon-reexec");
}

system("$systemd/systemctl", "restart", "sysinit-reactivation.target");

# Only what still runs is reloaded and restarted; the rest would be started by it.
my $now = active_units();
sub running { my ($unit) = @_; return $now->{$unit} && $now->{$unit}{state} =~ /^(active|activating|reloading)$/ }

my @reload = grep { running($_) } sort keys %reload;
if (@reload) {
    print STDERR "reloading the following units: ", names(@reload), "\n";
    system("$systemd/systemctl", "reload", "--", @reload) == 0 or $status = $exit{units};
}
if (%restart) {
    print STDERR "restarting the following units: ", names(keys %restart), "\n";
    system("$systemd/systemctl", "restart", "--", sort keys %restart) == 0 or $status = $exit{units};
}

my @shown = grep { !/\.target$/ } keys %start;
print STDERR "starting the following units: ", names(@shown), "\n" if @shown;
system("$systemd/systemctl", "start", "--", sort keys %start) == 0 or $status = $exit{units} if %start;

my $after = active_units();
my (@failed, @new);
for my $unit (sort keys %$after) {
    my $state = $after->{$unit}{state};
    my $restarting = $after->{$unit}{sub} eq "auto-restart";
    if ($state eq "failed" || $restarting) {
        if ($restarting) {
            chomp(my $code = `$systemd/systemctl show --value --property=ExecMainStatus -- "$unit"` // "0");
            next if $code eq "0" || $code eq "";
        }
        push @failed, $unit;
        next;
    }
    push @new, $unit
        if $state eq "active"
        && !($active->{$unit} && $active->{$unit}{state} =~ /^(active|activating)$/)
        && !$start{$unit} && !$restart{$unit}
        && $unit !~ /\.(scope|device|slice)$/ && $unit !~ /^(run-user|sysinit-reactivation|systemd-tmpfiles-resetup)/;
}
print STDERR "the following new units were started: ", names(@new), "\n" if @new;
if (@failed) {
    print STDERR "warning: the following units failed: ", names(@failed), "\n";
    system("$systemd/systemctl", "status", "--no-pager", "--full", "--", @failed);
    $status = $exit{units};
}
exit $status;
