# Makes the seed's programs run by themselves: each gets the loader and the libraries that lie beside it.
use strict;
use warnings;

my ($seed, $out, $loader) = @ENV{qw(seed out loader)};
my @patchelf = ("$seed/lib/$loader", '--library-path', "$seed/lib", "$seed/bin/patchelf");
my @copy = ("$seed/lib/$loader", '--library-path', "$seed/lib", "$seed/bin/cp");

system(@copy, '-r', $seed, $out) == 0 or die "cannot copy the seed\n";
chmod 0755, glob "$out $out/*";
for my $program (glob "$out/bin/*") {
  chmod 0755, $program;
  system(@patchelf, '--set-interpreter', "$out/lib/$loader", '--force-rpath', '--set-rpath', "$out/lib", $program) == 0
    or die "cannot patch $program\n";
}
for my $library (glob "$out/lib/*.so.*") {
  chmod 0755, $library;
  next if $library =~ m{/(ld-linux[^/]*|libc\.so\.6)$};
  system(@patchelf, '--force-rpath', '--set-rpath', "$out/lib", $library) == 0 or die "cannot patch $library\n";
}
symlink 'bash', "$out/bin/sh";
