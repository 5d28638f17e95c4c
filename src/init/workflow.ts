/**
 * A workflow for GitHub Actions. Its runners have KVM but let only root open it, no Nix, and nothing in the store.
 * @param nixpkgs the channel that `<nixpkgs>` means; undefined for a flake, which brings its own
 */
export function workflow({
  testScript,
  nixpkgs,
}: {
  readonly testScript: string;
  readonly nixpkgs?: string;
}): string {
  return `# Boots this repository's machines and runs their tests.
name: dryboot
on:
  push:
  pull_request:
permissions:
  contents: read
concurrency:
  group: \${{ github.workflow }}-\${{ github.ref }}
  cancel-in-progress: true
jobs:
  machines:
    runs-on: ubuntu-latest
    timeout-minutes: 60
    steps:
      - uses: actions/checkout@v5
      - name: Let every user open /dev/kvm
        run: |
          echo 'KERNEL=="kvm", GROUP="kvm", MODE="0666", OPTIONS+="static_node=kvm"' |
            sudo tee /etc/udev/rules.d/99-kvm.rules
          sudo udevadm control --reload-rules
          sudo udevadm trigger --name-match=kvm
      - uses: cachix/install-nix-action@v31
${nixpkgs === undefined ? "" : `        with:\n          nix_path: nixpkgs=${nixpkgs}\n`}      - uses: nix-community/cache-nix-action@v6
        with:
          primary-key: nix-\${{ runner.os }}-\${{ hashFiles('**/*.nix', '**/flake.lock') }}
          restore-prefixes-first-match: nix-\${{ runner.os }}-
      - uses: actions/setup-node@v5
        with:
          node-version: 24
      - run: npm install
      - run: npx dryboot doctor
      - run: npm run ${testScript}
`;
}
