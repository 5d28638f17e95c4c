# Merges trees into one of links. Arguments come in the environment: `trees` ("<priority> <path>" a line), `pathsToLink`.
use strict;
use warnings;

my $out = $ENV{out};
my @trees = map { [split ' ', $_, 2] } grep { /\S/ } split /\n/, $ENV{trees};
my @wanted = map { s{/+$}{}r } split ' ', $ENV{pathsToLink};
my $ignore = $ENV{ignoreCollisions};
my $deep = $ENV{deep};
my $prefix = $ENV{extraPrefix} // '';

# The lower number wins; of equals the first.
@trees = map { $_->[1] } sort { $a->[0] <=> $b->[0] } @trees;
my %priority = map { my ($priority, $path) = split ' ', $_, 2; ($path => $priority) } grep { /\S/ } split /\n/, $ENV{trees};

make($out . $prefix);
visit('', @trees);

sub make { my ($path) = @_; return if -d $path; make($path =~ s{/[^/]*$}{}r); mkdir $path or die "$path: $!\n"; }
sub isWanted { my ($path) = @_; return grep { $path eq $_ || index("$path/", "$_/") == 0 } @wanted; }
sub leadsToWanted { my ($path) = @_; return grep { index("$_/", "$path/") == 0 } @wanted; }

sub visit {
  my ($path, @sources) = @_;
  my (%holders, @names);
  for my $tree (@sources) {
    opendir my $list, "$tree$path" or next;
    for my $name (sort grep { !/^\.\.?$/ } readdir $list) { push @names, $name unless $holders{$name}; push @{ $holders{$name} }, $tree; }
  }
  for my $name (sort @names) {
    my $child = "$path/$name";
    next if $path eq '' && ($name eq 'nix-support' || $name eq 'propagated-build-inputs');
    next unless isWanted($child) || leadsToWanted($child);
    my ($first, @others) = @{ $holders{$name} };
    if (-d "$first$child") {
      if (!$deep && !@others && isWanted($child)) { link_($child, $first); next; }
      make("$out$prefix$child");
      visit($child, grep { -d "$_$child" } $first, @others);
    } elsif (isWanted($child)) {
      for my $other (@others) {
        next if $ignore || $priority{$other} != $priority{$first} || same("$first$child", "$other$child");
        die "two packages have $child: $first and $other\n";
      }
      link_($child, $first);
    }
  }
}

# A link to the very file, so that chains of links do not grow.
sub link_ {
  my ($child, $tree) = @_;
  my $target = "$tree$child";
  for (1 .. 20) {
    last unless -l $target;
    my $next = readlink $target;
    last unless $next =~ m{^/nix/store/};
    $target = $next;
  }
  make("$out$prefix$child" =~ s{/[^/]*$}{}r);
  symlink $target, "$out$prefix$child" or die "$child: $!\n";
}

sub same {
  my ($one, $other) = @_;
  return 1 if !-e $one || !-e $other;
  my @one = stat $one;
  my @other = stat $other;
  return 1 if $one[1] == $other[1] && $one[0] == $other[0];
  return 0 if $one[7] != $other[7];
  open my $first, '<:raw', $one or return 0;
  open my $second, '<:raw', $other or return 0;
  local $/;
  return <$first> eq <$second>;
}
