# Sourced by ./birther and ./test: makes sure that the npm packages of the lock file (Node 24 among them) are installed.
# Needs $root, the checkout. Debian packages are installed by the verbs that need them (src/bootstrap-image/install-packages.ts).

birther_setup() {
  cmp -s "$root/package-lock.json" "$root/node_modules/.birther-lock" && return 0
  if ! command -v npm >/dev/null 2>&1; then
    echo "birther: npm is not installed; install Node.js 20 or later with npm (on Debian: apt-get install npm)" >&2
    return 1
  fi
  (
    # Two first starts at once must not install over each other.
    exec 9>"$root/.setup-lock" && flock 9 || exit 1
    cmp -s "$root/package-lock.json" "$root/node_modules/.birther-lock" && exit 0
    echo "birther: installing npm packages and Node 24 (once)…" >&2
    cd "$root" || exit 1
    if ! npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >"$root/.setup-output" 2>&1; then
      head -n 12 "$root/.setup-output" >&2
      echo "birther: 'npm ci' failed (its first lines are above, all of it is in .setup-output); is the npm registry reachable?" >&2
      exit 1
    fi
    rm -f "$root/.setup-output"
    cp package-lock.json node_modules/.birther-lock
  ) || return 1
}
