#! @perl@/bin/perl
# Moves the running machine to the system that this program is part of: stops what is gone or changed, activates, starts.
# Messages and exit codes are those of NixOS's own program, which scripts rely on.
use strict;
use warnings;
use lib '@modules@';
use Plan;
use UnitFiles;

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

if ((read_file("/run/current-system/init-interface-version") // "") ne (read_file("$out/init-interface-version") // "")) {
    print STDERR "Warning: the new NixOS configuration has an ‘init’ that is\n",
        "incompatible with the current configuration.  The new configuration\n",
        "won't take effect until you reboot the system.\n";
    exit $exit{reboot};
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

sub unit_name {
    my ($path, $suffix) = @_;
    open my $escape, "-|", "$systemd/systemd-escape", "--path", "--suffix=$suffix", $path or return undef;
    chomp(my $name = <$escape> // "");
    close $escape;
    return $name;
}

my $active = active_units();
my %plan = %{ Plan::make(old => "/etc", new => "$out/etc", active => $active, escape => \&unit_name) };
my %stop = %{ $plan{stop} };
my %skip = %{ $plan{skip} };
my %start = %{ $plan{start} };
my %restart = %{ $plan{restart} };
my %reload = %{ $plan{reload} };

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

# Users' managers read their units anew. They are asked as their users, without a session: logind may be restarting.
for my $directory (sort glob "/run/user/*") {
    my ($uid) = $directory =~ m{/(\d+)$} or next;
    my ($name, $gid) = (getpwuid $uid)[0, 3];
    next unless defined $name && -S "$directory/systemd/private";
    print STDERR "reloading user units for $name...\n";
    my $child = fork // die "cannot fork: $!\n";
    if (!$child) {
        $( = $gid;
        $) = "$gid $gid";
        ($<, $>) = ($uid, $uid);
        $ENV{XDG_RUNTIME_DIR} = $directory;
        exec "$systemd/systemctl", "--user", "daemon-reexec";
    }
    waitpid $child, 0;
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
