# Licences by the names that packages use for them.
let
  license = shortName: spdxId: fullName: {
    inherit shortName spdxId fullName;
    free = true;
    redistributable = true;
    deprecated = false;
    url = "https://spdx.org/licenses/${spdxId}.html";
  };
in
{
  asl20 = license "asl20" "Apache-2.0" "Apache License 2.0";
  agpl3Only = license "agpl3Only" "AGPL-3.0-only" "GNU Affero General Public License v3.0 only";
  agpl3Plus = license "agpl3Plus" "AGPL-3.0-or-later" "GNU Affero General Public License v3.0 or later";
  bsd0 = license "bsd0" "0BSD" "BSD Zero Clause License";
  bsd2 = license "bsd2" "BSD-2-Clause" "BSD 2-clause \"Simplified\" License";
  bsd3 = license "bsd3" "BSD-3-Clause" "BSD 3-clause \"New\" or \"Revised\" License";
  cc0 = license "cc0" "CC0-1.0" "Creative Commons Zero v1.0 Universal";
  gpl2Only = license "gpl2Only" "GPL-2.0-only" "GNU General Public License v2.0 only";
  gpl2Plus = license "gpl2Plus" "GPL-2.0-or-later" "GNU General Public License v2.0 or later";
  gpl3Only = license "gpl3Only" "GPL-3.0-only" "GNU General Public License v3.0 only";
  gpl3Plus = license "gpl3Plus" "GPL-3.0-or-later" "GNU General Public License v3.0 or later";
  isc = license "isc" "ISC" "ISC License";
  lgpl21Plus = license "lgpl21Plus" "LGPL-2.1-or-later" "GNU Lesser General Public License v2.1 or later";
  lgpl3Plus = license "lgpl3Plus" "LGPL-3.0-or-later" "GNU Lesser General Public License v3.0 or later";
  mit = license "mit" "MIT" "MIT License";
  mpl20 = license "mpl20" "MPL-2.0" "Mozilla Public License 2.0";
  postgresql = license "postgresql" "PostgreSQL" "PostgreSQL License";
  unlicense = license "unlicense" "Unlicense" "The Unlicense";
  zlib = license "zlib" "Zlib" "zlib License";
  free = { shortName = "free"; fullName = "Unspecified free software license"; free = true; redistributable = true; deprecated = false; };
  unfree = { shortName = "unfree"; fullName = "Unfree"; free = false; redistributable = false; deprecated = false; };
}
