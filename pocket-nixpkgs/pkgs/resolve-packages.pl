# The steps of fetch-packages that need more than a shell: which packages, in which groups, under which names.
# Only modules that perl-base has.
use strict;
use warnings;

# Needed when a package is configured, which nobody does here.
my %ignored = map { $_ => 1 } qw(
  adduser debianutils base-files base-passwd debconf debconf-2.0 cdebconf dpkg init-system-helpers initramfs-tools install-info
  libpam-runtime linux-base linux-initramfs-tool lsb-base lsb-release mawk postgresql-client-common postgresql-common
  runit-helper sensible-utils ssl-cert sysvinit-utils ucf update-inetd systemd-dev
);

# The parts of the bootstrap tools.
my @seedPrograms = qw(bash cat chmod cp ln mkdir mv rm rmdir tar xz zstd gzip patchelf perl);

my ($step, @arguments) = @ARGV;
my %steps = (resolve => \&resolve, rename => \&renameDebs, seed => \&seed, lock => \&lock);
$steps{$step}->(@arguments);

sub slurp { my ($path) = @_; open my $in, '<', $path or die "$path: $!\n"; local $/; return scalar <$in>; }
sub spill { my ($path, $text) = @_; open my $to, '>', $path or die "$path: $!\n"; print $to $text; close $to or die "$path: $!\n"; }
sub capture { open my $in, '-|', @_ or die "$_[0]: $!\n"; local $/; my $text = <$in> // ''; close $in or die "$_[0] failed\n"; return $text; }

sub quote { my ($text) = @_; $text =~ s/(["\\])/\\$1/g; return qq("$text"); }
sub quoteAll { return '[' . join(', ', map { quote($_) } @_) . ']'; }

# The lines of the list: [name, parts].
sub readList {
  my ($list, $architecture) = @_;
  my @lines;
  for my $line (split /\n/, slurp($list)) {
    next if $line =~ /^\s*(#|$)/;
    $line =~ s/%a/$architecture/g;
    my ($name, @parts) = split ' ', $line;
    push @lines, [$name, @parts];
  }
  return @lines;
}

# Asks apt for everything that the list names, drops what nothing at run time needs, and writes the plan.
sub resolve {
  my ($architecture, $list, $scratch, @apt) = @_;
  my @lines = readList($list, $architecture);

  my %isKnown = map { $_ => 1 } split /\n/, capture('apt-cache', @apt, 'pkgnames');
  my %chosen;
  for my $part (grep { !m{^/} } map { @$_[1 .. $#$_] } @lines) {
    (my $names = $part) =~ s/^\((.*)\)$/$1/;
    my ($first) = grep { $isKnown{$_} } split /\|/, $names;
    if (!defined $first) { print STDERR "W: the distribution has no $names\n"; next; }
    $chosen{$part} = $first;
  }

  my %wanted = map { $_ => 1 } values %chosen;
  my @uris = split /\n/, capture('apt-get', @apt, qw(install --yes --print-uris -o Acquire::ForceHash=SHA256), sort keys %wanted);
  my (%uri, @exact);
  for (@uris) {
    my ($uri, $file) = /^'([^']+)' (\S+)/ or next;
    my ($name, $version) = split /_/, $file;
    $version =~ s/%3a/:/g;
    $uri{$name} = $uri;
    push @exact, "$name=$version";
  }

  my (%package, %provider);
  for my $record (split /\n\n+/, capture('apt-cache', @apt, 'show', @exact)) {
    my %field = $record =~ /^([A-Za-z0-9-]+): (.*)$/mg;
    my $name = $field{Package} or next;
    $package{$name} //= \%field;
    for (split /,\s*/, $field{Provides} // '') { my ($virtual) = /^([^\s(]+)/; push @{ $provider{$virtual} }, $name; }
  }

  my %depends;
  for my $name (keys %package) {
    my %seen;
    for my $clause (split /,\s*/, join ',', grep { defined } @{ $package{$name} }{qw(Pre-Depends Depends)}) {
      my @options = map { /^\s*([^\s:(]+)/ ? $1 : () } split /\|/, $clause;
      next if grep { $ignored{$_} || /^(libllvm|.*-perl$)/ && $name !~ /^(git|perl)/ } @options;
      my ($taken) = grep { $package{$_} } @options;
      $taken //= (map { $_->[0] } grep { defined } @provider{@options})[0];
      $seen{$taken} = 1 if defined $taken && $taken ne $name;
    }
    $depends{$name} = [sort keys %seen];
  }

  # Parts of a line, and packages that need each other, are one group.
  my (%groupOf, %members, %attribute);
  for (@lines) {
    my ($attribute, @parts) = @$_;
    my %parts;
    for my $part (@parts) {
      if ($part =~ m{^/(.*)/$}) { my $expression = qr/^$1$/; $parts{$_} = 1 for grep { /$expression/ } keys %package; }
      elsif ($part !~ /^\(/ && defined $chosen{$part}) { $parts{ $chosen{$part} } = 1 if $package{ $chosen{$part} }; }
    }
    next unless %parts;
    $attribute{$attribute} = 1;
    for my $part (sort keys %parts) { $groupOf{$part} //= $attribute; }
  }
  $groupOf{$_} //= $_ for keys %package;
  mergeCycles(\%groupOf, \%depends, \%attribute);
  push @{ $members{ $groupOf{$_} } }, $_ for sort keys %package;

  my %next;
  for my $name (keys %package) { $next{ $groupOf{$name} }{ $groupOf{$_} } = 1 for @{ $depends{$name} }; }
  my (%needed, @queue);
  my %isHead = map { $_ => 1 } values %groupOf;
  @queue = grep { $isHead{$_} } map { $_->[0] } @lines;
  push @queue, map { $groupOf{$_} } grep { $package{$_} } qw(libc6 libstdc++6);
  while (defined(my $group = shift @queue)) { push @queue, keys %{ $next{$group} } unless $needed{$group}++; }

  my ($bytes, $plan) = (0, '');
  for my $group (sort keys %needed) {
    $plan .= join("\t", 'group', $group, join(' ', @{ $members{$group} }),
      join(' ', grep { $_ ne $group && $needed{$_} } sort keys %{ $next{$group} })) . "\n";
    for my $name (@{ $members{$group} }) {
      my $field = $package{$name};
      $bytes += $field->{Size};
      $plan .= join("\t", 'deb', $name, $field->{Version}, $field->{Architecture}, $field->{SHA256}, $uri{$name}) . "\n";
    }
  }
  my @debs = map { /^deb\t([^\t]+)\t([^\t]+)/ ? "$1=$2" : () } split /\n/, $plan;
  spill("$scratch/plan", $plan);
  spill("$scratch/names", join('', map { "$_\n" } @debs));
  spill("$scratch/megabytes", sprintf '%.0f', $bytes / 1e6);
  die "E: apt names no packages\n" if @debs < 20;
}

# Tarjan's strongly connected components over the groups.
sub mergeCycles {
  my ($groupOf, $depends, $attribute) = @_;
  my %next;
  for my $name (keys %$groupOf) { $next{ $groupOf->{$name} }{ $groupOf->{$_} } = 1 for @{ $depends->{$name} // [] }; }
  my ($count, %index, %low, @stack, %onStack, %merged) = (0);
  no warnings 'recursion';
  my $visit;
  $visit = sub {
    my ($group) = @_;
    $index{$group} = $low{$group} = $count++;
    push @stack, $group;
    $onStack{$group} = 1;
    for my $other (sort keys %{ $next{$group} // {} }) {
      if (!defined $index{$other}) { $visit->($other); $low{$group} = $low{$other} if $low{$other} < $low{$group}; }
      elsif ($onStack{$other}) { $low{$group} = $index{$other} if $index{$other} < $low{$group}; }
    }
    return unless $low{$group} == $index{$group};
    my @component;
    do { push @component, pop @stack; delete $onStack{ $component[-1] }; } until $component[-1] eq $group;
    # A name that nixpkgs has goes before a name that it lacks.
    my ($head) = sort { ($attribute->{$a} ? 0 : 1) <=> ($attribute->{$b} ? 0 : 1) || $a cmp $b } @component;
    $merged{$_} = $head for @component;
  };
  for my $group (sort keys %next) { $visit->($group) unless defined $index{$group}; }
  $groupOf->{$_} = $merged{ $groupOf->{$_} } // $groupOf->{$_} for keys %$groupOf;
}

sub readPlan {
  my ($scratch) = @_;
  my (%group, %deb);
  for (split /\n/, slurp("$scratch/plan")) {
    my ($kind, $name, @fields) = split /\t/, $_, -1;
    if ($kind eq 'group') { $group{$name} = { members => [split ' ', $fields[0]], depends => [split ' ', $fields[1]] }; }
    else { $deb{$name} = { version => $fields[0], architecture => $fields[1], sha256 => $fields[2], uri => $fields[3] }; }
  }
  return (\%group, \%deb);
}

# The store knows fewer characters than apt does.
sub storeName { my ($name, $deb) = @_; (my $file = "${name}_$deb->{version}.deb") =~ s/[^A-Za-z0-9+._-]/-/g; return $file; }

sub renameDebs {
  my ($scratch) = @_;
  my ($group, $deb) = readPlan($scratch);
  for my $name (keys %$deb) {
    (my $version = $deb->{$name}{version}) =~ s/:/%3a/g;
    my $from = "$scratch/debs/${name}_${version}_$deb->{$name}{architecture}.deb";
    rename $from, "$scratch/debs/" . storeName($name, $deb->{$name}) or die "$from: $!\n";
  }
  my @seedGroups = qw(bash coreutils gnutar xz zstd gzip patchelf perl);
  my %needed;
  while (defined(my $name = shift @seedGroups)) { push @seedGroups, @{ $group->{$name}{depends} // [] } unless $needed{$name}++; }
  spill("$scratch/seed-debs", join '', map { storeName($_, $deb->{$_}) . "\n" } map { @{ $group->{$_}{members} // [] } } sort keys %needed);
}

# The few programs and every library, flat; they run by naming the loader and the libraries.
sub seed {
  my ($scratch) = @_;
  my ($from, $to) = ("$scratch/seed", "$scratch/pocket-bootstrap-seed");
  system('mkdir', '-p', "$to/bin", "$to/lib", "$to/perl") == 0 or die;
  for my $program (@seedPrograms) {
    my ($path) = grep { -f $_ } map { "$from/$_/$program" } qw(usr/bin bin);
    die "$program is missing\n" unless defined $path;
    system('cp', '-L', $path, "$to/bin/$program") == 0 or die;
  }
  for my $directory (map { glob } "$from/lib/*-linux-gnu*", "$from/usr/lib/*-linux-gnu*", "$from/lib64", "$from/usr/lib64") {
    for my $library (glob "$directory/*.so.* $directory/ld-linux*") {
      (my $name = $library) =~ s{.*/}{};
      next if -e "$to/lib/$name" || !-f $library || $name =~ /\.so\.\d+\.\d+\.\d+$|^libperl/;
      system('cp', '-L', $library, "$to/lib/$name") == 0 or die;
    }
  }
  my ($base) = glob "$from/usr/lib/*-linux-gnu*/perl-base";
  system('cp', '-r', $base, "$to/perl/lib") == 0 or die;
  system('chmod', '-R', 'u+w', $to) == 0 or die;
  system('chmod', '+x', glob "$to/lib/ld-linux*") == 0 or die;
}

sub lock {
  my ($scratch, $wanted, $architecture) = @_;
  my ($group, $deb) = readPlan($scratch);
  my %path = map { m{/[a-z0-9]{32}-(.*)$} ? ($1 => $_) : () } split /\n/, slurp("$scratch/paths");
  my %system = (amd64 => 'x86_64-linux', arm64 => 'aarch64-linux', i386 => 'i686-linux');
  my %release = slurp('/etc/os-release') =~ /^(\w+)="?([^"\n]*)"?$/mg;
  chomp(my $seedPath = slurp("$scratch/seed-path"));
  chomp(my $seedHash = slurp("$scratch/seed-hash"));

  my @debs = map {
    my $file = storeName($_, $deb->{$_});
    my $path = $path{$file} or die "$file is not in the store\n";
    sprintf '    %s: { "version": %s, "file": %s, "sha256": %s, "uri": %s, "path": %s }',
      quote($_), quote($deb->{$_}{version}), quote($file), quote($deb->{$_}{sha256}), quote($deb->{$_}{uri}), quote($path);
  } sort keys %$deb;
  my @groups = map {
    sprintf '    %s: { "debs": %s, "depends": %s }', quote($_), quoteAll(@{ $group->{$_}{members} }), quoteAll(@{ $group->{$_}{depends} });
  } sort keys %$group;
  print "{\n", join(",\n",
    '  "wanted": ' . quote($wanted),
    '  "distribution": ' . quote($release{PRETTY_NAME} // $release{ID} // 'unknown'),
    '  "system": ' . quote($system{$architecture} // die "$architecture is not supported\n"),
    sprintf('  "seed": { "sha256": %s, "path": %s }', quote($seedHash), quote($seedPath)),
    "  \"debs\": {\n" . join(",\n", @debs) . "\n  }",
    "  \"groups\": {\n" . join(",\n", @groups) . "\n  }",
  ), "\n}\n";
}
