# What a switch stops, starts, restarts and reloads: out of the unit files and mounts on both sides and what is active.
package Plan;
use strict;
use warnings;
use UnitFiles;

# old, new: directories of what is under /etc; active: unit -> { state }; escape: path, suffix -> name of its unit.
# The result maps stop, skip, start, restart and reload to units.
sub make {
    my (%from) = @_;
    my $plan = { map { $_ => {} } qw(stop skip start restart reload) };
    plan_unit($plan, $_, %from) for sort keys %{ $from{active} };
    plan_mounts($plan, %from);
    return $plan;
}

sub plan_unit {
    my ($plan, $unit, %from) = @_;
    my $state = $from{active}{$unit}{state};
    return unless $state eq "active" || $state eq "activating" || $state eq "failed";

    my $old = unit_file("$from{old}/systemd/system", $unit) // return;
    my $new = unit_file("$from{new}/systemd/system", $unit);
    my $parsedOld = parse_unit($old);

    if (!defined $new || is_masked($new)) {
        return if is_masked($old) || $unit =~ /^(default|ctrl-alt-del)\.target$/;
        $plan->{stop}{$unit} = 1 if $state ne "failed" && flag($parsedOld, "Unit", "X-StopOnRemoval", 1);
        return;
    }

    my $parsedNew = parse_unit($new);
    return plan_target($plan, $unit, $state, $parsedNew) if $unit =~ /\.target$/;
    my $verdict = compare_units($parsedOld, $parsedNew);
    if ($verdict eq "different") { plan_changed($plan, $unit, $parsedNew, %from) }
    elsif ($verdict eq "reload") { $plan->{reload}{$unit} = 1 }
}

# Starting a target again starts what it newly wants; a few must not be started by hand.
sub plan_target {
    my ($plan, $unit, $state, $new) = @_;
    return if $state ne "active" || $unit =~ /^(suspend|hibernate|hybrid-sleep|sleep|shutdown|umount|final|sysinit-reactivation)\./;
    return if flag($new, "Unit", "RefuseManualStart", 0) || flag($new, "Unit", "X-OnlyManualStart", 0);
    $plan->{start}{$unit} = 1;
    $plan->{stop}{$unit} = 1 if flag($new, "Unit", "X-StopOnReconfiguration", 0) && $unit !~ /^(local|remote)-fs\./;
}

sub plan_changed {
    my ($plan, $unit, $new, %from) = @_;

    if ($unit =~ /\.mount$/) { $plan->{reload}{$unit} = 1 unless $unit =~ /^(-|nix|nix-store)\.mount$/; return }
    return if $unit =~ /\.slice$/;
    if (!flag($new, "Service", "X-RestartIfChanged", flag($new, "Unit", "X-RestartIfChanged", 1))
        || flag($new, "Unit", "RefuseManualStop", 0)
        || flag($new, "Unit", "X-OnlyManualStart", 0)) {
        $plan->{skip}{$unit} = 1;
        return;
    }
    if (flag($new, "Service", "X-ReloadIfChanged", 0)) { $plan->{reload}{$unit} = 1; return }
    if (!flag($new, "Service", "X-StopIfChanged", 1)) { $plan->{restart}{$unit} = 1; return }

    $plan->{stop}{$unit} = 1;
    my @sockets = sockets_of($unit, $new, %from);
    # A service that sockets start again: they are what is stopped and started.
    $plan->{stop}{$_} = $plan->{start}{$_} = 1 for @sockets;
    $plan->{start}{$unit} = 1 unless @sockets;
}

sub sockets_of {
    my ($unit, $new, %from) = @_;
    return () unless $unit =~ /^(.*)\.service$/ && !flag($new, "Service", "X-NotSocketActivated", 0);
    my @sockets = split /\s+/, join " ", @{ $new->{Service}{Sockets} // [] };
    @sockets = ("$1.socket") unless @sockets;
    return grep { ($from{active}{$_}{state} // "") eq "active" && -e "$from{new}/systemd/system/$_" } @sockets;
}

sub plan_mounts {
    my ($plan, %from) = @_;
    my $isActive = sub { return ($from{active}{ $_[0] }{state} // "") eq "active" };
    my ($oldMounts, $oldSwaps) = parse_fstab("$from{old}/fstab");
    my ($newMounts, $newSwaps) = parse_fstab("$from{new}/fstab");
    for my $point (sort keys %$oldMounts) {
        my ($old, $new) = ($oldMounts->{$point}, $newMounts->{$point});
        my $same = $new && join("|", @$old{qw(device type options)}) eq join("|", @$new{qw(device type options)});
        next if $same || $point =~ m{^/($|nix(/|$))};
        my $unit = $from{escape}->($point, "mount") // next;
        if (!$new) { $plan->{stop}{$unit} = 1 if $isActive->($unit) }
        elsif ($old->{device} ne $new->{device} || $old->{type} ne $new->{type}) { $plan->{restart}{$unit} = 1 }
        else { $plan->{reload}{$unit} = 1 }
    }
    for my $device (sort keys %$oldSwaps) {
        next if exists $newSwaps->{$device};
        my $unit = $from{escape}->($device, "swap") // next;
        $plan->{stop}{$unit} = 1 if $isActive->($unit);
    }
}

# Mounts by mount point, and swap devices.
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

1;
