# Unit files as a switch sees them: where one is, what it says, and whether two of them differ.
package UnitFiles;
use strict;
use warnings;
use Exporter "import";

our @EXPORT = qw(read_file unit_file is_masked parse_unit flag compare_units);

sub read_file {
    my ($file) = @_;
    open my $handle, "<", $file or return undef;
    local $/;
    my $text = <$handle>;
    return $text;
}

# A unit instance falls back on its template.
sub unit_file {
    my ($directory, $unit) = @_;
    return "$directory/$unit" if -e "$directory/$unit" || -l "$directory/$unit";
    return "$directory/$1\@$2" if $unit =~ /^(.*?)@.*(\.[a-z]+)$/ && -e "$directory/$1\@$2";
    return undef;
}

sub is_masked { return (readlink($_[0]) // "") eq "/dev/null" }

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

1;
