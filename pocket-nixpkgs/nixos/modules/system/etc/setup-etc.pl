# Makes /etc out of a tree in the store: /etc/static is the tree, everything else a link through it or a copy of it.
use strict;
use warnings;

my $tree = shift or die "usage: setup-etc.pl TREE\n";
my $static = "/etc/static";
my $copiesList = "/etc/.clean";

# A link that takes another's place at once, so that nobody sees it missing.
sub link_at {
    my ($target, $link) = @_;
    my $current = readlink $link;
    return if defined $current && $current eq $target;
    unlink "$link.tmp";
    symlink $target, "$link.tmp" or do { warn "cannot make link $link.tmp: $!\n"; return };
    rename "$link.tmp", $link or do { warn "cannot make link $link: $!\n"; unlink "$link.tmp" };
}

sub first_line {
    my ($file) = @_;
    open my $handle, "<", $file or return undef;
    chomp(my $line = <$handle> // "");
    return $line;
}

# Links that only lead into the static tree may be replaced and removed; a directory is ours when all in it is.
sub is_static {
    my ($path) = @_;
    if (-l $path) { return (readlink($path) // "") =~ m{^/etc/static/} }
    return 0 unless -d $path;
    opendir my $handle, $path or return 0;
    for my $name (grep { $_ ne "." && $_ ne ".." } readdir $handle) {
        return 0 unless is_static("$path/$name");
    }
    return 1;
}

sub remove_tree {
    my ($path) = @_;
    if (-d $path && !-l $path) {
        opendir my $handle, $path or return;
        remove_tree("$path/$_") for grep { $_ ne "." && $_ ne ".." } readdir $handle;
        rmdir $path;
    } else {
        unlink $path;
    }
}

my %copied;

sub copy_file {
    my ($from, $to, $mode) = @_;
    my $owner = first_line("$from.uid") // "+0";
    my $group = first_line("$from.gid") // "+0";
    my $uid = $owner =~ /^\+(\d+)$/ ? $1 : getpwnam($owner) // 0;
    my $gid = $group =~ /^\+(\d+)$/ ? $1 : getgrnam($group) // 0;
    open my $in, "<", $from or do { warn "cannot read $from: $!\n"; return };
    open my $out, ">", "$to.tmp" or do { warn "cannot write $to.tmp: $!\n"; return };
    binmode $in;
    binmode $out;
    local $/ = \65536;
    print {$out} $_ while <$in>;
    close $out;
    chown $uid, $gid, "$to.tmp";
    chmod oct($mode), "$to.tmp";
    rename "$to.tmp", $to or warn "cannot write $to: $!\n";
}

sub install {
    my ($relative) = @_;
    my ($from, $to) = ("$tree/$relative", "/etc/$relative");

    if (-d $from && !-l $from) {
        if (-l $to) { unlink $to }
        mkdir $to, 0755 unless -d $to;
        opendir my $handle, $from or die "cannot read $from: $!\n";
        install("$relative/$_") for sort grep { $_ ne "." && $_ ne ".." } readdir $handle;
        return;
    }
    return if $relative =~ /^(.*)\.(mode|uid|gid)$/ && -e "$tree/$1.mode";

    my $mode = -e "$from.mode" ? first_line("$from.mode") : "symlink";
    if ($mode eq "symlink" || $mode eq "direct-symlink") {
        # A directory of links that now is one link itself.
        if (-d $to && !-l $to) {
            if (is_static($to)) { remove_tree($to) }
            else { warn "$to is a directory with files of its own: left alone\n"; return }
        }
        link_at($mode eq "symlink" ? "$static/$relative" : readlink $from, $to);
        return;
    }
    copy_file($from, $to, $mode);
    $copied{$relative} = 1;
}

sub clean {
    my ($directory) = @_;
    opendir my $handle, $directory or return;
    for my $name (grep { $_ ne "." && $_ ne ".." } readdir $handle) {
        my $path = "$directory/$name";
        if (-l $path) {
            my $target = readlink $path;
            next unless defined $target && $target =~ m{^/etc/static/(.*)$};
            unlink $path unless -l "$tree/$1" || -e "$tree/$1";
        } elsif (-d $path) {
            clean($path);
        }
    }
}

my %formerlyCopied;
if (open my $handle, "<", $copiesList) {
    while (<$handle>) { chomp; $formerlyCopied{$_} = 1 }
}

link_at($tree, $static);
my $fresh = !-e "/etc/NIXOS";
clean("/etc") unless $fresh;

opendir my $handle, $tree or die "cannot read $tree: $!\n";
install($_) for sort grep { $_ ne "." && $_ ne ".." } readdir $handle;

unlink "/etc/$_" for grep { !$copied{$_} } keys %formerlyCopied;
open my $list, ">", $copiesList or die "cannot write $copiesList: $!\n";
print {$list} map { "$_\n" } sort keys %copied;
close $list;

open my $tag, ">>", "/etc/NIXOS" or die "cannot write /etc/NIXOS: $!\n";
close $tag;
