# Builder of a package: unpacks .debs into $out, in one tree in place of / and /usr, and makes what is in it run from there.
# Runs on the bootstrap tools alone.
use strict;
use warnings;

my $out = $ENV{out};
my @dependencies = split ' ', $ENV{dependencies} // '';
my @interpreters = split ' ', $ENV{interpreters} // '';
my %relocations = map { split ' ' } grep { /\S/ } split /\n/, $ENV{relocations} // '';
# Beside what it becomes: files cannot be moved into $out from another file system.
my $root = "$out/.unpacked";
my $dropped = qr{^/usr/(share/(doc|man|info|locale|lintian|bug|bash-completion|zsh|fish|doc-base|menu|metainfo|icons|pixmaps|applications|initramfs-tools|gdb|gcc|emacs|vim/addons|reportbug|apport|calendar|debconf)|include|src|lib/debug|lib/tmpfiles.d/legacy.conf)(/|$)|^/(var|run)(/|$)|^/etc/(init\.d|cron\.[a-z]+|default|logrotate\.d|ufw|apparmor\.d|rc.\.d|kernel|profile\.d|skel)(/|$)};

umask 022;
mkdir $out;
mkdir $root or die "$root: $!\n";
unpackDeb($_) for split ' ', $ENV{debs};
place();
fixUp() if length($ENV{fixup} // '');
my %libraries = librariesBelow("$out/lib", "$out/libexec");
my $pattern = relocationPattern();
makeRunnable();

sub run { system(@_) == 0 or die "@_[0 .. ($#_ > 2 ? 2 : $#_)] failed\n"; }

# A .deb is an ar archive; its files are in data.tar, compressed as the distribution likes.
sub unpackDeb {
  my ($deb) = @_;
  open my $in, '<:raw', $deb or die "$deb: $!\n";
  read $in, my $magic, 8;
  die "$deb is no Debian package\n" unless $magic eq "!<arch>\n";
  while (read($in, my $header, 60) == 60) {
    my ($name, $size) = (unpack('A16 x32 A10', $header));
    if ($name =~ m{^data\.tar(?:\.(\w+))?/?$}) {
      my %program = (xz => 'xz -dc', zst => 'zstd -dc', gz => 'gzip -dc');
      my $filter = defined $1 ? $program{$1} // die "$deb: cannot read $name\n" : 'cp /dev/stdin /dev/stdout';
      # Special permissions cannot be had in the store.
      my $unpack = "set -o pipefail; $filter | tar -x -C $root --no-same-owner --no-same-permissions";
      open my $to, '|-', 'bash', '-c', $unpack or die "tar: $!\n";
      binmode $to;
      my $left = $size;
      while ($left > 0) {
        my $count = read $in, my $chunk, $left < 1 << 20 ? $left : 1 << 20;
        die "$deb is cut short\n" unless $count;
        print $to $chunk;
        $left -= $count;
      }
      close $to or die "cannot unpack $deb\n";
      return;
    }
    seek $in, $size + $size % 2, 1;
  }
  die "$deb has no data\n";
}

# Where a path of the distribution is in a package's tree.
sub placeOf {
  my ($path) = @_;
  $path =~ s{^/usr/local/}{/};
  $path =~ s{^/usr(?=/)}{};
  $path =~ s{^/(s?bin|games)/}{/bin/};
  $path =~ s{^/lib(64|32)?/}{/lib/};
  $path =~ s{^/lib/\w+-linux-gnu\w*(?=/)}{/lib};
  return $path;
}

sub isThere { return -e $_[0] || -l $_[0]; }

sub place {
  my @links;
  my $walk;
  $walk = sub {
    my ($directory) = @_;
    opendir my $list, "$root$directory" or die "$directory: $!\n";
    for my $name (sort grep { !/^\.\.?$/ } readdir $list) {
      my $path = "$directory/$name";
      next if $path =~ $dropped;
      if (-l "$root$path") { push @links, [$path, readlink "$root$path"]; }
      elsif (-d _) { chmod 0755, "$root$path"; $walk->($path); }
      else {
        my $to = $out . placeOf($path);
        makeDirectory($to =~ s{/[^/]*$}{}r);
        rename "$root$path", $to or die "$to: $!\n";
        chmod((-x $to ? 0755 : 0644), $to);
      }
    }
  };
  $walk->('');
  placeLink(@$_) for @links;
  run('rm', '-rf', $root);
  makeDirectory("$out/bin");
  symlink 'bin', "$out/sbin" unless isThere("$out/sbin");
}

sub makeDirectory {
  my ($path) = @_;
  return if -d $path;
  makeDirectory($path =~ s{/[^/]*$}{}r);
  mkdir $path or die "$path: $!\n";
}

# A link leads into this tree or a dependency's; one that leads nowhere (a device, a file made later) keeps its words.
sub placeLink {
  my ($path, $target) = @_;
  my $from = placeOf($path);
  my $absolute = $target =~ m{^/} ? $target : ($path =~ s{[^/]*$}{}r) . $target;
  1 while $absolute =~ s{/[^/]+/\.\.(?=/|$)}{} || $absolute =~ s{/\.(?=/|$)}{} || $absolute =~ s{//}{/};
  my $place = placeOf($absolute);
  return if $place eq $from || isThere("$out$from");
  my ($tree) = -e "$root$absolute" || -l "$root$absolute" || isThere("$out$place") ? $out : grep { isThere("$_$place") } @dependencies;
  my ($directory) = $from =~ m{^(.*/)};
  my $words = !defined $tree ? $target
    : $tree eq $out && $place =~ m{^\Q$directory\E([^/]+)$} ? $1
    : "$tree$place";
  makeDirectory("$out$directory" =~ s{/$}{}r);
  symlink $words, "$out$from" or die "$from: $!\n";
}

# What the distribution's maintainer scripts would have done.
sub fixUp {
  open my $to, '|-', 'bash', '-eu' or die "bash: $!\n";
  print $to "cd \$out\n$ENV{fixup}\n";
  close $to or die "the package's fixup failed\n";
}

# Library name => folder; the nearest to lib itself wins.
sub librariesBelow {
  my @queue = @_;
  my %found;
  while (defined(my $directory = shift @queue)) {
    opendir my $list, $directory or next;
    for my $name (sort readdir $list) {
      next if $name =~ /^\.\.?$/;
      if (-d "$directory/$name" && !-l "$directory/$name") { push @queue, "$directory/$name" unless $name eq 'modules'; }
      elsif ($name =~ /\.so(\.|$)/) { $found{$name} //= $directory; }
    }
  }
  return %found;
}

sub relocationPattern {
  return undef unless %relocations;
  for (sort keys %relocations) { die "$_ and its place differ in length\n" unless length == length $relocations{$_}; }
  my $any = join '|', map { quotemeta } sort { length $b <=> length $a } keys %relocations;
  # A whole path or the beginning of one, not the middle of a longer one, unless a format puts a root before it.
  return qr{(?:(?<![\w.\-/])|(?<=%s))($any)(?![\w.\-])};
}

sub makeRunnable {
  my $loader = (grep { -e } map { "$_/lib/$ENV{loader}" } $out, @dependencies)[0];
  my (@queue, %patched) = ($out);
  while (defined(my $directory = shift @queue)) {
    opendir my $list, $directory or die "$directory: $!\n";
    for my $name (sort grep { !/^\.\.?$/ } readdir $list) {
      my $path = "$directory/$name";
      next if -l $path;
      if (-d _) { push @queue, $path unless $path eq "$out/lib/modules"; next; }
      # Hard links, git's programs for one, stay one file.
      my ($inode, $count) = (stat _)[1, 3];
      if ($patched{$inode}) { unlink $path; link $patched{$inode}, $path or die "$path: $!\n"; next; }
      open my $in, '<:raw', $path or die "$path: $!\n";
      my $start = '';
      read $in, $start, 4;
      close $in;
      if ($start eq "\x7fELF") { patchElf($path, $loader); $patched{$inode} = $path if $count > 1; }
      elsif ($start =~ /^#!/ && -x $path) { patchScript($path); }
    }
  }
}

sub slurp { open my $in, '<:raw', $_[0] or die "$_[0]: $!\n"; local $/; return scalar <$in>; }
sub spill { open my $to, '>:raw', $_[0] or die "$_[0]: $!\n"; print $to $_[1]; close $to or die "$_[0]: $!\n"; }

sub patchElf {
  my ($path, $loader) = @_;
  my $bytes = slurp($path);
  my $elf = readElf($bytes) or return;
  (my $name = $path) =~ s{.*/}{};

  if (defined $pattern && $bytes =~ s/$pattern/$relocations{$1}/g) { spill($path, $bytes); }
  return if $name eq 'libc.so.6' || $name =~ /^ld-linux/;

  my @folders = grep { m{^\$} } @{ $elf->{rpath} };
  for my $folder (grep { m{^/} } @{ $elf->{rpath} }) {
    push @folders, grep { -d } map { my $tree = $_; (my $there = placeOf("$folder/")) =~ s{/$}{}; "$tree$there" } $out, @dependencies;
  }
  my $ofLibc = 1;
  for my $library (@{ $elf->{needed} }) {
    $ofLibc = 0 unless $library =~ /^(libc|libm|libdl|libpthread|librt|libresolv|libgcc_s|ld-linux[\w-]*)\.so\.\d+$/;
    my ($folder) = grep { defined } (exists $libraries{$library} ? $libraries{$library} : undef),
      map { my $tree = $_; map { -e "$tree/lib/$_$library" ? ("$tree/lib/$_" =~ s{/$}{}r) : () } '', 'systemd/' } @dependencies;
    if (!defined $folder) { print "$path: nothing here has $library\n"; next; }
    push @folders, $folder;
  }
  my %seen;
  my $rpath = join ':', grep { !$seen{$_}++ } @folders;
  # A library that needs the C library only finds it loaded already.
  return if !$elf->{interpreter} && $ofLibc && !@{ $elf->{rpath} };
  my @arguments = ('--force-rpath', '--set-rpath', $rpath);
  unshift @arguments, '--set-interpreter', $loader if $elf->{interpreter};
  return if !$elf->{dynamic};
  run('patchelf', @arguments, $path);
}

# What patchelf must know, read here because starting it four times a file costs more than all the rest.
sub readElf {
  my ($bytes) = @_;
  return undef unless length $bytes > 64 && ord(substr $bytes, 4, 1) == 2 && ord(substr $bytes, 5, 1) == 1;
  my ($type) = unpack 'S<', substr $bytes, 16, 2;
  return undef unless $type == 2 || $type == 3;
  my ($offset) = unpack 'Q<', substr $bytes, 32, 8;
  my ($size, $count) = unpack 'S<S<', substr $bytes, 54, 4;
  my %elf = (needed => [], rpath => []);
  my (@loads, $dynamic);
  for my $index (0 .. $count - 1) {
    my ($kind, undef, $at, $address, undef, $length) = unpack 'L<L<Q<Q<Q<Q<', substr $bytes, $offset + $index * $size, 48;
    push @loads, [$at, $address, $length] if $kind == 1;
    $dynamic = substr $bytes, $at, $length if $kind == 2;
    $elf{interpreter} = 1 if $kind == 3;
  }
  return \%elf unless defined $dynamic;
  $elf{dynamic} = 1;
  my ($strings, @texts);
  for (my $at = 0; $at + 16 <= length $dynamic; $at += 16) {
    my ($tag, $value) = unpack 'Q<Q<', substr $dynamic, $at, 16;
    last if $tag == 0;
    $strings = $value if $tag == 5;
    push @texts, [$tag, $value] if $tag == 1 || $tag == 15 || $tag == 29;
  }
  for my $load (@loads) {
    my ($at, $address, $length) = @$load;
    if (defined $strings && $strings >= $address && $strings < $address + $length) { $strings = $strings - $address + $at; last; }
  }
  for (@texts) {
    my ($tag, $value) = @$_;
    my ($text) = unpack 'Z*', substr $bytes, $strings + $value, 4096;
    if ($tag == 1) { push @{ $elf{needed} }, $text; }
    else { push @{ $elf{rpath} }, split /:/, $text; }
  }
  return \%elf;
}

sub patchScript {
  my ($path) = @_;
  my $text = slurp($path);
  my ($line) = $text =~ /^#!\s*([^\n]*)/ or return;
  my ($program, $rest) = $line =~ /^(\S+)\s*(.*)$/ or return;
  if ($program =~ m{/env$}) { ($program, $rest) = $rest =~ /^(?:-S\s*)?(\S+)\s*(.*)$/ or return; }
  return if $program =~ m{^/nix/store/};
  (my $name = $program) =~ s{.*/}{};
  $name = 'sh' if $name eq 'dash';
  my ($found) = grep { -x } map { "$_/bin/$name" } $out, @dependencies, @interpreters;
  if (!defined $found) { print "$path: nothing here has $program\n"; return; }
  my $words = $found . (length $rest ? " $rest" : '');
  $text =~ s/^#![^\n]*/#!$words/;
  spill($path, $text);
}
