# Makes /etc/passwd, /etc/group and /etc/shadow hold what the table declares.
# A number once given to a name stays with it, also when the name comes and goes.
use strict;
use warnings;

my $tableFile = shift or die "usage: update-users-groups.pl TABLE\n";
my $mapFile = "/var/lib/nixos/numbers";
my $dry = ($ENV{NIXOS_ACTION} // "") eq "dry-activate";

sub lines_of {
    my ($file) = @_;
    open my $handle, "<", $file or return ();
    chomp(my @lines = <$handle>);
    return @lines;
}

# Written beside and moved into place, so that no reader sees half a file.
sub write_file {
    my ($file, $mode, $text) = @_;
    my $old = umask 0077;
    open my $handle, ">", "$file.tmp" or die "cannot write $file.tmp: $!\n";
    print {$handle} $text;
    close $handle or die "cannot write $file.tmp: $!\n";
    umask $old;
    chmod $mode, "$file.tmp";
    rename "$file.tmp", $file or die "cannot write $file: $!\n";
}

my ($mutable, @groups, @users) = ("yes");
for (lines_of($tableFile)) {
    my ($kind, @fields) = split /\t/, $_, -1;
    if ($kind eq "mutable") { $mutable = $fields[0] }
    elsif ($kind eq "group") {
        push @groups, { name => $fields[0], gid => $fields[1], members => [ split /,/, $fields[2] ] };
    } elsif ($kind eq "user") {
        my %user;
        @user{qw(name uid group description home shell kind homeMode hashed plain file initialHashed initialPlain)} = @fields;
        push @users, \%user;
    }
}
my $keep = $mutable eq "yes";

my (%remembered, %declaredBefore);
for (lines_of($mapFile)) {
    my ($kind, $name, $number) = split /\t/;
    $remembered{$kind}{$name} = $number;
    $declaredBefore{$kind}{$name} = 1;
}

my %oldGroups = map { my @f = split /:/, $_, -1; $f[0] => { gid => $f[2], members => $f[3] // "" } } lines_of("/etc/group");
my %oldUsers = map { my @f = split /:/, $_, -1; $f[0] => \@f } lines_of("/etc/passwd");
my %oldShadow = map { my @f = split /:/, $_, -1; $f[0] => \@f } lines_of("/etc/shadow");

# Services count down from 999, people up from 1000, as useradd does.
sub allocator {
    my ($kind, $taken) = @_;
    return sub {
        my ($name, $system) = @_;
        my $known = $remembered{$kind}{$name};
        return $known if defined $known && !$taken->{$known};
        my ($number, $step) = $system ? (999, -1) : (1000, 1);
        $number += $step while $taken->{$number};
        die "no number is left for the $kind $name\n" if $number < 400;
        return $number;
    };
}

my %takenGids = map { $_->{gid} => 1 } grep { $_->{gid} ne "" } @groups;
$takenGids{ $_->{gid} } = 1 for values %oldGroups;
my $nextGid = allocator("group", \%takenGids);

my (%gidOf, %groupLines);
for my $group (@groups) {
    my $old = $oldGroups{ $group->{name} };
    my $gid = $group->{gid} ne "" ? $group->{gid} : $old ? $old->{gid} : $nextGid->($group->{name}, 1);
    $takenGids{$gid} = 1;
    $gidOf{ $group->{name} } = $gid;
    my %members = map { $_ => 1 } @{ $group->{members} };
    if ($keep && $old) { $members{$_} = 1 for split /,/, $old->{members} }
    $groupLines{ $group->{name} } = join ":", $group->{name}, "x", $gid, join ",", sort keys %members;
}
for my $name (grep { !$gidOf{$_} && !exists $groupLines{$_} } keys %oldGroups) {
    next if !$keep || $declaredBefore{group}{$name};
    $gidOf{$name} = $oldGroups{$name}{gid};
    $groupLines{$name} = join ":", $name, "x", $oldGroups{$name}{gid}, $oldGroups{$name}{members};
}

my %takenUids = map { $_->{uid} => 1 } grep { $_->{uid} ne "" } @users;
$takenUids{ $_->[2] } = 1 for values %oldUsers;
my $nextUid = allocator("user", \%takenUids);

sub hash_of {
    my ($plain) = @_;
    my @letters = ("a" .. "z", "A" .. "Z", 0 .. 9);
    my $salt = join "", map { $letters[ rand @letters ] } 1 .. 16;
    return crypt($plain, "\$6\$$salt\$");
}

sub password_of {
    my ($user, $isNew) = @_;
    return $user->{hashed} if $user->{hashed} ne "";
    if ($user->{file} ne "") {
        my ($hash) = lines_of($user->{file});
        return $hash if defined $hash;
        warn "warning: password file ‘$user->{file}’ does not exist\n";
    }
    return hash_of($user->{plain}) if $user->{plain} ne "";
    my $old = $oldShadow{ $user->{name} };
    return $old->[1] if $old && $keep && !$isNew;
    return $user->{initialHashed} if $user->{initialHashed} ne "";
    return hash_of($user->{initialPlain}) if $user->{initialPlain} ne "";
    return "!";
}

my (%passwdLines, %shadowLines, @homes, %uidOf);
for my $user (@users) {
    my $name = $user->{name};
    my $old = $oldUsers{$name};
    my $uid = $user->{uid} ne "" ? $user->{uid} : $old ? $old->[2] : $nextUid->($name, $user->{kind} eq "system");
    $takenUids{$uid} = 1;
    $uidOf{$name} = $uid;
    my $gid = $user->{group} =~ /^\d+$/ ? $user->{group} : $gidOf{ $user->{group} };
    if (!defined $gid) {
        warn "warning: user ‘$name’ has unknown group ‘$user->{group}’\n";
        $gid = 65534;
    }
    $passwdLines{$name} = join ":", $name, "x", $uid, $gid, $user->{description}, $user->{home}, $user->{shell};
    my @rest = $oldShadow{$name} ? @{ $oldShadow{$name} }[2 .. 8] : (1, "", "", "", "", "", "");
    $shadowLines{$name} = join ":", $name, password_of($user, !$old), map { $_ // "" } @rest;
    push @homes, [ $user->{home}, $user->{homeMode}, $uid, $gid ] if $user->{homeMode} ne "";
}
for my $name (grep { !exists $passwdLines{$_} } keys %oldUsers) {
    next if !$keep || $declaredBefore{user}{$name};
    $passwdLines{$name} = join ":", @{ $oldUsers{$name} };
    $shadowLines{$name} = join ":", @{ $oldShadow{$name} // [ $name, "!", 1, "", "", "", "", "", "" ] };
}
exit 0 if $dry;

my $byNumber = sub {
    my ($lines) = @_;
    return join "", map { "$lines->{$_}\n" }
        sort { (split /:/, $lines->{$a})[2] <=> (split /:/, $lines->{$b})[2] || $a cmp $b } keys %$lines;
};
write_file("/etc/group", 0644, $byNumber->(\%groupLines));
write_file("/etc/passwd", 0644, $byNumber->(\%passwdLines));
write_file("/etc/shadow", 0640, join "", map { "$shadowLines{$_}\n" } sort keys %shadowLines);
chown 0, $gidOf{shadow} // 0, "/etc/shadow";

$remembered{group}{ $_->{name} } = $gidOf{ $_->{name} } for @groups;
$remembered{user}{$_} = $uidOf{$_} for keys %uidOf;
my $map = "";
for my $kind (qw(group user)) {
    $map .= "$kind\t$_\t$remembered{$kind}{$_}\n" for sort keys %{ $remembered{$kind} };
}
write_file($mapFile, 0644, $map);

sub make_directories {
    my ($path) = @_;
    return if -d $path;
    my ($parent) = $path =~ m{^(.+)/[^/]+$};
    make_directories($parent) if defined $parent && $parent ne "";
    mkdir $path, 0755;
}
for (@homes) {
    my ($home, $mode, $uid, $gid) = @$_;
    next if -d $home;
    make_directories($home);
    chown $uid, $gid, $home;
    chmod oct($mode), $home;
}
